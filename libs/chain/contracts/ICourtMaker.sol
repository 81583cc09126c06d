// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IStakeVault} from "./IStakeVault.sol";

/// @title What the court asks of the contract that deploys it.
interface ICourtMaker {
    /// @return vault where stake is
    /// @return witnessStake what a seat locks
    /// @return claimS seconds after a window's end in which it can be claimed for
    /// @return refuteS seconds after a claim in which it can be refuted
    /// @return drawDelay blocks from a case's opening to the block whose hash draws
    /// @return commitReveal true when the parties commit to secrets
    function courtParameters()
        external
        view
        returns (IStakeVault vault, uint128 witnessStake, uint64 claimS, uint64 refuteS, uint32 drawDelay, bool commitReveal);
}
