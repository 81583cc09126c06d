// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Channels} from "./Channels.sol";
import {ICourtMaker} from "./ICourtMaker.sol";
import {IStakeVault} from "./IStakeVault.sol";
import {PeerRegistry} from "./PeerRegistry.sol";
import {StakeVault} from "./StakeVault.sol";

/// @title Deploys every contract in a fixed order, so that each knows the others without anybody's key.
/// @notice The address of each part follows from this contract's address and the order, and that from the creation code and its arguments.
contract HaggleSystem is ICourtMaker {
    /// @param stakeToken the ERC-20 of stakes and bonds; channels take any token
    /// @param closeDelay seconds that a payee has to claim when a payer closes
    /// @param unbondDelay seconds from asking for stake back to getting it
    /// @param witnessStake what a seat among the witnesses locks, base units
    /// @param claimS seconds after a window's end in which it can be claimed for
    /// @param refuteS seconds after a claim in which it can be refuted
    /// @param drawDelay blocks from a case's opening to the block whose hash draws its committee
    /// @param commitReveal true where a block's hash is constant or set by a sequencer
    /// @param courtCodeHash keccak256 of the court's creation code, which is too long to travel in here
    struct Parameters {
        IERC20 stakeToken;
        uint64 closeDelay;
        uint64 unbondDelay;
        uint128 witnessStake;
        uint64 claimS;
        uint64 refuteS;
        uint32 drawDelay;
        bool commitReveal;
        bytes32 courtCodeHash;
    }

    PeerRegistry public immutable registry;
    StakeVault public immutable vault;
    Channels public immutable channels;
    /// @notice Where the court is, once `deployCourt` was called.
    address public immutable court;
    bytes32 public immutable courtCodeHash;

    uint128 private immutable _witnessStake;
    uint64 private immutable _claimS;
    uint64 private immutable _refuteS;
    uint32 private immutable _drawDelay;
    bool private immutable _commitReveal;

    error UnbondsTooSoon();
    error NotTheCourt();

    constructor(Parameters memory parameters) {
        // What is claimed for and disputed must still be there.
        if (parameters.unbondDelay <= uint256(parameters.claimS) + parameters.refuteS) revert UnbondsTooSoon();
        court = _part(4);
        registry = new PeerRegistry(IStakeVault(_part(2)));
        vault = new StakeVault(parameters.stakeToken, court, address(registry), parameters.unbondDelay);
        channels = new Channels(parameters.closeDelay);
        assert(address(vault) == _part(2));
        courtCodeHash = parameters.courtCodeHash;
        _witnessStake = parameters.witnessStake;
        _claimS = parameters.claimS;
        _refuteS = parameters.refuteS;
        _drawDelay = parameters.drawDelay;
        _commitReveal = parameters.commitReveal;
    }

    /// @notice Deploys the court, by whoever brings its code: no other code gets that address.
    function deployCourt(bytes memory creationCode) external returns (address made) {
        if (keccak256(creationCode) != courtCodeHash || court.code.length != 0) revert NotTheCourt();
        assembly ("memory-safe") {
            made := create(0, add(creationCode, 0x20), mload(creationCode))
        }
        assert(made == court);
    }

    /// @inheritdoc ICourtMaker
    function courtParameters() external view returns (IStakeVault, uint128, uint64, uint64, uint32, bool) {
        return (vault, _witnessStake, _claimS, _refuteS, _drawDelay, _commitReveal);
    }

    /// @dev Address of the nth contract that this one creates: the last 20 bytes of keccak256(rlp([this, n])).
    function _part(uint8 n) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), n)))));
    }
}
