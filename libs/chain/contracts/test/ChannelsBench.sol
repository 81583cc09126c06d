// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Channels} from "../Channels.sol";
import {Check} from "./Check.sol";
import {OpenToken} from "./Tokens.sol";

/// @dev A payer, a payee and a session key around one `Channels`, and what they sign.
abstract contract ChannelsBench is Check {
    uint64 internal constant DELAY = 1 days;
    uint256 internal constant PAYER_KEY = 0xA11CE;
    uint256 internal constant PAYEE_KEY = 0xB0B;
    uint256 internal constant SIGNER_KEY = 0x5E55;
    bytes32 internal constant ROOT = keccak256("receipts");
    address internal constant DEAD = 0x000000000000000000000000000000000000dEaD;

    Channels internal channels = new Channels(DELAY);
    OpenToken internal token = new OpenToken(6);
    address internal payer = vm.addr(PAYER_KEY);
    address internal payee = vm.addr(PAYEE_KEY);
    address internal signer = vm.addr(SIGNER_KEY);

    function fund(address token_, address account, uint256 amount) internal {
        OpenToken(token_).give(account, amount);
        vm.prank(account);
        // Not every token here answers, and only the call matters.
        (bool success, ) = token_.call(abi.encodeCall(OpenToken(token_).approve, (address(channels), type(uint256).max)));
        ok(success, "approved");
    }

    function opened(uint128 deposit) internal returns (bytes32) {
        return opened(address(token), payer, payee, deposit);
    }

    function opened(address token_, address payer_, address payee_, uint128 deposit) internal returns (bytes32) {
        fund(token_, payer_, deposit);
        vm.prank(payer_);
        return channels.open(payee_, token_, deposit, signer);
    }

    function separator() internal view returns (bytes32) {
        return domain("Haggle Channels", block.chainid, address(channels));
    }

    function voucherHash(bytes32 id, uint128 cumulative) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Voucher(bytes32 channel,uint128 cumulative)"), id, cumulative));
    }

    function coopHash(bytes32 id, uint128 amount) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("CoopClose(bytes32 channel,uint128 amount)"), id, amount));
    }

    function cancelHash(bytes32 id, uint64 closesAt) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("CancelClose(bytes32 channel,uint64 closesAt)"), id, closesAt));
    }

    function voucher(bytes32 id, uint128 cumulative) internal view returns (bytes memory) {
        return signed(SIGNER_KEY, separator(), voucherHash(id, cumulative));
    }

    function claim(bytes32 id, uint128 amount, uint128 cumulative) internal {
        bytes memory sig = voucher(id, cumulative);
        vm.prank(payee);
        channels.claim(id, amount, cumulative, ROOT, sig);
    }

    function failClaim(bytes32 id, uint128 amount, uint128 cumulative, bytes memory sig, bytes memory reason) internal {
        vm.prank(payee);
        vm.expectRevert(reason);
        channels.claim(id, amount, cumulative, ROOT, sig);
    }

    function item(bytes32 id, uint128 amount, uint128 cumulative) internal view returns (Channels.Claim memory) {
        return Channels.Claim(id, amount, cumulative, ROOT, voucher(id, cumulative));
    }

    function coop(bytes32 id, uint128 amount) internal {
        channels.coopClose(
            id,
            amount,
            signed(PAYER_KEY, separator(), coopHash(id, amount)),
            signed(PAYEE_KEY, separator(), coopHash(id, amount))
        );
    }

    function expectBare(bytes4 selector) internal {
        vm.expectRevert(abi.encodePacked(selector));
    }
}
