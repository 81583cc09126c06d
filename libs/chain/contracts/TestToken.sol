// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A plain ERC-20 for tests and devnets. It is worth nothing.
contract TestToken is ERC20 {
    uint8 private immutable _decimals;

    /// @param holder who gets the whole supply
    /// @param supply base units
    constructor(string memory name_, string memory symbol_, uint8 decimals_, address holder, uint256 supply) ERC20(name_, symbol_) {
        _decimals = decimals_;
        _mint(holder, supply);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
