// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ICourtMaker} from "./ICourtMaker.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Stake for staying up: committees of bonded witnesses say who was down.
/// @notice The rules and their proof are in spec/court.md. There is no owner. Amounts are base units of the vault's token.
contract Court is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum State {
        None,
        Opened,
        Drawn,
        Closed
    }

    struct Sla {
        address renter;
        bytes32 renterKey; // key in the mesh: witnesses hand bitmaps to it
        bytes32 providerKey; // key in the mesh: witnesses ask it for heartbeats
        bytes32 terms;
        uint8 rule;
        uint32 slotS;
        uint32 slots;
        uint64 startsAt;
        uint128 pricePerSlot;
        uint8 factor;
        uint128 lock;
        bytes32 renterCommit; // both zero without commit-reveal
        bytes32 providerCommit;
    }

    struct Case {
        address provider;
        uint32 slotS;
        uint32 slots;
        uint8 rule;
        State state;
        address renter;
        uint64 startsAt;
        uint8 factor;
        uint128 pricePerSlot;
        uint32 pinBlock; // seats are eligible as of this block; the hash of pinBlock + drawDelay draws
        uint32 openClaims;
        uint256 committee; // places of 32 bits, the first lowest: seat numbers
    }

    struct Seat {
        address account;
        uint32 enrolledBlock;
        uint32 leftBlock;
        uint32 cases;
    }

    struct Claim {
        bytes32 id;
        uint32 window;
        uint64 mask;
        uint64 refuted;
        uint64 until;
        bool finalized;
    }

    struct SignedBitmap {
        uint8 index;
        uint64 down;
        bytes sig;
    }

    struct SignedReceipt {
        uint8 index;
        bytes sig;
    }

    struct Refutation {
        uint32 slot;
        SignedReceipt[] receipts;
    }

    struct Statement {
        bool bitmap; // else an up-receipt
        uint32 number; // of the window, else of the slot
        uint64 down; // 0 in an up-receipt
        bytes sig;
    }

    error BadParameters();
    error SeatTaken();
    error NoSeat();
    error SeatBusy();
    error BadSla();
    error CaseExists();
    error WrongState();
    error NotParty();
    error TooEarly();
    error TooLate();
    error BadSecrets();
    error PoolTooSmall();
    error BadMask();
    error SlotClaimed();
    error BadBitmaps();
    error BadReceipts();
    error NoContradiction();
    error BadSignature();
    error NothingToSlash();
    error ClaimsOpen();
    error NothingOwed();
    error BadTransfer();

    event Enrolled(uint32 indexed seat, address indexed account, bytes32 peerKey);
    event Left(uint32 indexed seat, address indexed account);
    event Released(uint32 indexed seat, address indexed account);
    event SlaOpened(bytes32 indexed id, address indexed provider, address indexed renter, Sla sla);
    event Pinned(bytes32 indexed id, uint256 drawBlock);
    event WitnessesDrawn(bytes32 indexed id, uint32[] seats);
    event DowntimeClaimed(bytes32 indexed id, uint256 indexed claim, uint32 window, uint64 mask, uint64 until);
    event Refuted(bytes32 indexed id, uint256 indexed claim, uint64 refuted);
    event Finalized(bytes32 indexed id, uint256 indexed claim, uint64 standing, uint128 slashed);
    event WitnessEquivocated(bytes32 indexed id, uint32 indexed seat, address indexed account, uint128 slashed);
    event SlaEnded(bytes32 indexed id, uint32 slots);
    event CaseClosed(bytes32 indexed id);

    uint256 public constant WINDOW_SLOTS = 60;
    uint256 public constant MAX_SLOTS = 44_640;
    uint256 public constant MAX_SLOT_S = 3_600;
    uint256 public constant MAX_FACTOR = 10;
    uint256 public constant MAX_START_DELAY = 1 days;
    uint256 public constant TRIES_PER_PLACE = 16;
    uint256 public constant HASH_MEMORY = 256; // blocks whose hash the chain remembers
    uint256 public constant REPORTER_PART = 10; // who proves an equivocation gets one part in so many

    bytes32 private constant UP_RECEIPT = keccak256("UpReceipt(bytes32 id,uint32 slot)");
    bytes32 private constant BITMAP = keccak256("Bitmap(bytes32 id,uint32 window,uint64 down)");
    bytes32 private constant END_SLA = keccak256("EndSla(bytes32 id,uint32 slots)");
    bytes32 private constant WITNESS_LOCK = keccak256("haggle-witness");

    IStakeVault public immutable vault;
    IERC20 public immutable token;
    uint128 public immutable witnessStake;
    uint64 public immutable claimS;
    uint64 public immutable refuteS;
    uint32 public immutable drawDelay;
    bool public immutable commitReveal;

    Seat[] private _seats;
    uint32[] private _freeSeats;
    mapping(address account => uint256 seatPlusOne) private _seatOf;
    mapping(uint32 seat => bytes32) public peerKeyOf;
    mapping(bytes32 id => Case) private _cases;
    mapping(bytes32 id => bytes32) private _commits;
    mapping(bytes32 id => mapping(uint32 window => uint64)) public claimedSlots;
    Claim[] private _claims;
    mapping(address account => uint256) public owed;

    /// @dev No arguments, so that the creation code is the same for every deployment: who deploys it says the rest.
    constructor() EIP712("Haggle Court", "1") {
        (vault, witnessStake, claimS, refuteS, drawDelay, commitReveal) = ICourtMaker(msg.sender).courtParameters();
        // The block that is pinned, and one that its proposer may still shape, must not draw.
        if (witnessStake == 0 || claimS == 0 || refuteS == 0 || drawDelay < 2 || drawDelay > 1_000) revert BadParameters();
        token = vault.token();
    }

    // Seats

    /// @notice Takes a seat: locks the witness stake of the caller. `peerKey`: its key in the mesh.
    function enroll(bytes32 peerKey) external nonReentrant {
        if (_seatOf[msg.sender] != 0) revert SeatTaken();
        uint32 seat;
        uint256 free = _freeSeats.length;
        if (free > 0) {
            seat = _freeSeats[free - 1];
            _freeSeats.pop();
            _seats[seat] = Seat(msg.sender, uint32(block.number), 0, 0);
        } else {
            seat = uint32(_seats.length);
            _seats.push(Seat(msg.sender, uint32(block.number), 0, 0));
        }
        _seatOf[msg.sender] = uint256(seat) + 1;
        peerKeyOf[seat] = peerKey;
        emit Enrolled(seat, msg.sender, peerKey);
        vault.lock(msg.sender, WITNESS_LOCK, witnessStake);
    }

    /// @notice No case that is pinned from the next block on draws this seat.
    function vacate() external {
        (uint32 number, Seat storage seat) = _ownSeat();
        if (seat.leftBlock != 0) revert TooLate();
        seat.leftBlock = uint32(block.number);
        emit Left(number, msg.sender);
    }

    /// @notice Gives the stake back, once no case has the seat or may still draw it.
    function release() external nonReentrant {
        (uint32 number, Seat storage seat) = _ownSeat();
        if (seat.leftBlock == 0 || block.number <= uint256(seat.leftBlock) + drawDelay + HASH_MEMORY) revert TooEarly();
        if (seat.cases != 0) revert SeatBusy();
        delete _seats[number];
        delete _seatOf[msg.sender];
        _freeSeats.push(number);
        emit Released(number, msg.sender);
        vault.unlock(msg.sender, WITNESS_LOCK);
    }

    function _ownSeat() private view returns (uint32 number, Seat storage seat) {
        uint256 plusOne = _seatOf[msg.sender];
        if (plusOne == 0) revert NoSeat();
        number = uint32(plusOne - 1);
        seat = _seats[number];
    }

    // Cases

    /// @notice Opens a case: the caller is the provider, whose stake is locked.
    function openSla(Sla calldata sla) external nonReentrant returns (bytes32 id) {
        if (
            sla.rule == 0 || sla.rule > 2 || sla.slotS == 0 || sla.slotS > MAX_SLOT_S || sla.slots == 0 || sla.slots > MAX_SLOTS
                || sla.factor == 0 || sla.factor > MAX_FACTOR || sla.pricePerSlot == 0 || sla.lock == 0
                || sla.lock > uint256(sla.factor) * sla.pricePerSlot * sla.slots || sla.renter == address(0) || sla.renter == msg.sender
                || sla.startsAt < block.timestamp || sla.startsAt > block.timestamp + MAX_START_DELAY
                || commitReveal == (sla.renterCommit == 0 || sla.providerCommit == 0)
        ) revert BadSla();
        id = keccak256(abi.encode(block.chainid, address(this), msg.sender, sla.renter, sla.terms));
        Case storage one = _cases[id];
        if (one.state != State.None) revert CaseExists();
        one.provider = msg.sender;
        one.slotS = sla.slotS;
        one.slots = sla.slots;
        one.rule = sla.rule;
        one.state = State.Opened;
        one.renter = sla.renter;
        one.startsAt = sla.startsAt;
        one.factor = sla.factor;
        one.pricePerSlot = sla.pricePerSlot;
        one.pinBlock = uint32(block.number);
        if (commitReveal) _commits[id] = keccak256(abi.encode(sla.providerCommit, sla.renterCommit));
        emit SlaOpened(id, msg.sender, sla.renter, sla);
        vault.lock(msg.sender, id, sla.lock);
    }

    /// @notice Draws the committee, or pins anew when the chain has forgotten the hash. Without commit-reveal the secrets are zero.
    function drawWitnesses(bytes32 id, bytes32 providerSecret, bytes32 renterSecret) external {
        Case storage one = _cases[id];
        if (one.state != State.Opened) revert WrongState();
        uint256 drawBlock = uint256(one.pinBlock) + drawDelay;
        if (block.number <= drawBlock) revert TooEarly();
        if (block.number > drawBlock + HASH_MEMORY) {
            one.pinBlock = uint32(block.number);
            emit Pinned(id, block.number + drawDelay);
            return;
        }
        bytes32 seed;
        if (commitReveal) {
            bytes32 commits =
                keccak256(abi.encode(keccak256(abi.encode(providerSecret)), keccak256(abi.encode(renterSecret))));
            if (commits != _commits[id]) revert BadSecrets();
            seed = keccak256(abi.encode(id, blockhash(drawBlock), providerSecret, renterSecret));
        } else {
            if (providerSecret != 0 || renterSecret != 0) revert BadSecrets();
            seed = keccak256(abi.encode(id, blockhash(drawBlock)));
        }
        (uint256 n,,) = _rule(one.rule);
        one.committee = _draw(one, seed, n);
        one.state = State.Drawn;
        emit WitnessesDrawn(id, _unpack(one.committee, n));
    }

    function _draw(Case storage one, bytes32 seed, uint256 n) private returns (uint256 committee) {
        uint256 count = _seats.length;
        if (count == 0) revert PoolTooSmall();
        uint256 placed = 0;
        for (uint256 k = 0; k < n * TRIES_PER_PLACE; ++k) {
            uint256 number = uint256(keccak256(abi.encode(seed, k))) % count;
            Seat storage seat = _seats[number];
            (address account, uint32 enrolled, uint32 left) = (seat.account, seat.enrolledBlock, seat.leftBlock);
            if (account == address(0) || enrolled >= one.pinBlock || (left != 0 && left < one.pinBlock)) continue;
            if (account == one.provider || account == one.renter) continue;
            bool taken = false;
            for (uint256 i = 0; i < placed; ++i) {
                if (_place(committee, i) == number) taken = true;
            }
            if (taken) continue;
            committee |= number << (32 * placed);
            seat.cases += 1;
            if (++placed == n) return committee;
        }
        revert PoolTooSmall();
    }

    /// @notice Opens a claim: t bitmaps, in the committee's order, that all say "down" of every slot of the mask. Takes the bond.
    function claimDowntime(bytes32 id, uint32 window, uint64 mask, SignedBitmap[] calldata bitmaps)
        external
        nonReentrant
        returns (uint256 claim)
    {
        Case storage one = _cases[id];
        if (one.state != State.Drawn) revert WrongState();
        if (msg.sender != one.renter) revert NotParty();
        uint256 slots = one.slots;
        if (mask == 0 || _topSlot(window, mask) >= slots) revert BadMask();
        uint256 end = (uint256(window) + 1) * WINDOW_SLOTS;
        end = one.startsAt + (end < slots ? end : slots) * one.slotS;
        if (block.timestamp < end) revert TooEarly();
        if (block.timestamp > end + claimS) revert TooLate();
        if (claimedSlots[id][window] & mask != 0) revert SlotClaimed();
        _checkBitmaps(id, one, window, mask, bitmaps);

        claimedSlots[id][window] |= mask;
        one.openClaims += 1;
        claim = _claims.length;
        uint64 until = uint64(block.timestamp) + refuteS;
        _claims.push(Claim(id, window, mask, 0, until, false));
        emit DowntimeClaimed(id, claim, window, mask, until);
        _take(msg.sender, _count(mask) * one.pricePerSlot);
    }

    function _checkBitmaps(bytes32 id, Case storage one, uint32 window, uint64 mask, SignedBitmap[] calldata bitmaps) private view {
        (uint256 n, uint256 t,) = _rule(one.rule);
        if (bitmaps.length != t) revert BadBitmaps();
        uint256 committee = one.committee;
        uint256 next = 0;
        for (uint256 i = 0; i < t; ++i) {
            SignedBitmap calldata bitmap = bitmaps[i];
            if (bitmap.index < next || bitmap.index >= n || bitmap.down & mask != mask) revert BadBitmaps();
            next = uint256(bitmap.index) + 1;
            bytes32 hash = keccak256(abi.encode(BITMAP, id, window, bitmap.down));
            _checkSignature(_seats[_place(committee, bitmap.index)].account, hash, bitmap.sig);
        }
    }

    /// @notice Refutes slots of a claim: for each, the up-receipts of q witnesses in the committee's order.
    function refute(uint256 claim, Refutation[] calldata refutations) external {
        Claim storage one = _claim(claim);
        if (block.timestamp > one.until) revert TooLate();
        Case storage its = _cases[one.id];
        (uint256 n,, uint256 q) = _rule(its.rule);
        uint256 committee = its.committee;
        uint64 refuted = one.refuted;
        for (uint256 i = 0; i < refutations.length; ++i) {
            Refutation calldata each = refutations[i];
            if (each.slot / WINDOW_SLOTS != one.window) revert BadMask();
            uint64 bit = uint64(1) << uint64(each.slot % WINDOW_SLOTS);
            if (one.mask & bit == 0) revert BadMask();
            if (each.receipts.length != q) revert BadReceipts();
            bytes32 hash = keccak256(abi.encode(UP_RECEIPT, one.id, each.slot));
            uint256 next = 0;
            for (uint256 k = 0; k < q; ++k) {
                SignedReceipt calldata receipt = each.receipts[k];
                if (receipt.index < next || receipt.index >= n) revert BadReceipts();
                next = uint256(receipt.index) + 1;
                _checkSignature(_seats[_place(committee, receipt.index)].account, hash, receipt.sig);
            }
            refuted |= bit;
        }
        one.refuted = refuted;
        emit Refuted(one.id, claim, refuted);
    }

    /// @notice Ends a claim: slashes for the slots that stand, and settles the bond. At once when none stands.
    function finalize(uint256 claim) external nonReentrant {
        Claim storage one = _claim(claim);
        uint64 standing = one.mask & ~one.refuted;
        if (standing != 0 && block.timestamp <= one.until) revert TooEarly();
        one.finalized = true;
        Case storage its = _cases[one.id];
        its.openClaims -= 1;
        uint256 price = its.pricePerSlot;
        uint256 missed = _count(standing) * price;
        owed[its.renter] += missed;
        owed[its.provider] += _count(one.refuted) * price;
        uint128 slashed = 0;
        if (missed != 0) {
            slashed = vault.slash(its.provider, one.id, _clamp(missed * its.factor), its.renter, _clamp(missed));
        }
        emit Finalized(one.id, claim, standing, slashed);
    }

    /// @notice Shows that a witness contradicts itself: its whole stake is slashed, a part goes to the caller.
    function proveWitnessEquivocation(bytes32 id, uint8 index, Statement calldata a, Statement calldata b) external nonReentrant {
        Case storage one = _cases[id];
        if (one.state != State.Drawn) revert WrongState();
        (uint256 n,,) = _rule(one.rule);
        if (index >= n || !_contradict(a, b)) revert NoContradiction();
        uint32 number = uint32(_place(one.committee, index));
        Seat storage seat = _seats[number];
        address account = seat.account;
        _checkSignature(account, _statementHash(id, a), a.sig);
        _checkSignature(account, _statementHash(id, b), b.sig);
        uint128 stake = vault.lockOf(account, WITNESS_LOCK);
        if (stake == 0) revert NothingToSlash();
        if (seat.leftBlock == 0) seat.leftBlock = uint32(block.number);
        uint128 slashed = vault.slash(account, WITNESS_LOCK, stake, msg.sender, uint128(stake / REPORTER_PART));
        emit WitnessEquivocated(id, number, account, slashed);
    }

    function _contradict(Statement calldata a, Statement calldata b) private pure returns (bool) {
        if (a.bitmap && b.bitmap) return a.number == b.number && a.down != b.down;
        if (!a.bitmap && !b.bitmap) return false;
        (Statement calldata map, Statement calldata receipt) = a.bitmap ? (a, b) : (b, a);
        return receipt.number / WINDOW_SLOTS == map.number && (map.down >> (receipt.number % WINDOW_SLOTS)) & 1 == 1;
    }

    function _statementHash(bytes32 id, Statement calldata one) private pure returns (bytes32) {
        return one.bitmap
            ? keccak256(abi.encode(BITMAP, id, one.number, one.down))
            : keccak256(abi.encode(UP_RECEIPT, id, one.number));
    }

    /// @notice Shortens a case to its first `slots` slots, as its renter signed.
    function endSla(bytes32 id, uint32 slots, bytes calldata renterSig) external {
        Case storage one = _cases[id];
        if (one.state != State.Opened && one.state != State.Drawn) revert WrongState();
        if (msg.sender != one.provider) revert NotParty();
        if (slots >= one.slots) revert BadSla();
        if (one.openClaims != 0) revert ClaimsOpen();
        _checkSignature(one.renter, keccak256(abi.encode(END_SLA, id, slots)), renterSig);
        one.slots = slots;
        emit SlaEnded(id, slots);
    }

    /// @notice Frees what is left of the lock: when everything could be claimed for, or nobody was drawn.
    function close(bytes32 id) external nonReentrant {
        Case storage one = _cases[id];
        State state = one.state;
        if (state != State.Opened && state != State.Drawn) revert WrongState();
        if (one.openClaims != 0) revert ClaimsOpen();
        bool over = block.timestamp > uint256(one.startsAt) + uint256(one.slots) * one.slotS + claimS;
        bool undrawn = state == State.Opened && block.number > uint256(one.pinBlock) + drawDelay + HASH_MEMORY;
        if (!over && !undrawn) revert TooEarly();
        one.state = State.Closed;
        if (state == State.Drawn) {
            (uint256 n,,) = _rule(one.rule);
            for (uint256 i = 0; i < n; ++i) {
                _seats[_place(one.committee, i)].cases -= 1;
            }
        }
        emit CaseClosed(id);
        vault.unlock(one.provider, id);
    }

    /// @notice Pays the caller the bonds that it is owed.
    /// @param to where to; another address than the caller's when the token refuses that
    function collect(address to) external nonReentrant returns (uint256 amount) {
        amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed();
        owed[msg.sender] = 0;
        token.safeTransfer(to, amount);
    }

    // Views

    function caseOf(bytes32 id) external view returns (Case memory) {
        return _cases[id];
    }

    /// @notice Seats of a committee, their accounts and keys; empty before the draw.
    function committeeOf(bytes32 id) external view returns (uint32[] memory seats, address[] memory accounts, bytes32[] memory peerKeys) {
        Case storage one = _cases[id];
        if (one.state != State.Drawn && one.state != State.Closed) return (seats, accounts, peerKeys);
        (uint256 n,,) = _rule(one.rule);
        if (one.committee == 0 && n > 1) return (seats, accounts, peerKeys);
        seats = _unpack(one.committee, n);
        accounts = new address[](n);
        peerKeys = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            accounts[i] = _seats[seats[i]].account;
            peerKeys[i] = peerKeyOf[seats[i]];
        }
    }

    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    function claimOf(uint256 claim) external view returns (Claim memory) {
        return _claims[claim];
    }

    function seatCount() external view returns (uint256) {
        return _seats.length;
    }

    function seatAt(uint32 number) external view returns (Seat memory) {
        return _seats[number];
    }

    /// @notice The seat of an account plus one; 0 when it has none.
    function seatPlusOneOf(address account) external view returns (uint256) {
        return _seatOf[account];
    }

    /// @notice The EIP-712 domain separator.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // Parts

    function _rule(uint8 rule) private pure returns (uint256 n, uint256 t, uint256 q) {
        return rule == 1 ? (uint256(7), uint256(5), uint256(3)) : (uint256(4), uint256(3), uint256(2));
    }

    function _claim(uint256 claim) private view returns (Claim storage one) {
        if (claim >= _claims.length) revert WrongState();
        one = _claims[claim];
        if (one.finalized) revert WrongState();
    }

    function _checkSignature(address signer, bytes32 structHash, bytes calldata sig) private view {
        (address recovered, ECDSA.RecoverError failed,) = ECDSA.tryRecover(_hashTypedDataV4(structHash), sig);
        if (failed != ECDSA.RecoverError.NoError || recovered != signer) revert BadSignature();
    }

    function _take(address from, uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        if (token.balanceOf(address(this)) != before + amount) revert BadTransfer();
    }

    function _place(uint256 committee, uint256 index) private pure returns (uint256) {
        return (committee >> (32 * index)) & 0xffffffff;
    }

    function _unpack(uint256 committee, uint256 n) private pure returns (uint32[] memory seats) {
        seats = new uint32[](n);
        for (uint256 i = 0; i < n; ++i) {
            seats[i] = uint32(_place(committee, i));
        }
    }

    /// @notice The slot of the highest bit of a mask; beyond every case when the bit is none of the window's.
    function _topSlot(uint256 window, uint64 mask) private pure returns (uint256 slot) {
        if (mask >> WINDOW_SLOTS != 0) return type(uint256).max;
        uint256 top = 0;
        while (mask > 1) {
            mask >>= 1;
            ++top;
        }
        return window * WINDOW_SLOTS + top;
    }

    function _count(uint64 mask) private pure returns (uint256 count) {
        while (mask != 0) {
            mask &= mask - 1;
            ++count;
        }
    }

    function _clamp(uint256 amount) private pure returns (uint128) {
        return amount > type(uint128).max ? type(uint128).max : uint128(amount);
    }
}
