// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Vm} from "./Vm.sol";

/// @dev What our Solidity tests need: forge's cheatcodes, comparisons that say what they compared, signatures.
abstract contract Check {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(string what, uint256 got, uint256 wanted);
    error NotTrue(string what);

    function equal(uint256 got, uint256 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(what, got, wanted);
    }

    function equal(address got, address wanted, string memory what) internal pure {
        equal(uint160(got), uint160(wanted), what);
    }

    function equal(bytes32 got, bytes32 wanted, string memory what) internal pure {
        equal(uint256(got), uint256(wanted), what);
    }

    function ok(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    /// @dev Fails unless one of the events since `vm.recordLogs` (or the last call of this) has this kind and data; the indexed part is not looked at.
    function said(bytes32 kind, bytes memory data, string memory what) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == kind && keccak256(logs[i].data) == keccak256(data)) return;
        }
        revert NotTrue(what);
    }

    /// @dev EIP-712 domain separator, made here and not by the contract that is tested.
    function domain(string memory name, uint256 chain, address target) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                    keccak256(bytes(name)),
                    keccak256("1"),
                    chain,
                    target
                )
            );
    }

    function signed(uint256 key, bytes32 separator, bytes32 structHash) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + (value % (most - least + 1));
    }
}
