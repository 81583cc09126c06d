// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {HaggleSystem} from "../HaggleSystem.sol";
import {TestToken} from "../TestToken.sol";
import {Check} from "./Check.sol";

contract HaggleSystemTest is Check {
    function test_every_part_knows_the_others() external {
        HaggleSystem system = new HaggleSystem(HaggleSystem.Parameters(IERC20(address(0x70)), 1 days, 14 days));
        equal(address(system.registry().vault()), address(system.vault()), "the registry's vault");
        equal(address(system.vault().registry()), address(system.registry()), "the vault's registry");
        equal(system.vault().court(), system.court(), "the vault's court");
        equal(address(system.vault().token()), address(0x70), "the vault's token");
        equal(system.vault().unbondDelay(), 14 days, "unbonding");
        equal(system.channels().closeDelay(), 1 days, "closing");
    }

    function test_TestToken_is_a_plain_token() external {
        TestToken token = new TestToken("Test credit", "TEST", 6, address(0x70), 1_000);
        equal(token.decimals(), 6, "decimals");
        equal(token.totalSupply(), 1_000, "supply");
        equal(token.balanceOf(address(0x70)), 1_000, "holder");
    }
}
