// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Stake that answers for an account: locked for contracts, slashed by the court and the registry, free to leave after a delay.
/// @notice Of each account: locked + unbonding ≤ staked. Nothing leaves while it is locked, nor before the delay is over, and what is on its way out can
/// still be taken. There is no owner. Amounts are base units of the one token.
contract StakeVault is IStakeVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @param staked all that is held of the account, locked and unbonding included
    struct Account {
        uint128 staked;
        uint128 locked;
        uint128 unbonding;
        uint64 unbondsAt;
        bool condemned;
    }

    /// @notice Where burned tokens go: ERC-20 knows no burning, and nobody has the key of this address.
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    /// @notice Of what a condemned account loses, one part in so many is the reporter's: enough for its gas, too little to be worth reporting oneself.
    uint128 public constant REPORTER_PART = 10;

    /// @inheritdoc IStakeVault
    IERC20 public immutable override token;
    address public immutable court;
    address public immutable registry;
    /// @notice Seconds from asking for stake back to getting it. Longer than a claim and its dispute may take.
    uint64 public immutable unbondDelay;

    /// @notice What an account may `collect`: compensation and rewards. Pulled, so that nobody who can't be paid stands in the way of a slash.
    mapping(address account => uint256) public credits;
    /// @notice Taken and not yet sent to the burn address; `burn` sends it.
    uint256 public toBurn;

    mapping(address account => Account) private _accounts;
    mapping(address account => mapping(bytes32 id => uint128)) private _locks;

    event Staked(address indexed account, uint128 amount);
    event UnbondRequested(address indexed account, uint128 unbonding, uint64 unbondsAt);
    event Withdrawn(address indexed account, uint128 amount);
    event Locked(address indexed account, bytes32 indexed id, uint128 amount);
    event Unlocked(address indexed account, bytes32 indexed id, uint128 amount);
    event Slashed(address indexed account, address indexed victim, uint128 amount, uint128 toVictim);
    event Condemned(address indexed account, address indexed reporter);
    event Collected(address indexed account, address to, uint256 amount);
    event Burned(uint256 amount);

    error DelayZero();
    error NotCourt();
    error NotRegistry();
    error AmountZero();
    error NothingArrived();
    error AccountCondemned();
    error AboveFree(uint128 amount, uint128 free);
    error UnbondsLater(uint64 unbondsAt);
    error NothingToWithdraw();
    error NothingToCollect();
    error NothingToBurn();

    modifier onlyCourt() {
        if (msg.sender != court) revert NotCourt();
        _;
    }

    /// @param token_ the ERC-20 of stakes
    /// @param court_ who may lock, unlock and slash
    /// @param registry_ who may condemn
    /// @param unbondDelay_ seconds
    constructor(IERC20 token_, address court_, address registry_, uint64 unbondDelay_) {
        if (unbondDelay_ == 0) revert DelayZero();
        token = token_;
        court = court_;
        registry = registry_;
        unbondDelay = unbondDelay_;
    }

    /// @notice Adds what arrives of `amount` to the caller's stake. The caller is its session signer, so that heads it signs can be held against it.
    function stake(uint128 amount) external nonReentrant {
        Account storage account = _accounts[msg.sender];
        if (account.condemned) revert AccountCondemned();
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = token.balanceOf(address(this)) - before;
        if (arrived == 0) revert NothingArrived();
        account.staked = SafeCast.toUint128(account.staked + arrived);
        emit Staked(msg.sender, uint128(arrived));
    }

    /// @notice Begins to take `amount` of free stake out. The delay counts anew for all that is unbonding.
    function requestUnbond(uint128 amount) external {
        if (amount == 0) revert AmountZero();
        Account storage account = _accounts[msg.sender];
        _checkFree(account, amount);
        account.unbonding += amount;
        account.unbondsAt = uint64(block.timestamp) + unbondDelay;
        emit UnbondRequested(msg.sender, account.unbonding, account.unbondsAt);
    }

    /// @notice Pays the caller what has unbonded.
    function withdraw() external nonReentrant {
        Account storage account = _accounts[msg.sender];
        uint128 amount = account.unbonding;
        if (amount == 0) revert NothingToWithdraw();
        if (block.timestamp < account.unbondsAt) revert UnbondsLater(account.unbondsAt);
        account.unbonding = 0;
        account.staked -= amount;
        emit Withdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Pays the caller its compensation and rewards.
    /// @param to where to; another address than the caller's when the token refuses that
    function collect(address to) external nonReentrant {
        uint256 amount = credits[msg.sender];
        if (amount == 0) revert NothingToCollect();
        credits[msg.sender] = 0;
        emit Collected(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    /// @notice Sends what was taken to the burn address. Anyone may.
    function burn() external nonReentrant {
        uint256 amount = toBurn;
        if (amount == 0) revert NothingToBurn();
        toBurn = 0;
        emit Burned(amount);
        token.safeTransfer(BURN_ADDRESS, amount);
    }

    /// @inheritdoc IStakeVault
    function lock(address account, bytes32 id, uint128 amount) external onlyCourt {
        if (amount == 0) revert AmountZero();
        Account storage holder = _accounts[account];
        _checkFree(holder, amount);
        holder.locked += amount;
        _locks[account][id] += amount;
        emit Locked(account, id, amount);
    }

    /// @inheritdoc IStakeVault
    function unlock(address account, bytes32 id) external onlyCourt {
        uint128 amount = _locks[account][id];
        if (amount == 0) return;
        Account storage holder = _accounts[account];
        _locks[account][id] = 0;
        holder.locked -= amount;
        emit Unlocked(account, id, amount);
        if (holder.condemned) {
            holder.staked -= amount;
            _share(account, address(0), amount, 0);
        }
    }

    /// @inheritdoc IStakeVault
    function slash(
        address account,
        bytes32 id,
        uint128 amount,
        address victim,
        uint128 toVictim
    ) external onlyCourt returns (uint128 taken) {
        taken = _least(amount, _locks[account][id]);
        Account storage holder = _accounts[account];
        _locks[account][id] -= taken;
        holder.locked -= taken;
        holder.staked -= taken;
        _share(account, victim, taken, _least(toVictim, taken));
    }

    /// @inheritdoc IStakeVault
    function condemn(address account, address reporter) external {
        if (msg.sender != registry) revert NotRegistry();
        Account storage holder = _accounts[account];
        uint128 taken = holder.staked - holder.locked;
        holder.condemned = true;
        holder.staked = holder.locked;
        holder.unbonding = 0;
        emit Condemned(account, reporter);
        _share(account, reporter, taken, taken / REPORTER_PART);
    }

    /// @inheritdoc IStakeVault
    function stakeOf(address account) external view returns (uint128, uint128, uint128, uint64, bool) {
        Account storage held = _accounts[account];
        return (held.staked, held.locked, held.unbonding, held.unbondsAt, held.condemned);
    }

    /// @inheritdoc IStakeVault
    function lockOf(address account, bytes32 id) external view returns (uint128) {
        return _locks[account][id];
    }

    /// @dev The victim comes first. No token is called here, so nothing can stop a slash.
    function _share(address account, address victim, uint128 taken, uint128 toVictim) private {
        credits[victim] += toVictim;
        toBurn += taken - toVictim;
        emit Slashed(account, victim, taken, toVictim);
    }

    function _checkFree(Account storage account, uint128 amount) private view {
        uint128 free = account.staked - account.locked - account.unbonding;
        if (amount > free) revert AboveFree(amount, free);
    }

    function _least(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }
}
