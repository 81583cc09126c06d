// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {StakeVault} from "../StakeVault.sol";
import {Check} from "./Check.sol";
import {BlacklistToken, FeeToken, IdleToken, OpenToken, ReenteringToken} from "./Tokens.sol";
import {Vm} from "./Vm.sol";

contract StakeVaultTest is Check {
    uint64 private constant DELAY = 14 days;
    address private constant COURT = address(0xC0);
    address private constant REGISTRY = address(0x4E6);
    address private constant ACCOUNT = address(0xACC);
    address private constant VICTIM = address(0x71C);
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    bytes32 private constant ID = keccak256("sla");

    OpenToken private token = new OpenToken(6);
    StakeVault private vault = new StakeVault(token, COURT, REGISTRY, DELAY);

    function put(StakeVault to, address account, uint128 amount) private {
        OpenToken unit = OpenToken(address(to.token()));
        unit.give(account, amount);
        vm.startPrank(account);
        unit.approve(address(to), amount);
        to.stake(amount);
        vm.stopPrank();
    }

    function lock(uint128 amount) private {
        vm.prank(COURT);
        vault.lock(ACCOUNT, ID, amount);
    }

    function slash(uint128 amount, uint128 toVictim) private returns (uint128) {
        vm.prank(COURT);
        return vault.slash(ACCOUNT, ID, amount, VICTIM, toVictim);
    }

    function holds(uint256 staked, uint256 locked, uint256 unbonding) private view {
        (uint128 a, uint128 b, uint128 c, , ) = vault.stakeOf(ACCOUNT);
        equal(a, staked, "staked");
        equal(b, locked, "locked");
        equal(c, unbonding, "unbonding");
    }

    function expectBare(bytes4 selector) private {
        vm.expectRevert(abi.encodePacked(selector));
    }

    function test_constructor_fixes_all_and_refuses_no_delay() external {
        equal(address(vault.token()), address(token), "token");
        equal(vault.court(), COURT, "court");
        equal(vault.registry(), REGISTRY, "registry");
        equal(vault.unbondDelay(), DELAY, "delay");
        equal(vault.BURN_ADDRESS(), DEAD, "burn address");
        expectBare(StakeVault.DelayZero.selector);
        new StakeVault(token, COURT, REGISTRY, 0);
    }

    function test_stake_counts_what_arrives() external {
        put(vault, ACCOUNT, 500);
        put(vault, ACCOUNT, 70);
        holds(570, 0, 0);
        FeeToken fee = new FeeToken();
        StakeVault other = new StakeVault(fee, COURT, REGISTRY, DELAY);
        put(other, ACCOUNT, 10_000);
        (uint128 staked, , , , ) = other.stakeOf(ACCOUNT);
        equal(staked, 9_899, "what arrived");
    }

    function test_stake_refuses_nothing_and_more_than_fits() external {
        expectBare(StakeVault.NothingArrived.selector);
        vault.stake(0);
        StakeVault idle = new StakeVault(new IdleToken(), COURT, REGISTRY, DELAY);
        expectBare(StakeVault.NothingArrived.selector);
        idle.stake(5);
        put(vault, ACCOUNT, type(uint128).max);
        token.give(ACCOUNT, 1);
        vm.startPrank(ACCOUNT);
        token.approve(address(vault), 1);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 128, uint256(type(uint128).max) + 1));
        vault.stake(1);
    }

    function test_withdraw_pays_after_the_delay_and_once() external {
        put(vault, ACCOUNT, 500);
        vm.startPrank(ACCOUNT);
        expectBare(StakeVault.NothingToWithdraw.selector);
        vault.withdraw();
        vault.requestUnbond(200);
        uint64 unbondsAt = uint64(block.timestamp) + DELAY;
        holds(500, 0, 200);
        vm.warp(unbondsAt - 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.UnbondsLater.selector, unbondsAt));
        vault.withdraw();
        vm.warp(unbondsAt);
        vault.withdraw();
        equal(token.balanceOf(ACCOUNT), 200, "paid");
        expectBare(StakeVault.NothingToWithdraw.selector);
        vault.withdraw();
        vm.stopPrank();
        holds(300, 0, 0);
    }

    function test_requestUnbond_counts_the_delay_anew_for_all() external {
        put(vault, ACCOUNT, 500);
        vm.startPrank(ACCOUNT);
        vault.requestUnbond(200);
        vm.warp(block.timestamp + DELAY - 1);
        vault.requestUnbond(100);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.UnbondsLater.selector, uint64(block.timestamp) + DELAY - 1));
        vault.withdraw();
        vm.stopPrank();
        (, , uint128 unbonding, uint64 unbondsAt, ) = vault.stakeOf(ACCOUNT);
        equal(unbonding, 300, "both");
        equal(unbondsAt, block.timestamp + DELAY - 1, "from the last");
    }

    function test_requestUnbond_takes_free_stake_only() external {
        put(vault, ACCOUNT, 500);
        lock(200);
        vm.startPrank(ACCOUNT);
        expectBare(StakeVault.AmountZero.selector);
        vault.requestUnbond(0);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveFree.selector, 301, 300));
        vault.requestUnbond(301);
        vault.requestUnbond(300);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveFree.selector, 1, 0));
        vault.requestUnbond(1);
    }

    function test_lock_takes_free_stake_only_and_adds_up() external {
        put(vault, ACCOUNT, 500);
        vm.prank(ACCOUNT);
        vault.requestUnbond(100);
        lock(300);
        vm.startPrank(COURT);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveFree.selector, 101, 100));
        vault.lock(ACCOUNT, "another", 101);
        expectBare(StakeVault.AmountZero.selector);
        vault.lock(ACCOUNT, ID, 0);
        vault.lock(ACCOUNT, ID, 100);
        vm.stopPrank();
        equal(vault.lockOf(ACCOUNT, ID), 400, "both");
        equal(vault.lockOf(VICTIM, ID), 0, "of this account only");
        holds(500, 400, 100);
    }

    function test_unlock_frees_all_of_one_lock() external {
        put(vault, ACCOUNT, 500);
        lock(300);
        vm.startPrank(COURT);
        vault.lock(ACCOUNT, "another", 100);
        vault.unlock(ACCOUNT, ID);
        holds(500, 100, 0);
        equal(vault.lockOf(ACCOUNT, ID), 0, "gone");
        vm.recordLogs();
        vault.unlock(ACCOUNT, ID);
        equal(vm.getRecordedLogs().length, 0, "nothing to do");
        holds(500, 100, 0);
        equal(vault.toBurn(), 0, "nothing burned");
    }

    function test_slash_pays_the_victim_first_and_burns_the_rest() external {
        put(vault, ACCOUNT, 500);
        lock(300);
        equal(slash(120, 50), 120, "taken");
        holds(380, 180, 0);
        equal(vault.lockOf(ACCOUNT, ID), 180, "lock");
        equal(vault.credits(VICTIM), 50, "victim's");
        equal(vault.toBurn(), 70, "burned");
        vm.prank(VICTIM);
        vault.collect(VICTIM);
        vault.burn();
        equal(token.balanceOf(VICTIM), 50, "collected");
        equal(token.balanceOf(DEAD), 70, "sent");
        equal(token.balanceOf(address(vault)), 380, "held");
        expectBare(StakeVault.NothingToBurn.selector);
        vault.burn();
        vm.prank(VICTIM);
        expectBare(StakeVault.NothingToCollect.selector);
        vault.collect(VICTIM);
    }

    function test_slash_takes_no_more_than_its_lock() external {
        put(vault, ACCOUNT, 500);
        lock(100);
        vm.prank(COURT);
        vault.lock(ACCOUNT, "another", 300);
        equal(slash(1_000, 700), 100, "taken");
        equal(vault.credits(VICTIM), 100, "victim first");
        equal(vault.toBurn(), 0, "nothing is left to burn");
        holds(400, 300, 0);
        equal(slash(1_000, 700), 0, "nothing more");
        holds(400, 300, 0);
    }

    function test_what_is_unbonding_can_still_be_taken() external {
        put(vault, ACCOUNT, 500);
        vm.prank(ACCOUNT);
        vault.requestUnbond(500);
        vm.warp(block.timestamp + DELAY - 1);
        vm.prank(REGISTRY);
        vault.condemn(ACCOUNT, VICTIM);
        vm.warp(block.timestamp + 1);
        vm.prank(ACCOUNT);
        expectBare(StakeVault.NothingToWithdraw.selector);
        vault.withdraw();
        holds(0, 0, 0);
        equal(vault.credits(VICTIM), 50, "reporter's tenth");
        equal(vault.toBurn(), 450, "burned");
    }

    function test_condemn_leaves_locks_to_the_court_and_burns_what_gets_free() external {
        put(vault, ACCOUNT, 500);
        lock(200);
        vm.recordLogs();
        vm.prank(REGISTRY);
        vault.condemn(ACCOUNT, VICTIM);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(logs[0].topics[0], StakeVault.Condemned.selector, "event");
        holds(200, 200, 0);
        (, , , , bool condemned) = vault.stakeOf(ACCOUNT);
        ok(condemned, "condemned");
        equal(slash(80, 80), 80, "the contract's own");
        vm.prank(COURT);
        vault.unlock(ACCOUNT, ID);
        holds(0, 0, 0);
        equal(vault.credits(VICTIM), 30 + 80, "reporter's and victim's");
        equal(vault.credits(address(0)), 0, "nobody's");
        equal(vault.toBurn(), 270 + 120, "burned");
        token.give(ACCOUNT, 5);
        vm.startPrank(ACCOUNT);
        token.approve(address(vault), 5);
        expectBare(StakeVault.AccountCondemned.selector);
        vault.stake(5);
    }

    function test_only_the_court_locks_unlocks_and_slashes_and_only_the_registry_condemns() external {
        put(vault, ACCOUNT, 500);
        address[3] memory others = [ACCOUNT, REGISTRY, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.startPrank(others[i]);
            expectBare(StakeVault.NotCourt.selector);
            vault.lock(ACCOUNT, ID, 1);
            expectBare(StakeVault.NotCourt.selector);
            vault.unlock(ACCOUNT, ID);
            expectBare(StakeVault.NotCourt.selector);
            vault.slash(ACCOUNT, ID, 1, VICTIM, 1);
            vm.stopPrank();
        }
        vm.prank(COURT);
        expectBare(StakeVault.NotRegistry.selector);
        vault.condemn(ACCOUNT, VICTIM);
    }

    function test_a_victim_who_is_refused_stops_no_slash() external {
        BlacklistToken strict = new BlacklistToken();
        vault = new StakeVault(strict, COURT, REGISTRY, DELAY);
        put(vault, ACCOUNT, 500);
        lock(300);
        strict.refuse(VICTIM, true);
        strict.refuse(DEAD, true);
        equal(slash(120, 50), 120, "taken");
        vm.startPrank(VICTIM);
        vm.expectRevert(abi.encodeWithSelector(BlacklistToken.Refused.selector, VICTIM));
        vault.collect(VICTIM);
        vault.collect(address(0xE15E));
        equal(strict.balanceOf(address(0xE15E)), 50, "collected elsewhere");
    }

    function test_a_token_that_calls_back_gets_in_nowhere() external {
        ReenteringToken evil = new ReenteringToken();
        address self = address(evil);
        vault = new StakeVault(evil, COURT, REGISTRY, DELAY);
        evil.give(self, 1_000);
        evil.act(self, abi.encodeCall(IERC20.approve, (address(vault), 1_000)));
        evil.act(address(vault), abi.encodeCall(vault.stake, (500)));
        vm.prank(COURT);
        vault.lock(self, ID, 200);
        vm.prank(COURT);
        vault.slash(self, ID, 100, self, 50);
        evil.act(address(vault), abi.encodeCall(vault.requestUnbond, (100)));
        vm.warp(block.timestamp + DELAY);
        bytes[4] memory calls = [
            abi.encodeCall(vault.stake, (10)),
            abi.encodeCall(vault.withdraw, ()),
            abi.encodeCall(vault.collect, (self)),
            abi.encodeCall(vault.burn, ())
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            evil.arm(address(vault), calls[i]);
            evil.act(address(vault), abi.encodeCall(vault.stake, (10)));
            ok(evil.tried() && !evil.entered(), "not while staking");
            equal(
                bytes32(bytes4(evil.answer())),
                bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
                "by the lock"
            );
        }
        for (uint256 i = 1; i < calls.length; ++i) {
            evil.arm(address(vault), calls[0]);
            evil.act(address(vault), calls[i]);
            ok(evil.tried() && !evil.entered(), "not while paying");
        }
    }

    function test_every_step_is_said() external {
        vm.recordLogs();
        put(vault, ACCOUNT, 500);
        said(StakeVault.Staked.selector, abi.encode(uint128(500)), "staked");
        lock(300);
        said(StakeVault.Locked.selector, abi.encode(uint128(300)), "locked");
        slash(120, 50);
        said(StakeVault.Slashed.selector, abi.encode(uint128(120), uint128(50)), "slashed");
        vm.prank(COURT);
        vault.unlock(ACCOUNT, ID);
        said(StakeVault.Unlocked.selector, abi.encode(uint128(180)), "unlocked");
        vm.prank(VICTIM);
        vault.collect(VICTIM);
        said(StakeVault.Collected.selector, abi.encode(VICTIM, uint256(50)), "collected");
        vault.burn();
        said(StakeVault.Burned.selector, abi.encode(uint256(70)), "burned");
        vm.startPrank(ACCOUNT);
        vault.requestUnbond(100);
        said(StakeVault.UnbondRequested.selector, abi.encode(uint128(100), uint64(block.timestamp) + DELAY), "unbonding");
        vm.warp(block.timestamp + DELAY);
        vault.withdraw();
        said(StakeVault.Withdrawn.selector, abi.encode(uint128(100)), "withdrawn");
    }
}
