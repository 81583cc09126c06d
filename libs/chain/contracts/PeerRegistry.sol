// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Which address signs for which peer, and how far each of its logs has got.
/// @notice A peer's Ed25519 key can't be checked here. `bind` is the address's half of a bond; the peer's half is an envelope that names the address,
/// which is emitted and checked by whoever reads it. Nothing here has an owner, and no name can be taken from somebody: all is keyed by the caller.
contract PeerRegistry is EIP712 {
    /// @param peerKey the peer's 32-byte Ed25519 key
    /// @param log which of its logs
    /// @param size entries in the log
    /// @param root RFC 9162 root over them, SHA-256
    /// @param prevSize size of the head of this log that was signed before; 0 for the first
    /// @param prevRoot root of that head
    struct Head {
        bytes32 peerKey;
        uint64 log;
        uint64 size;
        bytes32 root;
        uint64 prevSize;
        bytes32 prevRoot;
    }

    /// @notice EIP-712 type of a head that the chain can judge.
    bytes32 public constant HEAD_TYPEHASH =
        keccak256("Head(bytes32 peerKey,uint64 log,uint64 size,bytes32 root,uint64 prevSize,bytes32 prevRoot)");
    /// @notice Entries that an anchored log may have: size and root share one word.
    uint64 public constant MAX_SIZE = (1 << 48) - 1;
    /// @dev Bits of a root that are kept beside the size.
    uint256 private constant ROOT_BITS = 208;

    IStakeVault public immutable vault;

    /// @notice True when `signer` was shown to have signed two histories.
    mapping(address signer => bool) public convicted;

    mapping(address signer => mapping(bytes32 peerKey => uint64)) private _boundAt;
    mapping(address signer => mapping(uint64 log => uint256)) private _anchors;

    event Bound(address indexed signer, bytes32 indexed peerKey, bytes peerProof);
    event Revoked(address indexed signer, bytes32 indexed peerKey);
    event Anchored(address indexed signer, uint64 indexed log, uint64 size, bytes32 root);
    event Equivocation(address indexed signer, bytes32 indexed peerKey, uint64 log, uint64 sizeA, uint64 sizeB, address reporter);

    error PeerKeyZero();
    error NotBound();
    error SizeNotGrown(uint64 size, uint64 anchored);
    error SizeTooLarge(uint64 size);
    error DifferentSigners();
    error DifferentLogs();
    error NoContradiction();
    error AlreadyConvicted();

    constructor(IStakeVault vault_) EIP712("Haggle Registry", "1") {
        vault = vault_;
    }

    /// @notice Says that the caller signs for `peerKey`. Counts for readers when `peerProof` says the same the other way round.
    /// @param peerKey 32-byte Ed25519 key of the peer
    /// @param peerProof envelope, signed by the peer's key, that names this chain, this contract and the caller
    function bind(bytes32 peerKey, bytes calldata peerProof) external {
        if (peerKey == 0) revert PeerKeyZero();
        _boundAt[msg.sender][peerKey] = uint64(block.timestamp);
        emit Bound(msg.sender, peerKey, peerProof);
    }

    /// @notice Ends the caller's half of a bond.
    function revoke(bytes32 peerKey) external {
        if (_boundAt[msg.sender][peerKey] == 0) revert NotBound();
        _boundAt[msg.sender][peerKey] = 0;
        emit Revoked(msg.sender, peerKey);
    }

    /// @notice Records how far a log of the caller's has got. Costs one storage word for each log, however often.
    /// @param log which of the caller's logs
    /// @param size entries; more than at the last anchor, at most 2^48 − 1
    /// @param root root over them
    function anchor(uint64 log, uint64 size, bytes32 root) external {
        if (size > MAX_SIZE) revert SizeTooLarge(size);
        uint64 anchored = uint64(_anchors[msg.sender][log] >> ROOT_BITS);
        if (size <= anchored) revert SizeNotGrown(size, anchored);
        _anchors[msg.sender][log] = (uint256(size) << ROOT_BITS) | (uint256(root) >> (256 - ROOT_BITS));
        emit Anchored(msg.sender, log, size, root);
    }

    /// @notice Condemns the stake of an address that signed two heads which no one history can have. Anyone may show them, once for each signer.
    /// @param a one head
    /// @param sigA its 65-byte EIP-712 signature
    /// @param b another of the same peer and log, in either order
    /// @param sigB its signature, by the same address
    function proveEquivocation(Head calldata a, bytes calldata sigA, Head calldata b, bytes calldata sigB) external {
        address signer = ECDSA.recoverCalldata(headDigest(a), sigA);
        if (signer != ECDSA.recoverCalldata(headDigest(b), sigB)) revert DifferentSigners();
        if (a.peerKey != b.peerKey || a.log != b.log) revert DifferentLogs();
        if (!(a.size <= b.size ? _contradict(a, b) : _contradict(b, a))) revert NoContradiction();
        if (convicted[signer]) revert AlreadyConvicted();
        convicted[signer] = true;
        emit Equivocation(signer, a.peerKey, a.log, a.size, b.size, msg.sender);
        vault.condemn(signer, msg.sender);
    }

    /// @notice Unix seconds at which `signer` bound itself to `peerKey`; 0 when it has not, or has revoked it.
    function boundAt(address signer, bytes32 peerKey) external view returns (uint64) {
        return _boundAt[signer][peerKey];
    }

    /// @notice The newest anchor of a log. Of the root the first 26 bytes are kept; the event has all of it.
    function anchorOf(address signer, uint64 log) external view returns (uint64 size, bytes26 root) {
        uint256 word = _anchors[signer][log];
        return (uint64(word >> ROOT_BITS), bytes26(bytes32(word << (256 - ROOT_BITS))));
    }

    /// @notice RFC 9162, 2.1.3.2: true when the entry is in the log that `signer` anchored at exactly this size.
    /// @param signer who anchored
    /// @param log which log
    /// @param size the newest anchored size
    /// @param index of the entry, from 0
    /// @param leafHash sha256(0x00 ‖ entry)
    /// @param path inclusion proof, from the leaf up
    function verifyInclusion(
        address signer,
        uint64 log,
        uint64 size,
        uint64 index,
        bytes32 leafHash,
        bytes32[] calldata path
    ) external view returns (bool) {
        uint256 word = _anchors[signer][log];
        if (word >> ROOT_BITS != size || index >= size) return false;
        uint64 fn = index;
        uint64 sn = size - 1;
        bytes32 hash = leafHash;
        for (uint256 i = 0; i < path.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                hash = _node(path[i], hash);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                hash = _node(hash, path[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && uint256(hash) >> (256 - ROOT_BITS) == word & ((1 << ROOT_BITS) - 1);
    }

    /// @notice What is signed for a head.
    function headDigest(Head calldata head) public view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(abi.encode(HEAD_TYPEHASH, head.peerKey, head.log, head.size, head.root, head.prevSize, head.prevRoot))
            );
    }

    /// @dev Heads of one log form one chain by `prevSize` and `prevRoot`, and a size is signed once. `older.size <= newer.size`.
    function _contradict(Head calldata older, Head calldata newer) private pure returns (bool) {
        if (older.size == newer.size) return older.root != newer.root;
        if (newer.prevSize == older.size) return newer.prevRoot != older.root;
        return newer.prevSize < older.size;
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
