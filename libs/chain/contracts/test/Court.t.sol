// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Court} from "../Court.sol";
import {StakeVault} from "../StakeVault.sol";
import {CourtBase, CourtMaker} from "./CourtBase.sol";
import {FeeToken, OpenToken} from "./Tokens.sol";

/// @dev Seats, cases, and the draw.
contract CourtCasesTest is CourtBase {
    function test_constructor_refuses_constants_that_judge_nothing() external {
        for (uint256 i = 0; i < 5; ++i) {
            CourtMaker other = new CourtMaker(token);
            refuses(Court.BadParameters.selector);
            other.make(i == 0 ? 0 : 1, i == 1 ? 0 : 1, i == 2 ? 0 : 1, i == 3 ? 1 : i == 4 ? 1_001 : 2, false);
        }
        equal(court.domainSeparator(), separator(), "domain");
    }

    function test_enroll_locks_the_stake_and_takes_one_seat() external {
        vm.startPrank(vm.addr(5));
        court.enroll(bytes32(uint256(5)));
        refuses(Court.SeatTaken.selector);
        court.enroll(bytes32(uint256(5)));
        vm.stopPrank();
        equal(court.seatCount(), 1, "seats");
        equal(court.seatPlusOneOf(vm.addr(5)), 1, "seat");
        equal(court.peerKeyOf(0), bytes32(uint256(5)), "key");
        equal(court.seatAt(0).account, vm.addr(5), "account");
        equal(vault.lockOf(vm.addr(5), keccak256("haggle-witness")), STAKE, "lock");
    }

    function test_enroll_is_refused_without_the_stake() external {
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveFree.selector, STAKE, 0));
        court.enroll(0);
    }

    function test_release_waits_for_draws_that_can_reach_the_seat_and_frees_it_for_another() external {
        vm.startPrank(vm.addr(5));
        refuses(Court.NoSeat.selector);
        court.vacate();
        court.enroll(0);
        refuses(Court.TooEarly.selector);
        court.release();
        court.vacate();
        refuses(Court.TooLate.selector);
        court.vacate();
        vm.roll(block.number + 258);
        refuses(Court.TooEarly.selector);
        court.release();
        vm.roll(block.number + 1);
        court.release();
        vm.stopPrank();
        equal(vault.lockOf(vm.addr(5), keccak256("haggle-witness")), 0, "lock");
        vm.prank(vm.addr(6));
        court.enroll(0);
        equal(court.seatCount(), 1, "seats");
        equal(court.seatAt(0).account, vm.addr(6), "account");
    }

    function test_release_is_refused_while_a_case_needs_the_seat() external {
        bytes32 id = drawn();
        vm.startPrank(vm.addr(keyAt(id, 0)));
        court.vacate();
        vm.roll(block.number + 300);
        refuses(Court.SeatBusy.selector);
        court.release();
        vm.stopPrank();
        vm.warp(block.timestamp + 90 + CLAIM + 1);
        court.close(id);
        vm.startPrank(vm.addr(keyAt(id, 0)));
        court.release();
        vm.stopPrank();
    }

    function test_openSla_locks_the_provider_and_refuses_it_twice() external {
        bytes32 id = open(sla());
        equal(vault.lockOf(vm.addr(PROVIDER), id), 100_000, "lock");
        equal(id, keccak256(abi.encode(block.chainid, address(court), vm.addr(PROVIDER), vm.addr(RENTER), keccak256("terms"))), "id");
        Court.Sla memory again = sla();
        vm.prank(vm.addr(PROVIDER));
        refuses(Court.CaseExists.selector);
        court.openSla(again);
    }

    function test_openSla_refuses_what_breaks_a_limit() external {
        for (uint256 i = 0; i < 17; ++i) {
            Court.Sla memory bad = sla();
            if (i == 0) bad.rule = 0;
            if (i == 1) bad.rule = 3;
            if (i == 2) bad.slotS = 0;
            if (i == 3) bad.slotS = 3_601;
            if (i == 4) bad.slots = 0;
            if (i == 5) bad.slots = 44_641;
            if (i == 6) bad.factor = 0;
            if (i == 7) bad.factor = 11;
            if (i == 8) bad.pricePerSlot = 0;
            if (i == 9) bad.lock = 0;
            if (i == 10) bad.lock = 10 * 90 * PRICE + 1;
            if (i == 11) bad.renter = address(0);
            if (i == 12) bad.renter = vm.addr(PROVIDER);
            if (i == 13) bad.startsAt = uint64(block.timestamp - 1);
            if (i == 14) bad.startsAt = uint64(block.timestamp + 1 days + 1);
            if (i == 15) (bad.renterCommit, bad.providerCommit) = (bytes32(uint256(1)), bytes32(uint256(1)));
            if (i == 16) bad.lock = 1_000_001;
            vm.prank(vm.addr(PROVIDER));
            if (i == 16) {
                bad.slots = 44_640;
                vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveFree.selector, 1_000_001, 1_000_000));
            } else {
                refuses(Court.BadSla.selector);
            }
            court.openSla(bad);
        }
    }

    function test_drawWitnesses_waits_for_the_block_and_draws_once() external {
        bytes32 id = opened();
        (uint32[] memory none, , ) = court.committeeOf(id);
        equal(none.length, 0, "before");
        vm.roll(block.number + 2);
        refuses(Court.TooEarly.selector);
        court.drawWitnesses(id, 0, 0);
        vm.roll(block.number + 1);
        refuses(Court.BadSecrets.selector);
        court.drawWitnesses(id, bytes32(uint256(1)), 0);
        refuses(Court.BadSecrets.selector);
        court.drawWitnesses(id, 0, bytes32(uint256(1)));
        court.drawWitnesses(id, 0, 0);
        (uint32[] memory seats, address[] memory accounts, bytes32[] memory keys) = court.committeeOf(id);
        equal(seats.length, 4, "n");
        for (uint256 i = 0; i < 4; ++i) {
            equal(accounts[i], vm.addr(seats[i] + 3), "account");
            equal(keys[i], bytes32(uint256(seats[i] + 3)), "key");
            equal(court.seatAt(seats[i]).cases, 1, "cases");
            for (uint256 k = 0; k < i; ++k) ok(seats[i] != seats[k], "different");
        }
        refuses(Court.WrongState.selector);
        court.drawWitnesses(id, 0, 0);
    }

    function test_drawWitnesses_pins_anew_when_the_hash_is_forgotten() external {
        bytes32 id = opened();
        vm.roll(block.number + 259);
        court.drawWitnesses(id, 0, 0);
        equal(court.caseOf(id).pinBlock, block.number, "pinned");
        vm.roll(block.number + 3);
        court.drawWitnesses(id, 0, 0);
        ok(court.caseOf(id).state == Court.State.Drawn, "drawn");
    }

    function test_drawWitnesses_leaves_out_parties_late_comers_and_leavers() external {
        // Eligible are keys 3 .. 6; 1 and 2 are parties, 7 left before, 8 comes in the pinned block.
        for (uint256 key = 1; key <= 7; ++key) {
            vm.prank(vm.addr(key));
            court.enroll(bytes32(key));
        }
        vm.roll(block.number + 1);
        vm.prank(vm.addr(7));
        court.vacate();
        vm.roll(block.number + 1);
        bytes32 id = open(sla());
        vm.prank(vm.addr(8));
        court.enroll(bytes32(uint256(8)));
        // Who leaves now, when the draw is pinned, is drawn all the same.
        vm.prank(vm.addr(3));
        court.vacate();
        vm.roll(block.number + 3);
        court.drawWitnesses(id, 0, 0);
        (, , bytes32[] memory keys) = court.committeeOf(id);
        uint256 sum = 0;
        for (uint256 i = 0; i < 4; ++i) sum += uint256(keys[i]);
        equal(sum, 3 + 4 + 5 + 6, "exactly the four");
    }

    function test_drawWitnesses_is_refused_when_the_pool_is_too_small() external {
        bytes32 id = open(sla());
        vm.roll(block.number + 3);
        refuses(Court.PoolTooSmall.selector);
        court.drawWitnesses(id, 0, 0);
        for (uint256 key = 3; key <= 5; ++key) {
            vm.prank(vm.addr(key));
            court.enroll(bytes32(key));
        }
        refuses(Court.PoolTooSmall.selector);
        court.drawWitnesses(id, 0, 0);
        refuses(Court.TooEarly.selector);
        court.close(id);
        vm.roll(block.number + 256);
        court.close(id);
        equal(vault.lockOf(vm.addr(PROVIDER), id), 0, "unlocked");
        (uint32[] memory none, , ) = court.committeeOf(id);
        equal(none.length, 0, "nobody was drawn");
    }

    function test_rule_1_draws_seven() external {
        Court.Sla memory one = sla();
        one.rule = 1;
        bytes32 id = drawn(one);
        (uint32[] memory seats, , ) = court.committeeOf(id);
        equal(seats.length, 7, "n");
    }

    function test_commit_reveal_draws_with_both_secrets_and_no_others() external {
        CourtMaker other = new CourtMaker(token);
        (court, vault) = (other.make(STAKE, CLAIM, REFUTE, 2, true), other.vault());
        for (uint256 key = 1; key <= 12; ++key) {
            token.give(vm.addr(key), 1_000_000);
            vm.startPrank(vm.addr(key));
            token.approve(address(vault), 1_000_000);
            vault.stake(1_000_000);
            vm.stopPrank();
        }
        (bytes32 a, bytes32 b) = (keccak256("a"), keccak256("b"));
        Court.Sla memory one = sla();
        for (uint256 i = 0; i < 2; ++i) {
            (one.providerCommit, one.renterCommit) = i == 0 ? (keccak256(abi.encode(a)), bytes32(0)) : (bytes32(0), keccak256(abi.encode(b)));
            vm.prank(vm.addr(PROVIDER));
            refuses(Court.BadSla.selector);
            court.openSla(one);
        }
        (one.providerCommit, one.renterCommit) = (keccak256(abi.encode(a)), keccak256(abi.encode(b)));
        enrollAll();
        bytes32 id = open(one);
        vm.roll(block.number + 3);
        refuses(Court.BadSecrets.selector);
        court.drawWitnesses(id, b, a);
        refuses(Court.BadSecrets.selector);
        court.drawWitnesses(id, 0, 0);
        court.drawWitnesses(id, a, b);
        ok(court.caseOf(id).state == Court.State.Drawn, "drawn");
    }

    function test_endSla_shortens_with_the_renters_word() external {
        bytes32 id = drawn();
        bytes32 hash = keccak256(abi.encode(keccak256("EndSla(bytes32 id,uint32 slots)"), id, uint32(5)));
        bytes memory sig = signed(RENTER, separator(), hash);
        bytes memory wrong = signed(PROVIDER, separator(), hash);
        refuses(Court.NotParty.selector);
        court.endSla(id, 5, sig);
        vm.startPrank(vm.addr(PROVIDER));
        refuses(Court.BadSignature.selector);
        court.endSla(id, 5, wrong);
        refuses(Court.BadSignature.selector);
        court.endSla(id, 6, sig);
        refuses(Court.BadSla.selector);
        court.endSla(id, 90, sig);
        court.endSla(id, 5, sig);
        equal(court.caseOf(id).slots, 5, "slots");
        vm.warp(block.timestamp + 5 + CLAIM + 1);
        court.close(id);
        refuses(Court.WrongState.selector);
        court.endSla(id, 4, sig);
        refuses(Court.WrongState.selector);
        court.endSla(bytes32(0), 4, sig);
        vm.stopPrank();
    }

    function test_endSla_is_refused_while_a_claim_is_open() external {
        bytes32 id = drawn();
        bytes memory sig = signed(RENTER, separator(), keccak256(abi.encode(keccak256("EndSla(bytes32 id,uint32 slots)"), id, uint32(5))));
        vm.warp(block.timestamp + 60);
        claim(id, 1);
        vm.prank(vm.addr(PROVIDER));
        refuses(Court.ClaimsOpen.selector);
        court.endSla(id, 5, sig);
    }

    function test_close_waits_for_the_last_claim() external {
        bytes32 id = drawn();
        refuses(Court.TooEarly.selector);
        court.close(id);
        vm.warp(block.timestamp + 90 + CLAIM);
        refuses(Court.TooEarly.selector);
        court.close(id);
        vm.roll(block.number + 300);
        refuses(Court.TooEarly.selector);
        court.close(id);
        vm.warp(block.timestamp + 1);
        court.close(id);
        equal(vault.lockOf(vm.addr(PROVIDER), id), 0, "unlocked");
        refuses(Court.WrongState.selector);
        court.close(id);
        refuses(Court.WrongState.selector);
        court.close(bytes32(0));
    }
}

