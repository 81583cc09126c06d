// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Channels} from "../Channels.sol";
import {ChannelsBench} from "./ChannelsBench.sol";
import {BlacklistToken, FalseToken, FeeToken, IdleToken, OpenToken, ReenteringToken, SilentToken} from "./Tokens.sol";

/// @dev Tokens that are odd or hostile: nobody with another token, and no other side, loses anything.
contract ChannelsTokensTest is ChannelsBench {
    function test_a_fee_on_transfer_counts_what_arrives() external {
        FeeToken fee = new FeeToken();
        bytes32 id = opened(address(fee), payer, payee, 10_000);
        equal(channels.channelOf(id).deposit, 9_899, "what arrived");
        fund(address(fee), payer, 1_000);
        vm.prank(payer);
        channels.topUp(id, 1_000);
        equal(channels.channelOf(id).deposit, 9_899 + 989, "what arrived of more");
        claim(id, 9_899 + 989, 20_000);
        vm.prank(payee);
        channels.requestClose(id);
        equal(fee.balanceOf(address(channels)), 0, "nothing stays, nobody else's is taken");
    }

    function test_a_token_that_returns_false_moves_nothing_and_loses_nothing() external {
        FalseToken liar = new FalseToken();
        bytes32 id = opened(address(liar), payer, payee, 1_000);
        liar.lie(true);
        failClaim(id, 200, 200, voucher(id, 200), abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, liar));
        Channels.Claim[] memory claims = new Channels.Claim[](1);
        claims[0] = item(id, 200, 200);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, liar));
        channels.claimMany(claims);
        fund(address(liar), payee, 10);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, liar));
        channels.open(payer, address(liar), 10, signer);
        coop(id, 400);
        equal(channels.credits(address(liar), payee), 398, "payee's credit");
        equal(channels.credits(address(liar), payer), 600, "payer's credit");
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, liar));
        channels.collect(address(liar), payee);
        liar.lie(false);
        vm.prank(payee);
        channels.collect(address(liar), payee);
        equal(liar.balanceOf(payee), 408, "collected");
    }

    function test_a_token_that_moves_nothing_opens_nothing() external {
        IdleToken idle = new IdleToken();
        fund(address(idle), payer, 10);
        vm.prank(payer);
        expectBare(Channels.NothingArrived.selector);
        channels.open(payee, address(idle), 10, signer);
    }

    function test_a_token_that_returns_no_value_works() external {
        SilentToken silent = new SilentToken();
        bytes32 id = opened(address(silent), payer, payee, 1_000);
        claim(id, 200, 200);
        coop(id, 400);
        equal(silent.balanceOf(payee), 398, "payee");
        equal(silent.balanceOf(payer), 600, "payer");
        equal(silent.balanceOf(DEAD), 2, "burned");
    }

    function test_0_and_36_decimals_are_only_numbers() external {
        OpenToken none = new OpenToken(0);
        bytes32 id = opened(address(none), payer, payee, 3);
        claim(id, 2, 2);
        coop(id, 3);
        equal(none.balanceOf(payee), 3, "too little to burn of");
        OpenToken many = new OpenToken(36);
        uint128 deposit = 300 * 10 ** 36;
        id = opened(address(many), payer, payee, deposit);
        claim(id, deposit, deposit);
        equal(many.balanceOf(payee), (uint256(deposit) * 995) / 1000, "exact");
    }

    function test_a_payer_who_is_refused_does_not_keep_the_payee_from_its_own() external {
        BlacklistToken strict = new BlacklistToken();
        bytes32 id = opened(address(strict), payer, payee, 1_000);
        strict.refuse(payer, true);
        coop(id, 400);
        equal(strict.balanceOf(payee), 398, "payee");
        equal(channels.credits(address(strict), payer), 600, "payer's credit");
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(BlacklistToken.Refused.selector, payer));
        channels.collect(address(strict), payer);
        channels.collect(address(strict), signer);
        equal(strict.balanceOf(signer), 600, "collected elsewhere");
        expectBare(Channels.NothingToCollect.selector);
        channels.collect(address(strict), signer);
    }

    function test_a_payee_who_is_refused_does_not_keep_the_payer_from_its_own() external {
        BlacklistToken strict = new BlacklistToken();
        bytes32 id = opened(address(strict), payer, payee, 1_000);
        strict.refuse(payee, true);
        vm.recordLogs();
        coop(id, 400);
        said(Channels.Credited.selector, abi.encode(uint256(398)), "credited");
        equal(strict.balanceOf(payer), 600, "payer");
        equal(channels.credits(address(strict), payee), 398, "payee's credit");
    }

    function test_a_token_that_refuses_the_burn_address_stops_nobody() external {
        BlacklistToken strict = new BlacklistToken();
        bytes32 id = opened(address(strict), payer, payee, 1_000);
        strict.refuse(DEAD, true);
        coop(id, 400);
        equal(strict.balanceOf(payer), 600, "payer");
        equal(channels.credits(address(strict), DEAD), 2, "out of anybody's reach");
    }

    function test_credits_of_one_token_are_no_credits_of_another() external {
        BlacklistToken strict = new BlacklistToken();
        bytes32 id = opened(address(strict), payer, payee, 1_000);
        opened(5_000);
        strict.refuse(payer, true);
        coop(id, 400);
        vm.prank(payer);
        expectBare(Channels.NothingToCollect.selector);
        channels.collect(address(token), payer);
    }

    /// @dev The token is payer, payee and itself: whoever holds every part still can't enter twice.
    function test_a_token_that_calls_back_gets_in_nowhere() external {
        ReenteringToken evil = new ReenteringToken();
        opened(5_000);
        address self = address(evil);
        evil.give(self, 100_000);
        evil.act(self, abi.encodeCall(IERC20.approve, (address(channels), type(uint256).max)));
        bytes32 id = opened(self, payer, self, 10_000);
        bytes memory sig = voucher(id, 1_000);
        Channels.Claim[] memory claims = new Channels.Claim[](1);
        claims[0] = Channels.Claim(id, 1_000, 1_000, ROOT, sig);
        bytes[9] memory calls = [
            abi.encodeCall(channels.open, (payee, self, 10, signer)),
            abi.encodeCall(channels.topUp, (id, 10)),
            abi.encodeCall(channels.claim, (id, 1_000, 1_000, ROOT, sig)),
            abi.encodeCall(channels.claimMany, (claims)),
            abi.encodeCall(channels.requestClose, (id)),
            abi.encodeCall(channels.cancelClose, (id, sig, sig)),
            abi.encodeCall(channels.withdraw, (id)),
            abi.encodeCall(channels.coopClose, (id, 1_000, sig, sig)),
            abi.encodeCall(channels.collect, (self, self))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            fund(self, payer, 10);
            evil.arm(address(channels), calls[i]);
            vm.prank(payer);
            channels.topUp(id, 10);
            ok(evil.tried() && !evil.entered(), "not while topping up");
            equal(bytes32(bytes4(evil.answer())), bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector), "by the lock");
        }
        evil.arm(address(channels), abi.encodeCall(channels.requestClose, (id)));
        evil.act(address(channels), abi.encodeCall(channels.claim, (id, 1_000, 1_000, ROOT, sig)));
        ok(evil.tried() && !evil.entered(), "not while claiming");
        evil.arm(address(channels), abi.encodeCall(channels.requestClose, (id)));
        evil.act(address(channels), abi.encodeCall(channels.requestClose, (id)));
        ok(evil.tried() && !evil.entered(), "not while closing");
        equal(token.balanceOf(address(channels)), 5_000, "nobody else's");
        equal(evil.balanceOf(address(channels)), 0, "its own all gone");
    }
}
