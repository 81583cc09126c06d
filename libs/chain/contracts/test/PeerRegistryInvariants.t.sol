// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IStakeVault} from "../IStakeVault.sol";
import {PeerRegistry} from "../PeerRegistry.sol";
import {StakeVault} from "../StakeVault.sol";
import {Handler, InvariantBase} from "./InvariantBase.sol";
import {OpenToken} from "./Tokens.sol";

/// @dev Signers that anchor, honest ones whose heads form one chain, and one that forks.
contract PeerRegistryHandler is Handler {
    uint256 private constant HONEST_KEY = 0x60D;
    uint256 private constant FORKER_KEY = 0xF0;
    uint128 private constant STAKE = 1_000;
    bytes32 private constant PEER = keccak256("peer");

    OpenToken private immutable _token = new OpenToken(6);
    PeerRegistry private immutable _registry;
    StakeVault private immutable _vault;
    address private immutable _honest = vm.addr(HONEST_KEY);
    PeerRegistry.Head[] private _chain;
    mapping(address signer => mapping(uint64 log => uint64)) private _sizes;
    mapping(address signer => mapping(uint64 log => bytes32)) private _roots;
    mapping(address signer => bool) private _convicted;

    constructor() {
        // Each knows the other, so the second one's address is found before it is there.
        address vault = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        _registry = new PeerRegistry(IStakeVault(vault));
        _vault = new StakeVault(_token, address(0xC0), address(_registry), 14 days);
        expect(address(_vault) == vault, "deployed");
        _chain.push(PeerRegistry.Head(PEER, 0, 1, keccak256("first"), 0, 0));
        _token.give(_honest, STAKE);
        vm.startPrank(_honest);
        _token.approve(address(_vault), STAKE);
        _vault.stake(STAKE);
        vm.stopPrank();
    }

    function anchor(uint256 seed, uint256 sizeSeed, bytes32 root) external {
        (address who, uint64 log) = (_person(seed), uint64(seed / 4) % 2);
        uint64 last = _sizes[who][log];
        uint64 size = uint64(sizeSeed % 8 == 0 ? bound(sizeSeed, 0, last) : sizeSeed % 8 == 1 ? sizeSeed : last + (sizeSeed % 100));
        bool right = size > last && size < 2 ** 48;
        if (!attempt(who, address(_registry), abi.encodeCall(_registry.anchor, (log, size, root)), right, "an anchor that does not grow")) return;
        (_sizes[who][log], _roots[who][log]) = (size, root);
    }

    function bindAndRevoke(uint256 seed, bytes32 key) external {
        address who = _person(seed);
        bool bound_ = _registry.boundAt(who, key) != 0;
        if (_registry.boundAt(_person(seed / 4), key) == 0)
            attempt(_person(seed / 4), address(_registry), abi.encodeCall(_registry.revoke, (key)), false, "revoked somebody else's bond");
        if (bound_) attempt(who, address(_registry), abi.encodeCall(_registry.revoke, (key)), true, "revoking");
        else if (key != 0) attempt(who, address(_registry), abi.encodeCall(_registry.bind, (key, "")), true, "binding");
        expect((_registry.boundAt(who, key) != 0) == (!bound_ && key != 0), "bound");
    }

    /// @dev The honest signer signs its next head.
    function grow(uint256 by, bytes32 root) external {
        PeerRegistry.Head storage last = _chain[_chain.length - 1];
        _chain.push(PeerRegistry.Head(PEER, 0, last.size + uint64(bound(by, 1, 50)), root, last.size, last.root));
    }

    /// @dev Two heads of the honest signer convict nobody, in whatever order and from whatever domain they are shown.
    function accuse(uint256 i, uint256 j, uint256 how) external {
        PeerRegistry.Head memory a = _chain[i % _chain.length];
        PeerRegistry.Head memory b = _chain[j % _chain.length];
        uint256 other = HONEST_KEY;
        bytes32 elsewhere = _separator();
        if (how % 4 == 0) (b, elsewhere) = (_fork(a, how), domain("Haggle Registry", block.chainid + 1, address(_registry)));
        if (how % 4 == 1) (b, other) = (_fork(a, how), FORKER_KEY);
        if (how % 4 == 2) {
            b = _fork(a, how);
            b.log = 1;
        }
        bytes memory data = abi.encodeCall(
            _registry.proveEquivocation,
            (a, _sign(a, HONEST_KEY, _separator()), b, _sign(b, other, elsewhere))
        );
        attempt(_person(how), address(_registry), data, false, "an honest signer was convicted");
    }

    /// @dev A fork of the chain, signed by who forks: convicted once.
    function fork(uint256 i, uint256 how) external {
        uint256 key = FORKER_KEY + (how % 32);
        PeerRegistry.Head memory a = _chain[i % _chain.length];
        PeerRegistry.Head memory b = _fork(a, how);
        if (how % 2 == 1) (a, b) = (b, a);
        bytes memory data = abi.encodeCall(
            _registry.proveEquivocation,
            (a, _sign(a, key, _separator()), b, _sign(b, key, _separator()))
        );
        attempt(_person(how), address(_registry), data, !_convicted[vm.addr(key)], "a fork went free, or was judged twice");
        _convicted[vm.addr(key)] = true;
    }

    function checkAll() external override {
        for (uint256 i = 0; i < 4; ++i) {
            for (uint64 log = 0; log < 2; ++log) {
                (uint64 size, bytes26 root) = _registry.anchorOf(_person(i), log);
                expect(size == _sizes[_person(i)][log], "an anchor shrank or is somebody else's");
                expect(root == bytes26(_roots[_person(i)][log]), "an anchor's root is another");
            }
        }
        (uint128 staked, , , , bool condemned) = _vault.stakeOf(_honest);
        expect(staked == STAKE && !condemned, "an honest signer was slashed");
    }

    /// @dev The honest signer takes its stake along; who forked has none.
    function depart() external override {
        attempt(_honest, address(_vault), abi.encodeCall(_vault.requestUnbond, (STAKE)), true, "leaving");
        vm.warp(block.timestamp + 14 days);
        attempt(_honest, address(_vault), abi.encodeCall(_vault.withdraw, ()), true, "leaving");
        expect(_token.balanceOf(_honest) == STAKE, "an honest signer lost stake");
    }

    /// @dev Another history than the one that `a` is of, by one of the three rules.
    function _fork(PeerRegistry.Head memory a, uint256 how) private pure returns (PeerRegistry.Head memory b) {
        b = PeerRegistry.Head(a.peerKey, a.log, a.size, ~a.root, a.prevSize, a.prevRoot);
        if (how % 3 == 1) (b.size, b.prevSize, b.prevRoot) = (a.size + 1 + uint64(how % 9), a.size, ~a.root);
        if (how % 3 == 2) (b.size, b.prevSize) = (a.size + 1 + uint64(how % 9), a.size - 1);
    }

    function _sign(PeerRegistry.Head memory one, uint256 key, bytes32 separator) private pure returns (bytes memory) {
        bytes32 kind = keccak256("Head(bytes32 peerKey,uint64 log,uint64 size,bytes32 root,uint64 prevSize,bytes32 prevRoot)");
        return signed(key, separator, keccak256(abi.encode(kind, one)));
    }

    function _separator() private view returns (bytes32) {
        return domain("Haggle Registry", block.chainid, address(_registry));
    }

    function _person(uint256 seed) private pure returns (address) {
        return address(uint160(0xACC0 + (seed % 4)));
    }
}

/// @dev Anchors only grow, forks are convicted once, and an honest signer never is.
contract PeerRegistryInvariants is InvariantBase {
    PeerRegistryHandler private immutable _handler = new PeerRegistryHandler();

    function handler() internal view override returns (Handler) {
        return _handler;
    }

    function invariant_registry_keeps_its_promises() external {
        _handler.checkAll();
        kept();
    }
}
