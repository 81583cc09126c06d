// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ChannelsHandler} from "./ChannelsHandler.sol";
import {Handler, InvariantBase} from "./InvariantBase.sol";

/// @dev Whatever is done in whatever order, over tokens good and bad, the promises of channels hold.
contract ChannelsInvariants is InvariantBase {
    ChannelsHandler private immutable _handler = new ChannelsHandler();

    function handler() internal view override returns (Handler) {
        return _handler;
    }

    function invariant_channels_keep_their_promises() external {
        _handler.checkAll();
        kept();
    }
}
