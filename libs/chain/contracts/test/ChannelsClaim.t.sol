// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Channels} from "../Channels.sol";
import {ChannelsBench} from "./ChannelsBench.sol";
import {OpenToken, Wallet} from "./Tokens.sol";
import {Vm} from "./Vm.sol";

/// @dev Claims: what a voucher allows, what it doesn't, and where it is worth nothing.
contract ChannelsClaimTest is ChannelsBench {
    function test_claim_pays_what_grew_less_what_is_burned() external {
        bytes32 id = opened(10_000);
        claim(id, 1_000, 1_500);
        equal(token.balanceOf(payee), 995, "first");
        claim(id, 3_000, 3_000);
        equal(token.balanceOf(payee), 2_985, "second");
        equal(channels.channelOf(id).claimed, 3_000, "claimed");
        equal(token.balanceOf(address(channels)), 7_015, "the burned share waits for the close");
    }

    function test_claim_says_what_was_claimed_and_for_which_receipts() external {
        bytes32 id = opened(10_000);
        bytes memory sig = voucher(id, 1_500);
        vm.recordLogs();
        vm.prank(payee);
        channels.claim(id, 1_000, 1_500, ROOT, sig);
        Vm.Log memory first = vm.getRecordedLogs()[0];
        equal(first.topics[0], Channels.Claimed.selector, "event");
        equal(first.topics[1], id, "id");
        equal(keccak256(first.data), keccak256(abi.encode(uint128(1_000), ROOT)), "data");
    }

    function test_many_small_claims_burn_as_much_as_one() external {
        bytes32 id = opened(1_000);
        for (uint128 amount = 10; amount <= 1_000; amount += 10) claim(id, amount, 1_000);
        equal(token.balanceOf(payee), 995, "payee");
        vm.prank(payee);
        channels.requestClose(id);
        equal(token.balanceOf(DEAD), 5, "burned");
    }

    function test_claim_keeps_to_the_voucher_the_deposit_and_what_came_before() external {
        bytes32 id = opened(10_000);
        claim(id, 1_000, 1_500);
        failClaim(id, 1_000, 1_500, voucher(id, 1_500), abi.encodeWithSelector(Channels.NothingToClaim.selector, 1_000));
        failClaim(id, 999, 1_500, voucher(id, 1_500), abi.encodeWithSelector(Channels.NothingToClaim.selector, 1_000));
        failClaim(id, 1_501, 1_500, voucher(id, 1_500), abi.encodeWithSelector(Channels.AmountAboveVoucher.selector, 1_501, 1_500));
        failClaim(id, 10_001, 20_000, voucher(id, 20_000), abi.encodeWithSelector(Channels.AmountAboveDeposit.selector, 10_001, 10_000));
        claim(id, 10_000, 20_000);
        equal(token.balanceOf(payee), 9_950, "all of it");
    }

    function test_claim_is_the_payees_alone() external {
        bytes32 id = opened(10_000);
        bytes memory sig = voucher(id, 1_000);
        expectBare(Channels.NotPayee.selector);
        channels.claim(id, 1_000, 1_000, ROOT, sig);
        vm.prank(payer);
        expectBare(Channels.NotPayee.selector);
        channels.claim(id, 1_000, 1_000, ROOT, sig);
    }

    function test_claim_refuses_a_channel_that_is_not_open() external {
        failClaim(ROOT, 1, 1, voucher(ROOT, 1), abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        bytes32 id = opened(10);
        vm.prank(payee);
        channels.requestClose(id);
        failClaim(id, 1, 1, voucher(id, 1), abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id));
    }

    function test_claim_refuses_a_voucher_of_another_key() external {
        bytes32 id = opened(10);
        bytes memory byPayer = signed(PAYER_KEY, separator(), voucherHash(id, 5));
        failClaim(id, 5, 5, byPayer, abi.encodePacked(Channels.SignatureInvalid.selector));
    }

    function test_claim_refuses_a_signature_that_is_none() external {
        bytes32 id = opened(10);
        failClaim(id, 5, 5, hex"1234", abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 2));
        failClaim(id, 5, 5, new bytes(65), abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector));
    }

    function test_claim_refuses_the_other_form_of_a_signature() external {
        bytes32 id = opened(10);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SIGNER_KEY, keccak256(abi.encodePacked(hex"1901", separator(), voucherHash(id, 5))));
        bytes32 high = bytes32(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141 - uint256(s));
        failClaim(id, 5, 5, abi.encodePacked(r, high, v == 27 ? 28 : 27), abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
    }

    function test_claim_refuses_a_voucher_over_another_amount_or_channel() external {
        bytes32 id = opened(10);
        bytes32 other = opened(address(new OpenToken(6)), payer, payee, 10);
        failClaim(id, 5, 6, voucher(id, 5), abi.encodePacked(Channels.SignatureInvalid.selector));
        failClaim(id, 5, 5, voucher(other, 5), abi.encodePacked(Channels.SignatureInvalid.selector));
    }

    function test_claim_refuses_a_voucher_of_another_type() external {
        bytes32 id = opened(10);
        failClaim(id, 5, 5, signed(SIGNER_KEY, separator(), coopHash(id, 5)), abi.encodePacked(Channels.SignatureInvalid.selector));
        failClaim(id, 5, 5, signed(SIGNER_KEY, separator(), cancelHash(id, 5)), abi.encodePacked(Channels.SignatureInvalid.selector));
    }

    function test_claim_refuses_a_voucher_of_another_contract() external {
        Channels other = new Channels(DELAY);
        bytes32 id = opened(10);
        bytes32 there = domain("Haggle Channels", block.chainid, address(other));
        failClaim(id, 5, 5, signed(SIGNER_KEY, there, voucherHash(id, 5)), abi.encodePacked(Channels.SignatureInvalid.selector));
        bytes32 name = domain("Haggle Registry", block.chainid, address(channels));
        failClaim(id, 5, 5, signed(SIGNER_KEY, name, voucherHash(id, 5)), abi.encodePacked(Channels.SignatureInvalid.selector));
    }

    function test_claim_refuses_a_voucher_after_the_chain_has_split() external {
        bytes32 id = opened(10);
        bytes memory here = voucher(id, 5);
        vm.chainId(4242);
        failClaim(id, 5, 5, here, abi.encodePacked(Channels.SignatureInvalid.selector));
        ok(channels.currentId(payer, payee, address(token)) != id, "the id is another chain's too");
    }

    function test_claim_asks_a_plain_key_and_no_contract_that_could_take_its_word_back() external {
        Wallet wallet = new Wallet(signer);
        fund(address(token), payer, 10);
        vm.prank(payer);
        bytes32 id = channels.open(payee, address(token), 10, address(wallet));
        failClaim(id, 5, 5, voucher(id, 5), abi.encodePacked(Channels.SignatureInvalid.selector));
    }

    function test_wallets_that_are_contracts_can_be_payer_and_payee() external {
        Wallet from = new Wallet(payer);
        Wallet to = new Wallet(payee);
        token.give(address(from), 1_000);
        from.act(address(token), abi.encodeCall(token.approve, (address(channels), 1_000)));
        from.act(address(channels), abi.encodeCall(channels.open, (address(to), address(token), 1_000, signer)));
        bytes32 id = channels.currentId(address(from), address(to), address(token));
        to.act(address(channels), abi.encodeCall(channels.claim, (id, 200, 200, ROOT, voucher(id, 200))));
        coop(id, 400);
        equal(token.balanceOf(address(to)), 398, "payee");
        equal(token.balanceOf(address(from)), 600, "payer");
    }

    function test_claimMany_pays_all_in_one_transfer_for_each_run_of_a_token() external {
        OpenToken other = new OpenToken(18);
        address second = vm.addr(0x22);
        bytes32[3] memory ids = [
            opened(1_000),
            opened(address(token), second, payee, 1_000),
            opened(address(other), payer, payee, 1_000)
        ];
        Channels.Claim[] memory claims = new Channels.Claim[](3);
        for (uint256 i = 0; i < 3; ++i) claims[i] = item(ids[i], 200, 400);
        vm.recordLogs();
        vm.prank(payee);
        channels.claimMany(claims);
        equal(token.balanceOf(payee), 398, "two in one");
        equal(other.balanceOf(payee), 199, "the other token");
        equal(vm.getRecordedLogs().length, 5, "three claims, two transfers");
        for (uint256 i = 0; i < 3; ++i) equal(channels.channelOf(ids[i]).claimed, 200, "claimed");
    }

    function test_claimMany_comes_back_to_a_token() external {
        OpenToken other = new OpenToken(18);
        Channels.Claim[] memory claims = new Channels.Claim[](3);
        claims[0] = item(opened(1_000), 200, 200);
        claims[1] = item(opened(address(other), payer, payee, 1_000), 200, 200);
        claims[2] = item(opened(address(token), vm.addr(0x22), payee, 1_000), 200, 200);
        vm.prank(payee);
        channels.claimMany(claims);
        equal(token.balanceOf(payee), 398, "both");
        equal(other.balanceOf(payee), 199, "the other token");
    }

    function test_claimMany_passes_over_a_channel_that_its_payer_closed() external {
        bytes32 gone = opened(1_000);
        vm.prank(payer);
        channels.requestClose(gone);
        bytes32 stays = opened(address(token), vm.addr(0x22), payee, 1_000);
        Channels.Claim[] memory claims = new Channels.Claim[](2);
        claims[0] = item(gone, 200, 200);
        claims[1] = item(stays, 200, 200);
        vm.warp(block.timestamp + DELAY);
        channels.withdraw(gone);
        vm.recordLogs();
        vm.prank(payee);
        channels.claimMany(claims);
        equal(vm.getRecordedLogs()[0].topics[0], Channels.ClaimSkipped.selector, "said");
        equal(token.balanceOf(payee), 199, "the other is paid");
        Channels.Claim[] memory only = new Channels.Claim[](1);
        only[0] = claims[0];
        vm.recordLogs();
        vm.prank(payee);
        channels.claimMany(only);
        equal(vm.getRecordedLogs().length, 1, "no transfer of nothing");
    }

    function test_claimMany_stops_at_anything_else_that_is_wrong() external {
        Channels.Claim[] memory claims = new Channels.Claim[](2);
        claims[0] = item(opened(1_000), 200, 200);
        claims[1] = item(ROOT, 200, 200);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, ROOT));
        channels.claimMany(claims);
        claims[1] = claims[0];
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingToClaim.selector, 200));
        channels.claimMany(claims);
        vm.prank(payer);
        expectBare(Channels.NotPayee.selector);
        channels.claimMany(claims);
        equal(token.balanceOf(payee), 0, "nothing is paid");
    }

    function test_claimMany_takes_one_to_25() external {
        Channels.Claim[] memory claims = new Channels.Claim[](26);
        for (uint256 i = 0; i < 26; ++i) claims[i] = item(opened(address(token), vm.addr(0x100 + i), payee, 1_000), 200, 200);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(Channels.ClaimCount.selector, 26));
        channels.claimMany(claims);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(Channels.ClaimCount.selector, 0));
        channels.claimMany(new Channels.Claim[](0));
        assembly ("memory-safe") {
            mstore(claims, 25)
        }
        vm.prank(payee);
        channels.claimMany(claims);
        equal(token.balanceOf(payee), 25 * 199, "25 of them");
    }
}
