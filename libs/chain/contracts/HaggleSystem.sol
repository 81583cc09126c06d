// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Channels} from "./Channels.sol";
import {IStakeVault} from "./IStakeVault.sol";
import {PeerRegistry} from "./PeerRegistry.sol";
import {StakeVault} from "./StakeVault.sol";

/// @title Deploys every contract in a fixed order, so that each knows the others without anybody's key.
/// @notice The address of each part follows from this contract's address and the order, and that from the creation code and its arguments.
contract HaggleSystem {
    /// @param stakeToken the ERC-20 of stakes and bonds; channels take any token
    /// @param closeDelay seconds that a payee has to claim when a payer closes
    /// @param unbondDelay seconds from asking for stake back to getting it
    struct Parameters {
        IERC20 stakeToken;
        uint64 closeDelay;
        uint64 unbondDelay;
    }

    PeerRegistry public immutable registry;
    StakeVault public immutable vault;
    Channels public immutable channels;
    address public immutable court;

    constructor(Parameters memory parameters) {
        court = _part(4);
        registry = new PeerRegistry(IStakeVault(_part(2)));
        vault = new StakeVault(parameters.stakeToken, court, address(registry), parameters.unbondDelay);
        channels = new Channels(parameters.closeDelay);
        assert(address(vault) == _part(2));
    }

    /// @dev Address of the nth contract that this one creates: the last 20 bytes of keccak256(rlp([this, n])).
    function _part(uint8 n) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), n)))));
    }
}
