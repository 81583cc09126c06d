// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IStakeVault} from "../IStakeVault.sol";
import {PeerRegistry} from "../PeerRegistry.sol";
import {Check} from "./Check.sol";
import {Vm} from "./Vm.sol";

/// @dev Stands where the vault would, and remembers what it was asked.
contract VaultStub {
    address public account;
    address public reporter;
    uint256 public count;

    function condemn(address account_, address reporter_) external {
        (account, reporter, count) = (account_, reporter_, count + 1);
    }
}

contract PeerRegistryTest is Check {
    uint256 private constant KEY = 0x5E55;
    bytes32 private constant PEER = keccak256("peer");
    bytes32 private constant A = keccak256("root a");
    bytes32 private constant B = keccak256("root b");

    VaultStub private vault = new VaultStub();
    PeerRegistry private registry = new PeerRegistry(IStakeVault(address(vault)));
    address private signer = vm.addr(KEY);

    function expectBare(bytes4 selector) private {
        vm.expectRevert(abi.encodePacked(selector));
    }

    function head(uint64 size, bytes32 root, uint64 prevSize, bytes32 prevRoot) private pure returns (PeerRegistry.Head memory) {
        return PeerRegistry.Head(PEER, 0, size, root, prevSize, prevRoot);
    }

    function sign(PeerRegistry.Head memory one) private view returns (bytes memory) {
        return sign(one, KEY, domain("Haggle Registry", block.chainid, address(registry)));
    }

    function sign(PeerRegistry.Head memory one, uint256 key, bytes32 separator) private pure returns (bytes memory) {
        bytes32 kind = keccak256("Head(bytes32 peerKey,uint64 log,uint64 size,bytes32 root,uint64 prevSize,bytes32 prevRoot)");
        return signed(key, separator, keccak256(abi.encode(kind, one)));
    }

    function prove(PeerRegistry.Head memory a, PeerRegistry.Head memory b) private {
        registry.proveEquivocation(a, sign(a), b, sign(b));
    }

    function refuse(PeerRegistry.Head memory a, PeerRegistry.Head memory b) private {
        (bytes memory sigA, bytes memory sigB) = (sign(a), sign(b));
        expectBare(PeerRegistry.NoContradiction.selector);
        registry.proveEquivocation(a, sigA, b, sigB);
        expectBare(PeerRegistry.NoContradiction.selector);
        registry.proveEquivocation(b, sigB, a, sigA);
    }

    function test_bind_is_the_callers_own_half() external {
        vm.recordLogs();
        vm.prank(signer);
        registry.bind(PEER, hex"1234");
        Vm.Log memory first = vm.getRecordedLogs()[0];
        equal(first.topics[0], PeerRegistry.Bound.selector, "event");
        equal(keccak256(first.data), keccak256(abi.encode(hex"1234")), "the peer's half");
        equal(registry.boundAt(signer, PEER), block.timestamp, "bound");
        equal(registry.boundAt(address(this), PEER), 0, "nobody else's");
        expectBare(PeerRegistry.PeerKeyZero.selector);
        registry.bind(0, "");
        equal(address(registry.vault()), address(vault), "vault");
    }

    function test_revoke_ends_ones_own_bond_only() external {
        vm.prank(signer);
        registry.bind(PEER, "");
        expectBare(PeerRegistry.NotBound.selector);
        registry.revoke(PEER);
        vm.recordLogs();
        vm.prank(signer);
        registry.revoke(PEER);
        said(PeerRegistry.Revoked.selector, "", "said");
        equal(registry.boundAt(signer, PEER), 0, "revoked");
        vm.prank(signer);
        expectBare(PeerRegistry.NotBound.selector);
        registry.revoke(PEER);
    }

    function test_anchor_grows_strictly_for_each_log_of_each_signer() external {
        vm.recordLogs();
        registry.anchor(0, 5, A);
        Vm.Log memory first = vm.getRecordedLogs()[0];
        equal(first.topics[0], PeerRegistry.Anchored.selector, "event");
        equal(keccak256(first.data), keccak256(abi.encode(uint64(5), A)), "all of the root");
        vm.expectRevert(abi.encodeWithSelector(PeerRegistry.SizeNotGrown.selector, 5, 5));
        registry.anchor(0, 5, B);
        vm.expectRevert(abi.encodeWithSelector(PeerRegistry.SizeNotGrown.selector, 4, 5));
        registry.anchor(0, 4, A);
        vm.expectRevert(abi.encodeWithSelector(PeerRegistry.SizeNotGrown.selector, 0, 0));
        registry.anchor(1, 0, A);
        registry.anchor(0, 6, B);
        registry.anchor(1, 1, A);
        vm.prank(signer);
        registry.anchor(0, 1, A);
        (uint64 size, bytes26 root) = registry.anchorOf(address(this), 0);
        equal(size, 6, "size");
        equal(bytes32(root), bytes32(bytes26(B)), "root");
        (size, root) = registry.anchorOf(signer, 0);
        equal(size, 1, "another signer's size");
        equal(bytes32(root), bytes32(bytes26(A)), "another signer's root");
    }

    function test_anchor_takes_sizes_that_fit() external {
        uint64 most = registry.MAX_SIZE();
        equal(most, 2 ** 48 - 1, "limit");
        vm.expectRevert(abi.encodeWithSelector(PeerRegistry.SizeTooLarge.selector, most + 1));
        registry.anchor(0, most + 1, A);
        registry.anchor(0, most, A);
        (uint64 size, bytes26 root) = registry.anchorOf(address(this), 0);
        equal(size, most, "size");
        equal(bytes32(root), bytes32(bytes26(A)), "root");
    }

    function test_headDigest_is_that_of_EIP_712() external view {
        PeerRegistry.Head memory one = PeerRegistry.Head(PEER, 1, 2, A, 3, B);
        equal(ECDSA.recover(registry.headDigest(one), sign(one)), signer, "signer");
    }

    function test_proveEquivocation_of_one_size_with_two_roots() external {
        vm.recordLogs();
        prove(head(5, A, 0, 0), head(5, B, 0, 0));
        Vm.Log memory first = vm.getRecordedLogs()[0];
        equal(first.topics[0], PeerRegistry.Equivocation.selector, "event");
        equal(address(uint160(uint256(first.topics[1]))), signer, "signer");
        equal(keccak256(first.data), keccak256(abi.encode(uint64(0), uint64(5), uint64(5), address(this))), "data");
        equal(vault.account(), signer, "condemned");
        equal(vault.reporter(), address(this), "reporter");
        ok(registry.convicted(signer), "convicted");
    }

    function test_proveEquivocation_of_a_head_that_follows_another_root() external {
        prove(head(5, A, 0, 0), head(8, A, 5, B));
        equal(vault.account(), signer, "condemned");
    }

    function test_proveEquivocation_of_a_chain_that_leaves_a_head_out_in_either_order() external {
        prove(head(8, B, 3, A), head(5, A, 3, A));
        equal(vault.account(), signer, "condemned");
    }

    function test_proveEquivocation_refuses_what_one_history_can_have() external {
        refuse(head(5, A, 0, 0), head(5, A, 0, 0));
        refuse(head(5, A, 0, 0), head(5, A, 3, B));
        refuse(head(5, A, 0, 0), head(8, B, 5, A));
        refuse(head(5, A, 0, 0), head(9, B, 6, B));
        ok(!registry.convicted(signer), "nobody");
        equal(vault.count(), 0, "nothing");
    }

    function test_proveEquivocation_convicts_once() external {
        (PeerRegistry.Head memory a, PeerRegistry.Head memory b) = (head(5, A, 0, 0), head(5, B, 0, 0));
        prove(a, b);
        (bytes memory sigA, bytes memory sigB) = (sign(a), sign(b));
        expectBare(PeerRegistry.AlreadyConvicted.selector);
        registry.proveEquivocation(a, sigA, b, sigB);
        equal(vault.count(), 1, "once");
    }

    function test_proveEquivocation_refuses_two_logs_two_peers_and_two_signers() external {
        PeerRegistry.Head memory a = head(5, A, 0, 0);
        PeerRegistry.Head memory b = head(5, B, 0, 0);
        bytes memory sigA = sign(a);
        bytes memory other = sign(b, 0xBAD, domain("Haggle Registry", block.chainid, address(registry)));
        expectBare(PeerRegistry.DifferentSigners.selector);
        registry.proveEquivocation(a, sigA, b, other);
        b.log = 1;
        bytes memory sigB = sign(b);
        expectBare(PeerRegistry.DifferentLogs.selector);
        registry.proveEquivocation(a, sigA, b, sigB);
        b.log = 0;
        b.peerKey = A;
        sigB = sign(b);
        expectBare(PeerRegistry.DifferentLogs.selector);
        registry.proveEquivocation(a, sigA, b, sigB);
    }

    function test_proveEquivocation_refuses_heads_of_another_chain_contract_or_name() external {
        PeerRegistry.Head memory a = head(5, A, 0, 0);
        PeerRegistry.Head memory b = head(5, B, 0, 0);
        bytes32[3] memory domains = [
            domain("Haggle Registry", block.chainid + 1, address(registry)),
            domain("Haggle Registry", block.chainid, address(vault)),
            domain("Haggle Channels", block.chainid, address(registry))
        ];
        bytes memory sigA = sign(a);
        for (uint256 i = 0; i < domains.length; ++i) {
            bytes memory sigB = sign(b, KEY, domains[i]);
            expectBare(PeerRegistry.DifferentSigners.selector);
            registry.proveEquivocation(a, sigA, b, sigB);
        }
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 1));
        registry.proveEquivocation(a, hex"00", b, sigA);
    }

    /// @dev Trees of every size up to 33 and every entry in them, by RFC 9162's own recursive definition.
    function test_verifyInclusion_accepts_every_proof_of_the_definition() external {
        for (uint64 size = 1; size <= 33; ++size) {
            registry.anchor(0, size, rootOf(0, size));
            for (uint64 index = 0; index < size; ++index) {
                bytes32[] memory path = pathOf(index, 0, size);
                ok(registry.verifyInclusion(address(this), 0, size, index, leafOf(index), path), "proof");
                ok(!registry.verifyInclusion(address(this), 0, size, index, leafOf(index + 1), path), "another entry");
                if (size > 1) {
                    uint64 other = (index + 1) % size;
                    ok(!registry.verifyInclusion(address(this), 0, size, other, leafOf(index), path), "another index");
                    path[path.length - 1] ^= bytes32(uint256(1));
                    ok(!registry.verifyInclusion(address(this), 0, size, index, leafOf(index), path), "another path");
                }
            }
        }
    }

    function test_verifyInclusion_refuses_paths_of_another_length() external {
        registry.anchor(0, 7, rootOf(0, 7));
        bytes32[] memory path = pathOf(2, 0, 7);
        bytes32[] memory longer = new bytes32[](path.length + 1);
        for (uint256 i = 0; i < path.length; ++i) longer[i] = path[i];
        ok(!registry.verifyInclusion(address(this), 0, 7, 2, leafOf(2), longer), "longer");
        assembly ("memory-safe") {
            mstore(path, 2)
        }
        ok(!registry.verifyInclusion(address(this), 0, 7, 2, leafOf(2), path), "shorter");
        // A root that was made to fit a path which the size leaves no room for.
        registry.anchor(1, 1, sha256(abi.encodePacked(bytes1(0x01), leafOf(1), leafOf(0))));
        bytes32[] memory one = new bytes32[](1);
        one[0] = leafOf(1);
        ok(!registry.verifyInclusion(address(this), 1, 1, 0, leafOf(0), one), "a path of a tree of one");
        // The inner node itself, offered as if it were an entry of a smaller tree.
        bytes32[] memory upper = new bytes32[](1);
        upper[0] = rootOf(4, 7);
        ok(!registry.verifyInclusion(address(this), 0, 7, 0, rootOf(0, 4), upper), "inner node");
    }

    function test_verifyInclusion_asks_for_the_newest_anchored_size() external {
        registry.anchor(0, 7, rootOf(0, 7));
        bytes32[] memory path = pathOf(2, 0, 7);
        ok(!registry.verifyInclusion(signer, 0, 7, 2, leafOf(2), path), "another signer");
        ok(!registry.verifyInclusion(address(this), 1, 7, 2, leafOf(2), path), "another log");
        ok(!registry.verifyInclusion(address(this), 0, 7, 7, leafOf(2), path), "an index outside");
        ok(!registry.verifyInclusion(address(this), 1, 0, 0, leafOf(0), new bytes32[](0)), "never anchored");
        ok(!registry.verifyInclusion(address(this), 0, 8, 2, leafOf(2), path), "a size to come");
        registry.anchor(0, 8, rootOf(0, 8));
        ok(!registry.verifyInclusion(address(this), 0, 7, 2, leafOf(2), path), "an older size");
    }

    function leafOf(uint64 index) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0), "entry ", index));
    }

    /// @dev RFC 9162, 2.1.1: the tree over entries from `start` up to, not with, `end`.
    function rootOf(uint64 start, uint64 end) private pure returns (bytes32) {
        if (end - start == 1) return leafOf(start);
        uint64 middle = start + split(end - start);
        return sha256(abi.encodePacked(bytes1(0x01), rootOf(start, middle), rootOf(middle, end)));
    }

    /// @dev RFC 9162, 2.1.3.1.
    function pathOf(uint64 index, uint64 start, uint64 end) private pure returns (bytes32[] memory path) {
        if (end - start == 1) return path;
        uint64 middle = start + split(end - start);
        bool left = index < middle;
        bytes32[] memory below = left ? pathOf(index, start, middle) : pathOf(index, middle, end);
        path = new bytes32[](below.length + 1);
        for (uint256 i = 0; i < below.length; ++i) path[i] = below[i];
        path[below.length] = left ? rootOf(middle, end) : rootOf(start, middle);
    }

    /// @dev The largest power of two below `count`.
    function split(uint64 count) private pure returns (uint64 power) {
        power = 1;
        while (power * 2 < count) power *= 2;
    }
}
