// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Court} from "../Court.sol";
import {CourtBase, CourtMaker} from "./CourtBase.sol";
import {ReenteringToken} from "./Tokens.sol";
import {Vm} from "./Vm.sol";

/// @dev The last value that is allowed, what is said aloud, and the draw as anybody computes it.
contract CourtEdgesTest is CourtBase {
    /// @dev A committee drawn by the page of the specification: seats whose accounts are no party, all of them eligible.
    function expected(bytes32 seed, uint256 n, uint256 pool) private pure returns (uint32[] memory seats) {
        seats = new uint32[](n);
        uint256 placed = 0;
        for (uint256 k = 0; placed < n; ++k) {
            uint32 number = uint32(uint256(keccak256(abi.encode(seed, k))) % pool);
            bool taken = false;
            for (uint256 i = 0; i < placed; ++i) taken = taken || seats[i] == number;
            if (!taken) seats[placed++] = number;
        }
    }

    function same(uint32[] memory got, uint32[] memory wanted) private pure {
        equal(got.length, wanted.length, "n");
        for (uint256 i = 0; i < got.length; ++i) equal(got[i], wanted[i], "seat");
    }

    function test_constructor_takes_the_longest_delay() external {
        CourtMaker other = new CourtMaker(token);
        equal(other.make(1, 1, 1, 1_000, false).drawDelay(), 1_000, "delay");
    }

    function test_openSla_takes_the_last_values_that_are_allowed() external {
        Court.Sla memory one = sla();
        one.slotS = 3_600;
        one.lock = 900_000;
        one.startsAt = uint64(block.timestamp + 1 days);
        bytes32 id = open(one);
        equal(vault.lockOf(vm.addr(PROVIDER), id), uint256(10) * 90 * PRICE, "all that can be lost");
    }

    function test_enroll_takes_freed_seats_before_new_ones() external {
        enrollAll();
        for (uint256 key = 4; key <= 5; ++key) {
            vm.prank(vm.addr(key));
            court.vacate();
        }
        vm.roll(block.number + 300);
        for (uint256 key = 4; key <= 5; ++key) {
            vm.prank(vm.addr(key));
            court.release();
        }
        // Seats 1 and 2 are free, the one that was freed last is taken first.
        uint256[3] memory wanted = [uint256(3), 2, 11];
        for (uint256 i = 0; i < 3; ++i) {
            address account = vm.addr(i == 2 ? PROVIDER : 4 + i);
            vm.prank(account);
            court.enroll(bytes32(i));
            equal(court.seatPlusOneOf(account), wanted[i], "seat plus one");
            equal(court.seatAt(uint32(wanted[i] - 1)).account, account, "account");
        }
    }

    function test_seats_say_what_happens_to_them() external {
        vm.startPrank(vm.addr(5));
        vm.recordLogs();
        court.enroll(bytes32(uint256(55)));
        said(Court.Enrolled.selector, abi.encode(bytes32(uint256(55))), "enrolled");
        court.vacate();
        said(Court.Left.selector, "", "left");
        vm.roll(block.number + 300);
        court.release();
        said(Court.Released.selector, "", "released");
        vm.stopPrank();
    }

    function test_cases_say_what_happens_to_them() external {
        enrollAll();
        vm.recordLogs();
        Court.Sla memory one = sla();
        bytes32 id = open(one);
        said(Court.SlaOpened.selector, abi.encode(one), "opened");
        vm.roll(block.number + 259);
        court.drawWitnesses(id, 0, 0);
        said(Court.Pinned.selector, abi.encode(block.number + 2), "pinned");
        vm.roll(block.number + 3);
        court.drawWitnesses(id, 0, 0);
        (uint32[] memory seats, , ) = court.committeeOf(id);
        said(Court.WitnessesDrawn.selector, abi.encode(seats), "drawn");
        bytes memory sig = signed(RENTER, separator(), keccak256(abi.encode(keccak256("EndSla(bytes32 id,uint32 slots)"), id, uint32(5))));
        vm.prank(vm.addr(PROVIDER));
        court.endSla(id, 5, sig);
        said(Court.SlaEnded.selector, abi.encode(uint32(5)), "ended");
        vm.warp(block.timestamp + 5 + CLAIM + 1);
        court.close(id);
        said(Court.CaseClosed.selector, "", "closed");
    }

    function test_claims_say_what_happens_to_them() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        vm.recordLogs();
        uint256 number = claim(id, 3);
        said(Court.DowntimeClaimed.selector, abi.encode(uint32(0), uint64(3), uint64(block.timestamp + REFUTE)), "claimed");
        court.refute(number, refutation(id, 1, 2));
        said(Court.Refuted.selector, abi.encode(uint64(2)), "refuted");
        vm.warp(block.timestamp + REFUTE + 1);
        court.finalize(number);
        said(Court.Finalized.selector, abi.encode(uint64(1), uint128(10 * PRICE)), "finalized");
        Court.Statement memory receipt = Court.Statement(false, 1, 0, receiptSig(id, 0, 1));
        Court.Statement memory map = Court.Statement(true, 0, 2, bitmapSig(id, 0, 0, 2));
        court.proveWitnessEquivocation(id, 0, receipt, map);
        said(Court.WitnessEquivocated.selector, abi.encode(STAKE), "equivocated");
    }

    function test_drawWitnesses_draws_whom_everybody_can_compute() external {
        bytes32 id = opened();
        vm.roll(block.number + 3);
        bytes32 seed = keccak256(abi.encode(id, blockhash(block.number - 1)));
        court.drawWitnesses(id, 0, 0);
        (uint32[] memory seats, , ) = court.committeeOf(id);
        same(seats, expected(seed, 4, 10));
    }

    function test_drawWitnesses_draws_from_both_secrets_where_they_count() external {
        CourtMaker other = new CourtMaker(token);
        (court, vault) = (other.make(STAKE, CLAIM, REFUTE, 2, true), other.vault());
        for (uint256 key = 1; key <= 12; ++key) {
            vm.startPrank(vm.addr(key));
            token.approve(address(vault), type(uint256).max);
            vault.stake(1_000_000);
            vm.stopPrank();
        }
        (bytes32 a, bytes32 b) = (keccak256("a"), keccak256("b"));
        Court.Sla memory one = sla();
        (one.providerCommit, one.renterCommit) = (keccak256(abi.encode(a)), keccak256(abi.encode(b)));
        enrollAll();
        bytes32 id = open(one);
        vm.roll(block.number + 3);
        bytes32 seed = keccak256(abi.encode(id, blockhash(block.number - 1), a, b));
        court.drawWitnesses(id, a, b);
        (uint32[] memory seats, , ) = court.committeeOf(id);
        same(seats, expected(seed, 4, 10));
    }

    function test_drawWitnesses_draws_every_seat_of_a_pool_that_is_just_large_enough() external {
        for (uint256 key = 3; key <= 6; ++key) {
            vm.prank(vm.addr(key));
            court.enroll(bytes32(key));
        }
        vm.roll(block.number + 1);
        bytes32 id = open(sla());
        vm.roll(block.number + 3);
        court.drawWitnesses(id, 0, 0);
        (uint32[] memory seats, , ) = court.committeeOf(id);
        uint256 sum = 0;
        for (uint256 i = 0; i < 4; ++i) sum += seats[i];
        equal(sum, 0 + 1 + 2 + 3, "all four");
    }

    function test_drawWitnesses_still_draws_while_the_chain_knows_the_hash() external {
        bytes32 id = opened();
        vm.roll(block.number + 2 + 256);
        refuses(Court.TooEarly.selector);
        court.close(id);
        court.drawWitnesses(id, 0, 0);
        ok(court.caseOf(id).state == Court.State.Drawn, "drawn");
    }

    function test_close_waits_for_the_hash_of_the_block_that_draws() external {
        bytes32 id = opened();
        vm.roll(block.number + 255);
        refuses(Court.TooEarly.selector);
        court.close(id);
    }

    function test_claims_and_closing_count_in_slots_of_their_length() external {
        Court.Sla memory one = sla();
        one.slotS = 2;
        bytes32 id = drawn(one);
        Court.SignedBitmap[] memory maps = bitmaps(id, 0, 1, 3);
        vm.warp(block.timestamp + 119);
        vm.prank(vm.addr(RENTER));
        refuses(Court.TooEarly.selector);
        court.claimDowntime(id, 0, 1, maps);
        // The last second in which the first window can be claimed.
        vm.warp(block.timestamp + 1 + CLAIM);
        vm.prank(vm.addr(RENTER));
        uint256 number = court.claimDowntime(id, 0, 1, maps);
        // The last second in which it can be refuted.
        vm.warp(block.timestamp + REFUTE);
        court.refute(number, refutation(id, 0, 2));
        court.finalize(number);
        vm.warp(one.startsAt + 180 + CLAIM);
        refuses(Court.TooEarly.selector);
        court.close(id);
        vm.warp(block.timestamp + 1);
        court.close(id);
    }

    function test_claimDowntime_takes_the_last_slot_of_a_case_and_none_behind() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 90);
        Court.SignedBitmap[] memory maps = bitmaps(id, 1, uint64(1) << 29, 3);
        vm.prank(vm.addr(RENTER));
        court.claimDowntime(id, 1, uint64(1) << 29, maps);
        equal(court.claimedSlots(id, 1), uint64(1) << 29, "claimed");
    }

    function test_finalize_asks_the_vault_for_nothing_when_nothing_stands() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 1);
        court.refute(number, refutation(id, 0, 2));
        vm.recordLogs();
        court.finalize(number);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(logs.length, 1, "what the court says, and nothing else");
    }

    function test_proveWitnessEquivocation_leaves_the_block_of_one_who_had_left() external {
        bytes32 id = drawn();
        uint256 key = keyAt(id, 1);
        vm.prank(vm.addr(key));
        court.vacate();
        uint256 left = block.number;
        vm.roll(block.number + 5);
        Court.Statement memory one = Court.Statement(true, 1, 2, bitmapSig(id, 1, 1, 2));
        Court.Statement memory two = Court.Statement(true, 1, 0, bitmapSig(id, 1, 1, 0));
        court.proveWitnessEquivocation(id, 1, one, two);
        equal(court.seatAt(uint32(key - 3)).leftBlock, left, "block");
    }

    function test_proveWitnessEquivocation_takes_no_receipt_for_a_bitmap() external {
        bytes32 id = drawn();
        // What a receipt says of slots is not signed: whoever shows it may write anything there.
        Court.Statement memory one = Court.Statement(false, 1, 0, receiptSig(id, 0, 1));
        Court.Statement memory two = Court.Statement(false, 0, 2, receiptSig(id, 0, 0));
        for (uint256 i = 0; i < 2; ++i) {
            refuses(Court.NoContradiction.selector);
            court.proveWitnessEquivocation(id, 0, i == 0 ? one : two, i == 0 ? two : one);
        }
    }
}

