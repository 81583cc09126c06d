// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Unidirectional payment channels: one per payer, payee and token, reused over many jobs.
/// @notice The payer deposits; its session key signs vouchers over a cumulative amount; the payee claims what is due when it likes. Nobody can
/// take more than the deposit, nor more than was signed. There is no owner, no pause and no upgrade. Amounts are base units of the token.
/// @dev A token can only harm channels of its own: all accounting is per token, what arrives is what counts, and every function that calls a token
/// is under one lock. A token whose balances shrink by themselves is such a harm.
contract Channels is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev `None` until opened. A closed channel keeps its record, so that its id can never be opened again.
    enum Status {
        None,
        Open,
        Closed
    }

    /// @param payee who may claim
    /// @param closesAt unix seconds from which `withdraw` works; 0 while nobody asked to close
    /// @param deposit all that was ever paid in
    /// @param claimed cumulative amount that the payee has claimed, the burned share included
    /// @param signer session key whose vouchers count
    /// @param epoch how many channels of the same payer, payee and token were closed before
    /// @param cancelled the last `closesAt` that was cancelled, so that its signatures fit nothing later
    struct Channel {
        address payee;
        uint64 closesAt;
        Status status;
        uint128 deposit;
        uint128 claimed;
        address signer;
        uint64 epoch;
        IERC20 token;
        uint64 cancelled;
        address payer;
    }

    /// @param id the channel
    /// @param amount cumulative amount that the payee wants to have claimed; at most `cumulative`
    /// @param cumulative what the voucher says
    /// @param receiptRoot root over the receipts that the claim is for; recorded, not judged
    /// @param sig the channel signer's 65-byte signature over `Voucher(channel, cumulative)`
    struct Claim {
        bytes32 id;
        uint128 amount;
        uint128 cumulative;
        bytes32 receiptRoot;
        bytes sig;
    }

    /// @notice EIP-712 type of what a payer's session key signs.
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channel,uint128 cumulative)");
    /// @notice EIP-712 type by which both sides close at once.
    bytes32 public constant COOP_CLOSE_TYPEHASH = keccak256("CoopClose(bytes32 channel,uint128 amount)");
    /// @notice EIP-712 type by which both sides take back a request to close.
    bytes32 public constant CANCEL_CLOSE_TYPEHASH = keccak256("CancelClose(bytes32 channel,uint64 closesAt)");
    /// @notice Share of what is claimed that is burned, in thousandths, rounded down: what wash trading costs.
    uint256 public constant BURN_PER_MILLE = 5;
    /// @notice Where burned tokens go: ERC-20 knows no burning, and nobody has the key of this address.
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    /// @notice Claims in one `claimMany`.
    uint256 public constant MAX_CLAIMS = 25;

    /// @notice Seconds between a payer's request to close and its money: the payee's time to claim.
    uint64 public immutable closeDelay;

    /// @notice What an account may `collect` because paying it failed, by token.
    mapping(address token => mapping(address account => uint256)) public credits;

    mapping(bytes32 id => Channel) private _channels;
    mapping(bytes32 pair => uint64) private _epochs;

    event Opened(
        bytes32 indexed id,
        address indexed payer,
        address indexed payee,
        address token,
        address signer,
        uint128 deposit,
        uint64 epoch
    );
    event ToppedUp(bytes32 indexed id, uint128 deposit);
    event Claimed(bytes32 indexed id, uint128 claimed, bytes32 receiptRoot);
    event ClaimSkipped(bytes32 indexed id);
    event CloseRequested(bytes32 indexed id, uint64 closesAt);
    event CloseCancelled(bytes32 indexed id);
    event Closed(bytes32 indexed id, uint128 claimed, uint128 returned, uint128 burned);
    event Credited(address indexed token, address indexed account, uint256 amount);

    error DelayZero();
    error PartyInvalid();
    error NothingArrived();
    error ChannelExists(bytes32 id);
    error ChannelNotOpen(bytes32 id);
    error ChannelClosing(bytes32 id);
    error NotPayer();
    error NotPayee();
    error NotAParty();
    error NothingToClaim(uint128 claimed);
    error AmountAboveVoucher(uint128 amount, uint128 cumulative);
    error AmountAboveDeposit(uint128 amount, uint128 deposit);
    error AmountBelowClaimed(uint128 amount, uint128 claimed);
    error SignatureInvalid();
    error ClaimCount(uint256 count);
    error NotClosing(bytes32 id);
    error ClosesLater(uint64 closesAt);
    error CancelledJustNow();
    error NothingToCollect();

    /// @param closeDelay_ seconds that a payee has to claim after the payer asked to close
    constructor(uint64 closeDelay_) EIP712("Haggle Channels", "1") {
        if (closeDelay_ == 0) revert DelayZero();
        closeDelay = closeDelay_;
    }

    /// @notice Opens the caller's channel to `payee` with what arrives of `deposit`, which the caller has approved before.
    /// @param payee who will claim; not the caller
    /// @param token an ERC-20
    /// @param deposit base units to take from the caller
    /// @param signer key whose vouchers count; may be the caller's
    /// @return id keccak256(abi.encode(chain id, this contract, payer, payee, token, epoch))
    function open(address payee, address token, uint128 deposit, address signer) external nonReentrant returns (bytes32 id) {
        if (payee == address(0) || payee == msg.sender || signer == address(0)) revert PartyInvalid();
        uint64 epoch = _epochs[_pair(msg.sender, payee, token)];
        id = channelId(msg.sender, payee, token, epoch);
        Channel storage channel = _channels[id];
        if (channel.status != Status.None) revert ChannelExists(id);
        channel.payee = payee;
        channel.status = Status.Open;
        channel.signer = signer;
        channel.epoch = epoch;
        channel.token = IERC20(token);
        channel.payer = msg.sender;
        uint128 arrived = _take(IERC20(token), deposit);
        channel.deposit = arrived;
        emit Opened(id, msg.sender, payee, token, signer, arrived, epoch);
    }

    /// @notice Adds to a channel that nobody asked to close.
    /// @param id a channel of the caller's
    /// @param amount base units to take from the caller
    function topUp(bytes32 id, uint128 amount) external nonReentrant {
        Channel storage channel = _open(id);
        if (msg.sender != channel.payer) revert NotPayer();
        if (channel.closesAt != 0) revert ChannelClosing(id);
        uint256 deposit = uint256(channel.deposit) + _take(channel.token, amount);
        channel.deposit = SafeCast.toUint128(deposit);
        emit ToppedUp(id, channel.deposit);
    }

    /// @notice Pays the payee what it claims above what it claimed before, less the burned share.
    /// @param id a channel to the caller
    /// @param amount cumulative amount to have claimed: at most `cumulative`, so that a payee takes what receipts say and not the tick paid ahead
    /// @param cumulative what the voucher says
    /// @param receiptRoot root over the receipts that the claim is for; recorded, not judged
    /// @param sig the channel signer's 65-byte signature
    function claim(bytes32 id, uint128 amount, uint128 cumulative, bytes32 receiptRoot, bytes calldata sig) external nonReentrant {
        Channel storage channel = _open(id);
        uint256 due = _claim(channel, id, amount, cumulative, receiptRoot, sig);
        channel.token.safeTransfer(msg.sender, due);
    }

    /// @notice Up to 25 claims, paid in one transfer for each run of equal tokens. A channel that is closed already is passed over, because its payer can
    /// bring that about at any moment; anything else that is wrong stops all.
    /// @param claims claims of channels to the caller
    function claimMany(Claim[] calldata claims) external nonReentrant {
        if (claims.length == 0 || claims.length > MAX_CLAIMS) revert ClaimCount(claims.length);
        IERC20 token;
        uint256 due;
        for (uint256 i = 0; i < claims.length; ++i) {
            Claim calldata one = claims[i];
            Channel storage channel = _channels[one.id];
            if (channel.status == Status.Closed) {
                emit ClaimSkipped(one.id);
                continue;
            }
            if (channel.status != Status.Open) revert ChannelNotOpen(one.id);
            IERC20 next = channel.token;
            if (address(next) != address(token)) {
                if (due > 0) token.safeTransfer(msg.sender, due);
                token = next;
                due = 0;
            }
            due += _claim(channel, one.id, one.amount, one.cumulative, one.receiptRoot, one.sig);
        }
        if (due > 0) token.safeTransfer(msg.sender, due);
    }

    /// @notice The payer asks to close: it gets the rest after `closeDelay`. The payee closes at once.
    /// @param id a channel that the caller is a side of
    function requestClose(bytes32 id) external nonReentrant {
        Channel storage channel = _open(id);
        if (msg.sender == channel.payee) {
            _close(channel, id);
            return;
        }
        if (msg.sender != channel.payer) revert NotAParty();
        if (channel.closesAt != 0) revert ChannelClosing(id);
        uint64 closesAt = uint64(block.timestamp) + closeDelay;
        if (closesAt == channel.cancelled) revert CancelledJustNow();
        channel.closesAt = closesAt;
        emit CloseRequested(id, closesAt);
    }

    /// @notice Takes back a request to close, when both sides sign `CancelClose(channel, closesAt)`.
    /// @param id the channel
    /// @param payerSig by the payer (ERC-1271 works) or the channel's signer
    /// @param payeeSig by the payee (ERC-1271 works)
    function cancelClose(bytes32 id, bytes calldata payerSig, bytes calldata payeeSig) external nonReentrant {
        Channel storage channel = _open(id);
        uint64 closesAt = channel.closesAt;
        if (closesAt == 0) revert NotClosing(id);
        _checkBoth(channel, keccak256(abi.encode(CANCEL_CLOSE_TYPEHASH, id, closesAt)), payerSig, payeeSig);
        channel.closesAt = 0;
        channel.cancelled = closesAt;
        emit CloseCancelled(id);
    }

    /// @notice Closes for good once the delay is over; the payer gets what was not claimed. Anyone may call it.
    /// @param id a channel whose payer asked to close
    function withdraw(bytes32 id) external nonReentrant {
        Channel storage channel = _open(id);
        uint64 closesAt = channel.closesAt;
        if (closesAt == 0) revert NotClosing(id);
        if (block.timestamp < closesAt) revert ClosesLater(closesAt);
        _close(channel, id);
    }

    /// @notice Closes at once, when both sides sign `CoopClose(channel, amount)`: the payee has `amount` in all, the payer the rest.
    /// @param id the channel
    /// @param amount cumulative; not below what is claimed
    /// @param payerSig by the payer (ERC-1271 works) or the channel's signer
    /// @param payeeSig by the payee (ERC-1271 works)
    function coopClose(bytes32 id, uint128 amount, bytes calldata payerSig, bytes calldata payeeSig) external nonReentrant {
        Channel storage channel = _open(id);
        uint128 claimed = channel.claimed;
        if (amount > channel.deposit) revert AmountAboveDeposit(amount, channel.deposit);
        if (amount < claimed) revert AmountBelowClaimed(amount, claimed);
        _checkBoth(channel, keccak256(abi.encode(COOP_CLOSE_TYPEHASH, id, amount)), payerSig, payeeSig);
        channel.claimed = amount;
        _close(channel, id);
        _payOrCredit(channel.token, channel.payee, _net(amount) - _net(claimed));
    }

    /// @notice Pays the caller what could not be paid to it before.
    /// @param token an ERC-20
    /// @param to where to; another address than the caller's when the token refuses that
    function collect(address token, address to) external nonReentrant {
        uint256 amount = credits[token][msg.sender];
        if (amount == 0) revert NothingToCollect();
        credits[token][msg.sender] = 0;
        IERC20(token).safeTransfer(to, amount);
    }

    /// @notice All that is recorded of a channel; `status` 0 when there is none of that id.
    function channelOf(bytes32 id) external view returns (Channel memory) {
        return _channels[id];
    }

    /// @notice Id of the channel that is open between these, or would be opened next.
    function currentId(address payer, address payee, address token) external view returns (bytes32) {
        return channelId(payer, payee, token, _epochs[_pair(payer, payee, token)]);
    }

    /// @notice Id of one channel. Chain and contract are part of it.
    function channelId(address payer, address payee, address token, uint64 epoch) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), payer, payee, token, epoch));
    }

    /// @dev Everything of a claim but the payment, which is its result. A voucher's signer must be a plain key: a contract could take back its word.
    function _claim(
        Channel storage channel,
        bytes32 id,
        uint128 amount,
        uint128 cumulative,
        bytes32 receiptRoot,
        bytes calldata sig
    ) private returns (uint256 due) {
        if (msg.sender != channel.payee) revert NotPayee();
        uint128 claimed = channel.claimed;
        if (amount <= claimed) revert NothingToClaim(claimed);
        if (amount > cumulative) revert AmountAboveVoucher(amount, cumulative);
        if (amount > channel.deposit) revert AmountAboveDeposit(amount, channel.deposit);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, id, cumulative)));
        if (ECDSA.recoverCalldata(digest, sig) != channel.signer) revert SignatureInvalid();
        channel.claimed = amount;
        emit Claimed(id, amount, receiptRoot);
        return _net(amount) - _net(claimed);
    }

    /// @dev The id is spent and the rest goes to the payer; the burned share of all claims leaves here, in one transfer.
    function _close(Channel storage channel, bytes32 id) private {
        channel.status = Status.Closed;
        channel.closesAt = 0;
        address payer = channel.payer;
        IERC20 token = channel.token;
        unchecked {
            // One more for each closed channel: 2^64 transactions do not happen.
            _epochs[_pair(payer, channel.payee, address(token))] = channel.epoch + 1;
        }
        uint128 claimed = channel.claimed;
        uint128 returned = channel.deposit - claimed;
        uint256 burned = claimed - _net(claimed);
        emit Closed(id, claimed, returned, uint128(burned));
        _payOrCredit(token, payer, returned);
        _payOrCredit(token, BURN_ADDRESS, burned);
    }

    /// @dev Takes tokens from the caller; what arrives is what counts, whatever the token says.
    function _take(IERC20 token, uint128 amount) private returns (uint128) {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = token.balanceOf(address(this)) - before;
        if (arrived == 0) revert NothingArrived();
        return SafeCast.toUint128(arrived);
    }

    /// @dev Pays somebody who is not the caller: a token that refuses them must not keep the caller from its own.
    function _payOrCredit(IERC20 token, address to, uint256 amount) private {
        if (amount == 0 || token.trySafeTransfer(to, amount)) return;
        credits[address(token)][to] += amount;
        emit Credited(address(token), to, amount);
    }

    function _checkBoth(Channel storage channel, bytes32 structHash, bytes calldata payerSig, bytes calldata payeeSig) private view {
        bytes32 digest = _hashTypedDataV4(structHash);
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, payerSig);
        if (recovered != channel.signer && !SignatureChecker.isValidSignatureNowCalldata(channel.payer, digest, payerSig))
            revert SignatureInvalid();
        if (!SignatureChecker.isValidSignatureNowCalldata(channel.payee, digest, payeeSig)) revert SignatureInvalid();
    }

    function _open(bytes32 id) private view returns (Channel storage channel) {
        channel = _channels[id];
        if (channel.status != Status.Open) revert ChannelNotOpen(id);
    }

    /// @dev What a payee has of a cumulative amount. Of the total and not of each claim, so that many small claims burn as much as one.
    function _net(uint128 amount) private pure returns (uint256) {
        return amount - (uint256(amount) * BURN_PER_MILLE) / 1000;
    }

    function _pair(address payer, address payee, address token) private pure returns (bytes32) {
        return keccak256(abi.encode(payer, payee, token));
    }
}
