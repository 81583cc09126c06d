// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Check} from "./Check.sol";

/// @dev What forge calls in a campaign is a handler: it does one random thing, says in advance whether it must succeed, and notes what broke a promise.
/// A handler's own revert would be passed over in silence, so nothing in one may revert by mistake: what it expects to fail it tries.
abstract contract Handler is Check {
    /// @notice The first promise that was broken; empty while all hold.
    string public broken;
    /// @notice Things that were done and succeeded, so that a campaign in which nothing works is seen.
    uint256 public done;

    /// @dev Holds the contract against what the handler knows, after every step.
    function checkAll() external virtual;

    /// @dev Everybody leaves, at the end of a sequence.
    function depart() external virtual;

    function breaks(string memory what) internal {
        if (bytes(broken).length == 0) broken = what;
    }

    /// @dev `attempt` as `sender`; breaks `what` when it does not end as expected.
    function attempt(address sender, address target, bytes memory data, bool expected, string memory what) internal returns (bool success) {
        vm.prank(sender);
        (success, ) = target.call(data);
        if (success != expected) breaks(what);
        if (success) ++done;
    }

    /// @dev `attempt` that may end either way, such as a transfer of a token in a mood.
    function attempt(address sender, address target, bytes memory data) internal returns (bool success) {
        vm.prank(sender);
        (success, ) = target.call(data);
        if (success) ++done;
    }

    function expect(bool condition, string memory what) internal {
        if (!condition) breaks(what);
    }
}

/// @dev A campaign over one handler: `npm run fuzz:contracts` runs every contract whose name ends on Invariants.
abstract contract InvariantBase is Check {
    /// @dev Forge's own type, known by its shape.
    struct FuzzSelector {
        address target;
        bytes4[] selectors;
    }

    function handler() internal view virtual returns (Handler);

    /// @dev Read by forge: the only contract that it calls.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler());
    }

    /// @dev Read by forge: what is no step of a sequence.
    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0].target = address(handler());
        excluded[0].selectors = new bytes4[](2);
        excluded[0].selectors[0] = Handler.checkAll.selector;
        excluded[0].selectors[1] = Handler.depart.selector;
    }

    /// @dev Called by forge when a sequence is over.
    function afterInvariant() external {
        handler().depart();
        kept();
    }

    /// @dev Fails with the promise that was broken.
    function kept() internal view {
        string memory broken = handler().broken();
        if (bytes(broken).length > 0) revert NotTrue(broken);
    }
}
