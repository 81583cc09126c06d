// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Court} from "../Court.sol";
import {StakeVault} from "../StakeVault.sol";
import {CourtMaker} from "./CourtBase.sol";
import {Handler, InvariantBase} from "./InvariantBase.sol";
import {OpenToken} from "./Tokens.sol";

/// @dev Four witnesses, of whom one says whatever is useful to whoever asks; three say what they saw. Two parties who try everything.
contract CourtHandler is Handler {
    uint256 private constant PROVIDER = 1;
    uint256 private constant RENTER = 2;
    uint256 private constant WITNESSES = 3; // keys 3 .. 6; 3 lies
    uint256 private constant SLOTS = 10;
    uint128 private constant PRICE = 10;
    uint128 private constant LOCK = 600;
    uint256 private constant MAX_CASES = 12;
    bytes32 private constant BITMAP = keccak256("Bitmap(bytes32 id,uint32 window,uint64 down)");
    bytes32 private constant UP_RECEIPT = keccak256("UpReceipt(bytes32 id,uint32 slot)");

    OpenToken private immutable _token = new OpenToken(6);
    Court private immutable _court;
    StakeVault private immutable _vault;
    bytes32[] private _ids;
    /// @dev By case and slot: bit w is set when honest witness w saw a heartbeat. That is what it signs, and nothing else.
    mapping(bytes32 id => mapping(uint256 slot => uint256)) private _seen;
    mapping(bytes32 id => mapping(uint256 slot => uint256)) private _slashes;
    mapping(bytes32 id => uint256) private _taken;
    uint256 private _bonds;

    constructor() {
        CourtMaker maker = new CourtMaker(_token);
        _vault = maker.vault();
        _court = maker.make(1_000, 100, 50, 2, false);
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        for (uint256 key = 1; key < WITNESSES + 4; ++key) {
            address account = vm.addr(key);
            _token.give(account, 1_000_000);
            vm.startPrank(account);
            _token.approve(address(_vault), type(uint256).max);
            _token.approve(address(_court), type(uint256).max);
            _vault.stake(100_000);
            if (key >= WITNESSES) _court.enroll(bytes32(key));
            vm.stopPrank();
        }
        vm.roll(block.number + 1);
    }

    function open(uint256 seed) external {
        if (_ids.length >= MAX_CASES) return;
        Court.Sla memory sla;
        (sla.renter, sla.terms, sla.rule, sla.slotS, sla.slots) = (vm.addr(RENTER), bytes32(_ids.length + 1), 2, 1, uint32(SLOTS));
        (sla.startsAt, sla.pricePerSlot, sla.factor, sla.lock) = (uint64(block.timestamp), PRICE, 10, LOCK);
        if (!attempt(vm.addr(PROVIDER), address(_court), abi.encodeCall(_court.openSla, (sla)), true, "opening")) return;
        bytes32 id = keccak256(abi.encode(block.chainid, address(_court), vm.addr(PROVIDER), sla.renter, sla.terms));
        _ids.push(id);
        for (uint256 slot = 0; slot < SLOTS; ++slot) _seen[id][slot] = (seed >> (3 * slot)) & 7;
        vm.roll(block.number + 3);
        attempt(vm.addr(RENTER), address(_court), abi.encodeCall(_court.drawWitnesses, (id, 0, 0)), true, "drawing from four seats");
    }

    /// @dev The liar and two honest ones, or the three honest ones: with what each of them would sign.
    function claim(uint256 seed, uint64 mask, uint256 without) external {
        if (_ids.length == 0) return;
        bytes32 id = _ids[seed % _ids.length];
        mask &= uint64((1 << SLOTS) - 1);
        (uint32[] memory seats, , ) = _court.committeeOf(id);
        if (seats.length != 4) return;
        Court.SignedBitmap[] memory said = new Court.SignedBitmap[](3);
        bool all = true;
        uint256 at = 0;
        for (uint256 i = 0; i < 4; ++i) {
            if (i == without % 4) continue;
            uint64 down = _down(id, seats[i], mask);
            if (down & mask != mask) all = false;
            said[at++] = Court.SignedBitmap(uint8(i), down, _signed(seats[i], keccak256(abi.encode(BITMAP, id, uint32(0), down))));
        }
        uint256 end = _court.caseOf(id).startsAt + SLOTS;
        bool inTime = block.timestamp >= end && block.timestamp <= end + 100;
        bool right = _court.caseOf(id).state == Court.State.Drawn && inTime && mask != 0 && all && _court.claimedSlots(id, 0) & mask == 0;
        bytes memory data = abi.encodeCall(_court.claimDowntime, (id, 0, mask, said));
        if (attempt(vm.addr(RENTER), address(_court), data, right, "a claim that must not open, or must")) _bonds += _count(mask) * PRICE;
    }

    function refute(uint256 seed, uint256 slot, uint256 pair) external {
        if (_court.claimCount() == 0) return;
        uint256 number = seed % _court.claimCount();
        Court.Claim memory one = _court.claimOf(number);
        slot %= SLOTS;
        (uint32[] memory seats, , ) = _court.committeeOf(one.id);
        uint256 first = pair % 3;
        uint256 second = first + 1 + ((pair / 3) % (3 - first));
        bool saw = _givesReceipt(one.id, seats[first], slot) && _givesReceipt(one.id, seats[second], slot);
        // Nobody can sign for an honest witness what it did not see.
        if (!saw) return;
        Court.Refutation[] memory all = new Court.Refutation[](1);
        bytes32 hash = keccak256(abi.encode(UP_RECEIPT, one.id, uint32(slot)));
        all[0] = Court.Refutation(uint32(slot), new Court.SignedReceipt[](2));
        all[0].receipts[0] = Court.SignedReceipt(uint8(first), _signed(seats[first], hash));
        all[0].receipts[1] = Court.SignedReceipt(uint8(second), _signed(seats[second], hash));
        bool right = !one.finalized && block.timestamp <= one.until && (one.mask >> slot) & 1 == 1;
        attempt(vm.addr(PROVIDER), address(_court), abi.encodeCall(_court.refute, (number, all)), right, "a refutation");
    }

    function finalize(uint256 seed) external {
        if (_court.claimCount() == 0) return;
        uint256 number = seed % _court.claimCount();
        Court.Claim memory one = _court.claimOf(number);
        uint64 standing = one.mask & ~one.refuted;
        uint256 before = _vault.lockOf(vm.addr(PROVIDER), one.id);
        bool right = !one.finalized && (standing == 0 || block.timestamp > one.until);
        bytes memory data = abi.encodeCall(_court.finalize, (number));
        if (!attempt(vm.addr(RENTER), address(_court), data, right, "a verdict too early, twice, or none")) return;
        for (uint256 slot = 0; slot < SLOTS; ++slot) if ((standing >> slot) & 1 == 1) _slashes[one.id][slot] += 1;
        uint256 taken = before - _vault.lockOf(vm.addr(PROVIDER), one.id);
        _taken[one.id] += taken;
        expect(taken <= _count(standing) * PRICE * 10, "more than ten times the price of what was missed");
    }

    function close(uint256 seed) external {
        if (_ids.length == 0) return;
        bytes32 id = _ids[seed % _ids.length];
        Court.Case memory one = _court.caseOf(id);
        bool right = one.state == Court.State.Drawn && one.openClaims == 0 && block.timestamp > one.startsAt + SLOTS + 100;
        attempt(vm.addr(RENTER), address(_court), abi.encodeCall(_court.close, (id)), right, "closing");
    }

    function collect(uint256 seed) external {
        address who = vm.addr(seed % 2 == 0 ? PROVIDER : RENTER);
        uint256 due = _court.owed(who);
        if (attempt(who, address(_court), abi.encodeCall(_court.collect, (who)), due > 0, "collecting")) _bonds -= due;
    }

    function warp(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 40));
    }

    function checkAll() external override {
        for (uint256 i = 0; i < _ids.length; ++i) {
            bytes32 id = _ids[i];
            for (uint256 slot = 0; slot < SLOTS; ++slot) {
                expect(_slashes[id][slot] <= 1, "a slot was slashed twice");
                // q = 2 of the honest three saw the provider: whatever the fourth says.
                if (_count(uint64(_seen[id][slot])) >= 2) expect(_slashes[id][slot] == 0, "an honest quorum was slashed");
            }
            expect(_taken[id] <= LOCK, "more than the lock");
        }
        expect(_token.balanceOf(address(_court)) == _bonds, "bonds came or went in a way they must not");
    }

    /// @dev Everybody leaves; every bond is somebody's and every lock is free.
    function depart() external override {
        vm.warp(block.timestamp + 1_000);
        for (uint256 number = 0; number < _court.claimCount(); ++number) {
            if (!_court.claimOf(number).finalized) attempt(vm.addr(RENTER), address(_court), abi.encodeCall(_court.finalize, (number)), true, "leaving");
        }
        for (uint256 i = 0; i < _ids.length; ++i) {
            if (_court.caseOf(_ids[i]).state != Court.State.Closed)
                attempt(vm.addr(RENTER), address(_court), abi.encodeCall(_court.close, (_ids[i])), true, "leaving");
        }
        for (uint256 key = PROVIDER; key <= RENTER; ++key) {
            address who = vm.addr(key);
            if (_court.owed(who) > 0) attempt(who, address(_court), abi.encodeCall(_court.collect, (who)), true, "leaving");
        }
        (, uint128 locked, , , ) = _vault.stakeOf(vm.addr(PROVIDER));
        expect(locked == 0 && _token.balanceOf(address(_court)) == 0, "something is left when everybody has gone");
    }

    /// @dev What the witness of a seat signs: an honest one the slots that it did not see, the liar whatever the claim needs.
    function _down(bytes32 id, uint32 seat, uint64 mask) private view returns (uint64 down) {
        if (seat == 0) return mask;
        for (uint256 slot = 0; slot < SLOTS; ++slot) if ((_seen[id][slot] >> (seat - 1)) & 1 == 0) down |= uint64(1 << slot);
    }

    function _givesReceipt(bytes32 id, uint32 seat, uint256 slot) private view returns (bool) {
        return seat == 0 || (_seen[id][slot] >> (seat - 1)) & 1 == 1;
    }

    function _signed(uint32 seat, bytes32 structHash) private view returns (bytes memory) {
        return signed(WITNESSES + seat, domain("Haggle Court", block.chainid, address(_court)), structHash);
    }

    function _count(uint64 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }
}

contract CourtInvariants is InvariantBase {
    CourtHandler private immutable _handler = new CourtHandler();

    function handler() internal view override returns (Handler) {
        return _handler;
    }

    function invariant_court() external {
        _handler.checkAll();
        kept();
    }
}
