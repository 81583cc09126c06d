// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Channels} from "../Channels.sol";
import {ChannelsBench} from "./ChannelsBench.sol";
import {OpenToken} from "./Tokens.sol";
import {Vm} from "./Vm.sol";

/// @dev Opening, adding to, and closing channels.
contract ChannelsTest is ChannelsBench {
    function test_constructor_refuses_no_delay() external {
        expectBare(Channels.DelayZero.selector);
        new Channels(0);
    }

    function test_constants_are_those_of_the_spec() external view {
        equal(channels.VOUCHER_TYPEHASH(), keccak256("Voucher(bytes32 channel,uint128 cumulative)"), "voucher type");
        equal(channels.COOP_CLOSE_TYPEHASH(), keccak256("CoopClose(bytes32 channel,uint128 amount)"), "coop type");
        equal(channels.CANCEL_CLOSE_TYPEHASH(), keccak256("CancelClose(bytes32 channel,uint64 closesAt)"), "cancel type");
        equal(channels.BURN_PER_MILLE(), 5, "burned share");
        equal(channels.BURN_ADDRESS(), DEAD, "burn address");
        equal(channels.MAX_CLAIMS(), 25, "claims in a batch");
        equal(channels.closeDelay(), DELAY, "delay");
    }

    function test_open_records_all_of_a_channel() external {
        vm.recordLogs();
        bytes32 id = opened(500);
        equal(id, keccak256(abi.encode(block.chainid, address(channels), payer, payee, address(token), uint64(0))), "id");
        equal(id, channels.currentId(payer, payee, address(token)), "current id");
        Channels.Channel memory one = channels.channelOf(id);
        equal(one.payer, payer, "payer");
        equal(one.payee, payee, "payee");
        equal(address(one.token), address(token), "token");
        equal(one.signer, signer, "signer");
        equal(one.deposit, 500, "deposit");
        equal(one.claimed, 0, "claimed");
        equal(one.closesAt, 0, "closesAt");
        equal(one.epoch, 0, "epoch");
        equal(uint256(one.status), uint256(Channels.Status.Open), "status");
        equal(token.balanceOf(address(channels)), 500, "held");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        equal(last.topics[0], Channels.Opened.selector, "event");
        equal(last.topics[1], id, "event's id");
        equal(keccak256(last.data), keccak256(abi.encode(token, signer, uint128(500), uint64(0))), "event's data");
    }

    function test_open_refuses_parties_that_make_no_sense() external {
        fund(address(token), payer, 10);
        vm.startPrank(payer);
        expectBare(Channels.PartyInvalid.selector);
        channels.open(address(0), address(token), 10, signer);
        expectBare(Channels.PartyInvalid.selector);
        channels.open(payer, address(token), 10, signer);
        expectBare(Channels.PartyInvalid.selector);
        channels.open(payee, address(token), 10, address(0));
        expectBare(Channels.NothingArrived.selector);
        channels.open(payee, address(token), 0, signer);
    }

    function test_open_refuses_a_second_channel_of_the_same_three() external {
        bytes32 id = opened(10);
        fund(address(token), payer, 10);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, id));
        channels.open(payee, address(token), 10, signer);
        OpenToken other = new OpenToken(18);
        ok(opened(address(other), payer, payee, 10) != id, "another token, another channel");
        ok(opened(address(token), payee, payer, 10) != id, "the other way round, another channel");
    }

    function test_open_refuses_what_the_payer_has_not() external {
        vm.prank(payer);
        vm.expectRevert();
        channels.open(payee, address(token), 1, signer);
        vm.prank(payer);
        vm.expectRevert();
        channels.open(payee, address(0xC0DE1E55), 1, signer);
    }

    function test_topUp_adds_to_the_deposit() external {
        bytes32 id = opened(500);
        fund(address(token), payer, 70);
        vm.prank(payer);
        channels.topUp(id, 70);
        equal(channels.channelOf(id).deposit, 570, "deposit");
        equal(token.balanceOf(address(channels)), 570, "held");
    }

    function test_topUp_is_refused_to_others_for_nothing_and_while_closing() external {
        bytes32 id = opened(500);
        fund(address(token), payee, 70);
        vm.prank(payee);
        expectBare(Channels.NotPayer.selector);
        channels.topUp(id, 70);
        vm.startPrank(payer);
        expectBare(Channels.NothingArrived.selector);
        channels.topUp(id, 0);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        channels.topUp(ROOT, 70);
        channels.requestClose(id);
        vm.stopPrank();
        fund(address(token), payer, 70);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, id));
        channels.topUp(id, 70);
    }

    function test_topUp_and_open_refuse_more_than_fits() external {
        bytes32 id = opened(type(uint128).max);
        fund(address(token), payer, 1);
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 128, uint256(type(uint128).max) + 1)
        );
        channels.topUp(id, 1);
    }

    function test_requestClose_gives_the_payee_the_delay() external {
        bytes32 id = opened(500);
        vm.prank(payer);
        channels.requestClose(id);
        uint64 closesAt = uint64(block.timestamp) + DELAY;
        equal(channels.channelOf(id).closesAt, closesAt, "closesAt");
        claim(id, 200, 300);
        vm.warp(closesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.ClosesLater.selector, closesAt));
        channels.withdraw(id);
        vm.warp(closesAt);
        channels.withdraw(id);
        equal(token.balanceOf(payer), 300, "the rest");
        equal(token.balanceOf(payee), 199, "claimed less what is burned");
        equal(token.balanceOf(DEAD), 1, "burned");
        equal(token.balanceOf(address(channels)), 0, "nothing stays");
        equal(uint256(channels.channelOf(id).status), uint256(Channels.Status.Closed), "closed");
    }

    function test_requestClose_by_the_payee_closes_at_once() external {
        bytes32 id = opened(500);
        claim(id, 200, 300);
        vm.recordLogs();
        vm.prank(payee);
        channels.requestClose(id);
        equal(token.balanceOf(payer), 300, "the rest");
        Vm.Log memory first = vm.getRecordedLogs()[0];
        equal(first.topics[0], Channels.Closed.selector, "event");
        equal(keccak256(first.data), keccak256(abi.encode(uint128(200), uint128(300), uint128(1))), "event's data");
    }

    function test_requestClose_by_the_payee_ends_a_close_that_was_asked_for() external {
        bytes32 id = opened(500);
        vm.prank(payer);
        channels.requestClose(id);
        vm.prank(payee);
        channels.requestClose(id);
        equal(channels.channelOf(id).closesAt, 0, "nothing is left to wait for");
    }

    function test_requestClose_is_refused_to_others_and_twice() external {
        bytes32 id = opened(500);
        vm.prank(signer);
        expectBare(Channels.NotAParty.selector);
        channels.requestClose(id);
        vm.startPrank(payer);
        channels.requestClose(id);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, id));
        channels.requestClose(id);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        channels.requestClose(ROOT);
    }

    function test_withdraw_is_refused_when_nobody_asked_and_when_it_is_done() external {
        bytes32 id = opened(500);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotClosing.selector, id));
        channels.withdraw(id);
        vm.prank(payee);
        channels.requestClose(id);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id));
        channels.withdraw(id);
    }

    function test_a_closed_channel_never_comes_back() external {
        bytes32 id = opened(500);
        claim(id, 200, 300);
        vm.prank(payee);
        channels.requestClose(id);
        bytes memory old = voucher(id, 300);
        bytes32 next = opened(500);
        ok(next != id, "another id");
        equal(channels.channelOf(next).epoch, 1, "next epoch");
        equal(next, channels.channelId(payer, payee, address(token), 1), "its id");
        failClaim(id, 300, 300, old, abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id));
        failClaim(next, 300, 300, old, abi.encodePacked(Channels.SignatureInvalid.selector));
        equal(channels.channelOf(id).claimed, 200, "the record stays");
    }

    function test_coopClose_pays_both_at_once() external {
        bytes32 id = opened(10_000);
        claim(id, 2_000, 3_000);
        coop(id, 5_000);
        equal(token.balanceOf(payee), 4_975, "payee");
        equal(token.balanceOf(payer), 5_000, "payer");
        equal(token.balanceOf(DEAD), 25, "burned");
        equal(channels.channelOf(id).claimed, 5_000, "claimed");
        equal(uint256(channels.channelOf(id).status), uint256(Channels.Status.Closed), "closed");
    }

    function test_coopClose_takes_the_session_keys_word_and_refuses_others() external {
        bytes32 id = opened(10_000);
        bytes memory byPayee = signed(PAYEE_KEY, separator(), coopHash(id, 5_000));
        bytes memory byPayer = signed(PAYER_KEY, separator(), coopHash(id, 5_000));
        expectBare(Channels.SignatureInvalid.selector);
        channels.coopClose(id, 5_000, byPayee, byPayee);
        expectBare(Channels.SignatureInvalid.selector);
        channels.coopClose(id, 5_000, byPayer, byPayer);
        expectBare(Channels.SignatureInvalid.selector);
        channels.coopClose(id, 5_001, byPayer, byPayee);
        expectBare(Channels.SignatureInvalid.selector);
        channels.coopClose(id, 5_000, voucher(id, 5_000), byPayee);
        channels.coopClose(id, 5_000, signed(SIGNER_KEY, separator(), coopHash(id, 5_000)), byPayee);
        equal(token.balanceOf(payer), 5_000, "payer");
    }

    function test_coopClose_keeps_to_the_deposit_and_to_what_is_claimed() external {
        bytes32 id = opened(10_000);
        claim(id, 2_000, 3_000);
        vm.expectRevert(abi.encodeWithSelector(Channels.AmountBelowClaimed.selector, 1_999, 2_000));
        channels.coopClose(id, 1_999, "", "");
        vm.expectRevert(abi.encodeWithSelector(Channels.AmountAboveDeposit.selector, 10_001, 10_000));
        channels.coopClose(id, 10_001, "", "");
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        channels.coopClose(ROOT, 1, "", "");
    }

    function test_coopClose_at_either_end_of_what_is_allowed() external {
        bytes32 id = opened(10_000);
        claim(id, 2_000, 3_000);
        coop(id, 2_000);
        equal(token.balanceOf(payee), 1_990, "no more than claimed");
        equal(token.balanceOf(payer), 8_000, "the rest");
        id = opened(10_000);
        coop(id, 10_000);
        equal(token.balanceOf(payee), 1_990 + 9_950, "all of it");
        equal(token.balanceOf(payer), 8_000, "nothing");
    }

    function test_cancelClose_by_both_takes_a_request_back() external {
        bytes32 id = opened(500);
        vm.prank(payer);
        channels.requestClose(id);
        bytes32 hash = cancelHash(id, channels.channelOf(id).closesAt);
        bytes memory byPayer = signed(PAYER_KEY, separator(), hash);
        bytes memory byPayee = signed(PAYEE_KEY, separator(), hash);
        expectBare(Channels.SignatureInvalid.selector);
        channels.cancelClose(id, byPayer, byPayer);
        expectBare(Channels.SignatureInvalid.selector);
        channels.cancelClose(id, byPayee, byPayee);
        channels.cancelClose(id, byPayer, byPayee);
        equal(channels.channelOf(id).closesAt, 0, "open as before");
        vm.expectRevert(abi.encodeWithSelector(Channels.NotClosing.selector, id));
        channels.cancelClose(id, byPayer, byPayee);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        channels.cancelClose(ROOT, byPayer, byPayee);
        claim(id, 100, 100);
    }

    function test_cancelClose_signatures_fit_no_later_request() external {
        bytes32 id = opened(500);
        vm.prank(payer);
        channels.requestClose(id);
        bytes32 hash = cancelHash(id, channels.channelOf(id).closesAt);
        bytes memory byPayer = signed(PAYER_KEY, separator(), hash);
        bytes memory byPayee = signed(PAYEE_KEY, separator(), hash);
        channels.cancelClose(id, byPayer, byPayee);
        vm.prank(payer);
        expectBare(Channels.CancelledJustNow.selector);
        channels.requestClose(id);
        vm.warp(block.timestamp + 1);
        vm.prank(payer);
        channels.requestClose(id);
        expectBare(Channels.SignatureInvalid.selector);
        channels.cancelClose(id, byPayer, byPayee);
    }

    function test_every_step_is_said() external {
        bytes32 id = opened(500);
        fund(address(token), payer, 70);
        vm.recordLogs();
        vm.prank(payer);
        channels.topUp(id, 70);
        said(Channels.ToppedUp.selector, abi.encode(uint128(570)), "topped up");
        vm.prank(payer);
        channels.requestClose(id);
        uint64 closesAt = uint64(block.timestamp) + DELAY;
        said(Channels.CloseRequested.selector, abi.encode(closesAt), "asked to close");
        bytes32 hash = cancelHash(id, closesAt);
        channels.cancelClose(id, signed(SIGNER_KEY, separator(), hash), signed(PAYEE_KEY, separator(), hash));
        said(Channels.CloseCancelled.selector, "", "cancelled");
    }
}
