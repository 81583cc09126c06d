// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What the court and the registry ask of the stake vault.
interface IStakeVault {
    /// @notice The ERC-20 that stakes are in.
    function token() external view returns (IERC20);

    /// @notice Sets `amount` of an account's free stake apart under `id`, beside what stands there. Court only.
    function lock(address account, bytes32 id, uint128 amount) external;

    /// @notice Frees all that is left under `id`; does nothing when that is nothing. Court only.
    function unlock(address account, bytes32 id) external;

    /// @notice Takes up to `amount` of what is locked under `id`. The first `toVictim` of it is credited to `victim`, the rest is burned. Court only.
    /// @return taken what there was to take
    function slash(address account, bytes32 id, uint128 amount, address victim, uint128 toVictim) external returns (uint128 taken);

    /// @notice For signing two histories: takes all that no lock holds, unbonding stake included, and the rest as it gets free. Registry only.
    function condemn(address account, address reporter) external;

    /// @return staked all that is held of the account, locked and unbonding included
    /// @return locked part that locks hold
    /// @return unbonding part that is on its way out
    /// @return unbondsAt unix seconds from which `unbonding` can be withdrawn
    /// @return condemned true when it was shown to have signed two histories
    function stakeOf(
        address account
    ) external view returns (uint128 staked, uint128 locked, uint128 unbonding, uint64 unbondsAt, bool condemned);

    /// @notice What is left of an account's stake under `id`.
    function lockOf(address account, bytes32 id) external view returns (uint128);
}