/// @dev Claims, refutations, verdicts, and witnesses that contradict themselves.
contract CourtClaimsTest is CourtBase {
    function refusesClaim(bytes4 selector, bytes32 id, uint32 window, uint64 mask, Court.SignedBitmap[] memory said) private {
        vm.prank(vm.addr(RENTER));
        refuses(selector);
        court.claimDowntime(id, window, mask, said);
    }

    function test_claimDowntime_is_for_the_renter_in_time_and_once() external {
        bytes32 id = drawn();
        Court.SignedBitmap[] memory said = bitmaps(id, 0, 7, 3);
        refusesClaim(Court.WrongState.selector, bytes32(0), 0, 1, said);
        refusesClaim(Court.TooEarly.selector, id, 0, 1, said);
        vm.warp(block.timestamp + 60);
        vm.prank(vm.addr(PROVIDER));
        refuses(Court.NotParty.selector);
        court.claimDowntime(id, 0, 1, said);
        refusesClaim(Court.BadMask.selector, id, 0, 0, said);
        refusesClaim(Court.BadMask.selector, id, 0, uint64(1) << 60, said);
        refusesClaim(Court.BadMask.selector, id, 1, uint64(1) << 30, said);
        refusesClaim(Court.BadMask.selector, id, 2, 1, said);
        vm.prank(vm.addr(RENTER));
        equal(court.claimDowntime(id, 0, 3, said), 0, "number");
        equal(court.claimedSlots(id, 0), 3, "claimed");
        equal(token.balanceOf(address(court)), 2 * PRICE, "bond");
        equal(court.claimCount(), 1, "claims");
        refusesClaim(Court.SlotClaimed.selector, id, 0, 6, said);
        vm.warp(block.timestamp + CLAIM + 1);
        refusesClaim(Court.TooLate.selector, id, 0, 4, said);
        // The last window is shorter and ends with the case.
        Court.SignedBitmap[] memory last = bitmaps(id, 1, 1, 3);
        vm.prank(vm.addr(RENTER));
        court.claimDowntime(id, 1, 1, last);
    }

    function test_claimDowntime_needs_t_bitmaps_of_the_committee_in_order() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        Court.SignedBitmap[] memory said = bitmaps(id, 0, 3, 3);
        refusesClaim(Court.BadBitmaps.selector, id, 0, 3, bitmaps(id, 0, 3, 2));
        refusesClaim(Court.BadBitmaps.selector, id, 0, 3, bitmaps(id, 0, 3, 4));
        refusesClaim(Court.BadBitmaps.selector, id, 0, 7, said);
        Court.SignedBitmap[] memory twice = bitmaps(id, 0, 3, 3);
        twice[1] = twice[0];
        refusesClaim(Court.BadBitmaps.selector, id, 0, 3, twice);
        Court.SignedBitmap[] memory outside = bitmaps(id, 0, 3, 3);
        outside[2].index = 4;
        refusesClaim(Court.BadBitmaps.selector, id, 0, 3, outside);
        Court.SignedBitmap[] memory forged = bitmaps(id, 0, 3, 3);
        forged[1].sig = forged[0].sig;
        refusesClaim(Court.BadSignature.selector, id, 0, 3, forged);
        forged[1].sig = hex"00";
        refusesClaim(Court.BadSignature.selector, id, 0, 3, forged);
        // Signed for another window.
        refusesClaim(Court.BadSignature.selector, id, 0, 3, bitmaps(id, 1, 3, 3));
    }

    function test_claimDowntime_is_refused_when_the_bond_does_not_arrive_whole() external {
        FeeToken fee = new FeeToken();
        CourtMaker other = new CourtMaker(fee);
        (court, vault) = (other.make(STAKE / 2, CLAIM, REFUTE, 2, false), other.vault());
        for (uint256 key = 1; key <= 12; ++key) {
            fee.give(vm.addr(key), 2_000_000);
            vm.startPrank(vm.addr(key));
            fee.approve(address(vault), type(uint256).max);
            fee.approve(address(court), type(uint256).max);
            vault.stake(1_000_000);
            vm.stopPrank();
        }
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        refusesClaim(Court.BadTransfer.selector, id, 0, 1, bitmaps(id, 0, 1, 3));
    }

    function test_finalize_slashes_what_nobody_refuted_victim_first() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 7);
        vm.warp(block.timestamp + REFUTE);
        refuses(Court.TooEarly.selector);
        court.finalize(number);
        vm.warp(block.timestamp + 1);
        court.finalize(number);
        equal(stakedOf(PROVIDER), 1_000_000 - 30 * PRICE, "stake");
        equal(vault.lockOf(vm.addr(PROVIDER), id), 100_000 - 30 * PRICE, "lock");
        equal(vault.credits(vm.addr(RENTER)), 3 * PRICE, "victim");
        equal(vault.toBurn(), 27 * PRICE, "burned");
        equal(court.owed(vm.addr(RENTER)), 3 * PRICE, "bond");
        equal(court.owed(vm.addr(PROVIDER)), 0, "provider");
        ok(court.claimOf(number).finalized, "finalized");
        refuses(Court.WrongState.selector);
        court.finalize(number);
        refuses(Court.WrongState.selector);
        court.finalize(1);
    }

    function test_finalize_never_takes_more_than_the_lock() external {
        Court.Sla memory one = sla();
        one.lock = 15_000;
        bytes32 id = drawn(one);
        vm.warp(block.timestamp + 60);
        uint256 first = claim(id, 1);
        uint256 second = claim(id, 6);
        vm.warp(block.timestamp + REFUTE + 1);
        court.finalize(first);
        court.finalize(second);
        equal(stakedOf(PROVIDER), 1_000_000 - 15_000, "stake");
        equal(vault.credits(vm.addr(RENTER)), 3 * PRICE, "the victim's part comes first");
        equal(court.caseOf(id).openClaims, 0, "claims");
    }

    function test_finalize_clamps_a_slash_beyond_any_stake() external {
        Court.Sla memory one = sla();
        one.pricePerSlot = type(uint128).max / 8;
        bytes32 id = drawn(one);
        token.give(vm.addr(RENTER), uint256(one.pricePerSlot) * 3);
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 3);
        vm.warp(block.timestamp + REFUTE + 1);
        court.finalize(number);
        equal(vault.lockOf(vm.addr(PROVIDER), id), 0, "all of the lock");
        equal(vault.credits(vm.addr(RENTER)), 100_000, "the victim's");
    }

    function test_refute_takes_slots_out_and_their_bond_goes_to_the_provider() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 3);
        court.refute(number, refutation(id, 1, 2));
        equal(court.claimOf(number).refuted, 2, "refuted");
        vm.warp(block.timestamp + REFUTE + 1);
        Court.Refutation[] memory late = refutation(id, 0, 2);
        refuses(Court.TooLate.selector);
        court.refute(number, late);
        court.finalize(number);
        equal(stakedOf(PROVIDER), 1_000_000 - 10 * PRICE, "one slot");
        equal(court.owed(vm.addr(PROVIDER)), PRICE, "provider");
        equal(court.owed(vm.addr(RENTER)), PRICE, "renter");
        vm.prank(vm.addr(RENTER));
        equal(court.collect(address(0xFEE)), PRICE, "collected");
        equal(token.balanceOf(address(0xFEE)), PRICE, "arrived");
        vm.prank(vm.addr(RENTER));
        refuses(Court.NothingOwed.selector);
        court.collect(address(0xFEE));
    }

    function test_refute_of_every_slot_ends_the_claim_at_once() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 1);
        court.refute(number, refutation(id, 0, 2));
        court.finalize(number);
        equal(stakedOf(PROVIDER), 1_000_000, "nothing was slashed");
        equal(court.owed(vm.addr(PROVIDER)), PRICE, "the bond");
        Court.Refutation[] memory again = refutation(id, 0, 2);
        refuses(Court.WrongState.selector);
        court.refute(number, again);
    }

    function test_refute_needs_q_receipts_of_a_claimed_slot_in_order() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 3);
        Court.Refutation[] memory one = refutation(id, 2, 2);
        refuses(Court.BadMask.selector);
        court.refute(number, one);
        one = refutation(id, 61, 2);
        refuses(Court.BadMask.selector);
        court.refute(number, one);
        one = refutation(id, 0, 1);
        refuses(Court.BadReceipts.selector);
        court.refute(number, one);
        one = refutation(id, 0, 3);
        refuses(Court.BadReceipts.selector);
        court.refute(number, one);
        one = refutation(id, 0, 2);
        one[0].receipts[1] = one[0].receipts[0];
        refuses(Court.BadReceipts.selector);
        court.refute(number, one);
        one = refutation(id, 0, 2);
        one[0].receipts[1].index = 4;
        refuses(Court.BadReceipts.selector);
        court.refute(number, one);
        one = refutation(id, 0, 2);
        one[0].slot = 1;
        refuses(Court.BadSignature.selector);
        court.refute(number, one);
    }

    function statement(bytes32 id, uint256 index, bool bitmap, uint32 number, uint64 down) private view returns (Court.Statement memory) {
        bytes memory sig = bitmap ? bitmapSig(id, index, number, down) : receiptSig(id, index, number);
        return Court.Statement(bitmap, number, down, sig);
    }

    function test_proveWitnessEquivocation_takes_the_stake_once_a_tenth_for_the_reporter() external {
        bytes32 id = drawn();
        uint256 key = keyAt(id, 0);
        Court.Statement memory receipt = statement(id, 0, false, 1, 0);
        Court.Statement memory map = statement(id, 0, true, 0, 2);
        vm.prank(address(0x9E9));
        court.proveWitnessEquivocation(id, 0, receipt, map);
        equal(stakedOf(key), 1_000_000 - STAKE, "stake");
        equal(vault.credits(address(0x9E9)), STAKE / 10, "reporter");
        ok(court.seatAt(uint32(key - 3)).leftBlock != 0, "no later case draws it");
        Court.Statement memory other = statement(id, 0, true, 0, 4);
        refuses(Court.NothingToSlash.selector);
        court.proveWitnessEquivocation(id, 0, map, other);
        // Its receipts still count: else a liar's end would be the provider's.
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 2);
        court.refute(number, refutation(id, 1, 2));
    }

    function test_proveWitnessEquivocation_takes_two_bitmaps_of_one_window_either_way_round() external {
        bytes32 id = drawn();
        vm.prank(vm.addr(keyAt(id, 1)));
        court.vacate();
        court.proveWitnessEquivocation(id, 1, statement(id, 1, true, 1, 2), statement(id, 1, true, 1, 0));
        court.proveWitnessEquivocation(id, 0, statement(id, 0, true, 1, 1), statement(id, 0, false, 60, 0));
        equal(stakedOf(keyAt(id, 0)), 1_000_000 - STAKE, "stake");
    }

    function refusesProof(bytes4 selector, bytes32 id, uint8 index, Court.Statement memory a, Court.Statement memory b) private {
        refuses(selector);
        court.proveWitnessEquivocation(id, index, a, b);
    }

    function test_proveWitnessEquivocation_refuses_what_an_honest_witness_may_say() external {
        bytes32 id = drawn();
        bytes4 none = Court.NoContradiction.selector;
        Court.Statement memory receipt = statement(id, 0, false, 1, 0);
        Court.Statement memory map = statement(id, 0, true, 0, 2);
        refusesProof(none, id, 0, receipt, statement(id, 0, false, 2, 0));
        refusesProof(none, id, 0, map, map);
        refusesProof(none, id, 0, map, statement(id, 0, true, 1, 4));
        refusesProof(none, id, 0, receipt, statement(id, 0, true, 0, 5));
        refusesProof(none, id, 0, receipt, statement(id, 0, true, 1, 2));
        refusesProof(none, id, 4, receipt, map);
        refusesProof(Court.BadSignature.selector, id, 1, receipt, map);
        Court.Statement memory forged = statement(id, 1, true, 0, 2);
        refusesProof(Court.BadSignature.selector, id, 0, receipt, forged);
        refusesProof(Court.BadSignature.selector, id, 0, forged, receipt);
        refusesProof(Court.WrongState.selector, bytes32(0), 0, receipt, map);
    }

    function test_rule_1_claims_with_five_and_refutes_with_three() external {
        Court.Sla memory one = sla();
        one.rule = 1;
        bytes32 id = drawn(one);
        vm.warp(block.timestamp + 60);
        refusesClaim(Court.BadBitmaps.selector, id, 0, 1, bitmaps(id, 0, 1, 4));
        Court.SignedBitmap[] memory said = bitmaps(id, 0, 1, 5);
        vm.prank(vm.addr(RENTER));
        uint256 number = court.claimDowntime(id, 0, 1, said);
        Court.Refutation[] memory two = refutation(id, 0, 2);
        refuses(Court.BadReceipts.selector);
        court.refute(number, two);
        court.refute(number, refutation(id, 0, 3));
        equal(court.claimOf(number).refuted, 1, "refuted");
    }

    function test_close_is_refused_while_a_claim_is_open() external {
        bytes32 id = drawn();
        vm.warp(block.timestamp + 60);
        uint256 number = claim(id, 1);
        vm.warp(block.timestamp + 90 + CLAIM + 1);
        refuses(Court.ClaimsOpen.selector);
        court.close(id);
        court.finalize(number);
        court.close(id);
    }
}
