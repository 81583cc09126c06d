// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Court} from "../Court.sol";
import {ICourtMaker} from "../ICourtMaker.sol";
import {IStakeVault} from "../IStakeVault.sol";
import {StakeVault} from "../StakeVault.sol";
import {Check} from "./Check.sol";
import {OpenToken} from "./Tokens.sol";

/// @dev Deploys a vault and a court that know each other, with whatever token and constants.
contract CourtMaker is ICourtMaker {
    StakeVault public immutable vault;
    uint128 private _stake;
    uint64 private _claimS;
    uint64 private _refuteS;
    uint32 private _drawDelay;
    bool private _commitReveal;

    constructor(OpenToken token) {
        // The vault is this contract's first creation, the court its second.
        vault = new StakeVault(token, address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), hex"02"))))), address(0x4E6), 14 days);
    }

    function make(uint128 stake, uint64 claimS, uint64 refuteS, uint32 drawDelay, bool commitReveal) external returns (Court) {
        (_stake, _claimS, _refuteS, _drawDelay, _commitReveal) = (stake, claimS, refuteS, drawDelay, commitReveal);
        return new Court();
    }

    function courtParameters() external view returns (IStakeVault, uint128, uint64, uint64, uint32, bool) {
        return (vault, _stake, _claimS, _refuteS, _drawDelay, _commitReveal);
    }
}

/// @dev A court with ten accounts that have stake and money, and the words that witnesses sign.
abstract contract CourtBase is Check {
    uint128 internal constant STAKE = 100_000;
    uint128 internal constant PRICE = 1_000;
    uint64 internal constant CLAIM = 600;
    uint64 internal constant REFUTE = 300;
    uint256 internal constant PROVIDER = 1;
    uint256 internal constant RENTER = 2;

    OpenToken internal token = new OpenToken(6);
    CourtMaker internal maker = new CourtMaker(token);
    StakeVault internal vault = maker.vault();
    Court internal court = maker.make(STAKE, CLAIM, REFUTE, 2, false);

    constructor() {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        for (uint256 key = 1; key <= 12; ++key) {
            address account = vm.addr(key);
            token.give(account, 2_000_000);
            vm.startPrank(account);
            token.approve(address(vault), type(uint256).max);
            token.approve(address(court), type(uint256).max);
            vault.stake(1_000_000);
            vm.stopPrank();
        }
    }

    function sla() internal view returns (Court.Sla memory) {
        return
            Court.Sla({
                renter: vm.addr(RENTER),
                renterKey: bytes32(RENTER),
                providerKey: bytes32(PROVIDER),
                terms: keccak256("terms"),
                rule: 2,
                slotS: 1,
                slots: 90,
                startsAt: uint64(block.timestamp),
                pricePerSlot: PRICE,
                factor: 10,
                lock: 100_000,
                renterCommit: 0,
                providerCommit: 0
            });
    }

    function enrollAll() internal {
        for (uint256 key = 3; key <= 12; ++key) {
            vm.prank(vm.addr(key));
            court.enroll(bytes32(key));
        }
        vm.roll(block.number + 1);
    }

    function open(Court.Sla memory one) internal returns (bytes32) {
        vm.prank(vm.addr(PROVIDER));
        return court.openSla(one);
    }

    function opened() internal returns (bytes32 id) {
        enrollAll();
        id = open(sla());
    }

    function drawn(Court.Sla memory one) internal returns (bytes32 id) {
        enrollAll();
        id = open(one);
        vm.roll(block.number + 3);
        court.drawWitnesses(id, 0, 0);
    }

    function drawn() internal returns (bytes32 id) {
        return drawn(sla());
    }

    /// @dev The key of a place in the committee. Accounts 1 .. 12 have the keys 1 .. 12, and seats were taken from 3 on.
    function keyAt(bytes32 id, uint256 index) internal view returns (uint256) {
        (uint32[] memory seats, , ) = court.committeeOf(id);
        return uint256(seats[index]) + 3;
    }

    function separator() internal view returns (bytes32) {
        return domain("Haggle Court", block.chainid, address(court));
    }

    function bitmapSig(bytes32 id, uint256 index, uint32 window, uint64 down) internal view returns (bytes memory) {
        bytes32 kind = keccak256("Bitmap(bytes32 id,uint32 window,uint64 down)");
        return signed(keyAt(id, index), separator(), keccak256(abi.encode(kind, id, window, down)));
    }

    function receiptSig(bytes32 id, uint256 index, uint32 slot) internal view returns (bytes memory) {
        bytes32 kind = keccak256("UpReceipt(bytes32 id,uint32 slot)");
        return signed(keyAt(id, index), separator(), keccak256(abi.encode(kind, id, slot)));
    }

    function bitmaps(bytes32 id, uint32 window, uint64 down, uint256 t) internal view returns (Court.SignedBitmap[] memory all) {
        all = new Court.SignedBitmap[](t);
        for (uint8 i = 0; i < t; ++i) all[i] = Court.SignedBitmap(i, down, bitmapSig(id, i, window, down));
    }

    function refutation(bytes32 id, uint32 slot, uint256 q) internal view returns (Court.Refutation[] memory all) {
        all = new Court.Refutation[](1);
        all[0].slot = slot;
        all[0].receipts = new Court.SignedReceipt[](q);
        for (uint8 i = 0; i < q; ++i) all[0].receipts[i] = Court.SignedReceipt(i, receiptSig(id, i, slot));
    }

    function claim(bytes32 id, uint64 mask) internal returns (uint256) {
        Court.SignedBitmap[] memory said = bitmaps(id, 0, mask, 3);
        vm.prank(vm.addr(RENTER));
        return court.claimDowntime(id, 0, mask, said);
    }

    function stakedOf(uint256 key) internal view returns (uint256) {
        (uint128 staked, , , , ) = vault.stakeOf(vm.addr(key));
        return staked;
    }

    function refuses(bytes4 selector) internal {
        vm.expectRevert(abi.encodePacked(selector));
    }
}