/// @dev A token that calls back while it is being paid out.
contract CourtReentryTest is CourtBase {
    function test_nobody_enters_while_a_bond_is_paid_out() external {
        ReenteringToken bad = new ReenteringToken();
        CourtMaker other = new CourtMaker(bad);
        (court, vault) = (other.make(STAKE, CLAIM, REFUTE, 2, false), other.vault());
        for (uint256 key = 1; key <= 12; ++key) {
            bad.give(vm.addr(key), 2_000_000);
            vm.startPrank(vm.addr(key));
            bad.approve(address(vault), type(uint256).max);
            bad.approve(address(court), type(uint256).max);
            vault.stake(1_000_000);
            vm.stopPrank();
        }
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        Court.Statement memory none = Court.Statement(false, 0, 0, "");
        bytes[8] memory calls = [
            abi.encodeCall(Court.enroll, (bytes32(0))),
            abi.encodeCall(Court.release, ()),
            abi.encodeCall(Court.openSla, (sla())),
            abi.encodeCall(Court.claimDowntime, (id, 0, 1, new Court.SignedBitmap[](0))),
            abi.encodeCall(Court.finalize, (0)),
            abi.encodeCall(Court.proveWitnessEquivocation, (id, 0, none, none)),
            abi.encodeCall(Court.close, (id)),
            abi.encodeCall(Court.collect, (address(1)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 number = claim(id, uint64(1) << uint64(i));
            court.refute(number, refutation(id, uint32(i), 2));
            court.finalize(number);
            bad.arm(address(court), calls[i]);
            vm.prank(vm.addr(PROVIDER));
            equal(court.collect(address(0xFEE)), PRICE, "collected");
            ok(bad.tried() && !bad.entered(), "refused");
            equal(bytes32(bad.answer()), bytes32(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), "for that reason");
        }
        equal(bad.balanceOf(address(0xFEE)), calls.length * PRICE, "paid once each");
    }
}
