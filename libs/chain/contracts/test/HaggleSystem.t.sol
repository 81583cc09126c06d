// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Court} from "../Court.sol";
import {HaggleSystem} from "../HaggleSystem.sol";
import {TestToken} from "../TestToken.sol";
import {Check} from "./Check.sol";

contract HaggleSystemTest is Check {
    function parameters() private pure returns (HaggleSystem.Parameters memory) {
        return
            HaggleSystem.Parameters({
                stakeToken: IERC20(address(0x70)),
                closeDelay: 1 days,
                unbondDelay: 14 days,
                witnessStake: 100,
                claimS: 1 days,
                refuteS: 12 hours,
                drawDelay: 4,
                commitReveal: true,
                courtCodeHash: keccak256(type(Court).creationCode)
            });
    }

    function test_deployCourt_makes_the_court_that_the_vault_obeys_once_and_no_other_code() external {
        HaggleSystem system = new HaggleSystem(parameters());
        bytes memory code = type(Court).creationCode;
        vm.expectRevert(abi.encodePacked(HaggleSystem.NotTheCourt.selector));
        system.deployCourt(hex"00");
        Court court = Court(system.deployCourt(code));
        equal(address(court), system.vault().court(), "the vault's court");
        equal(address(court.vault()), address(system.vault()), "the court's vault");
        equal(address(court.token()), address(0x70), "the court's token");
        equal(court.witnessStake(), 100, "witness stake");
        equal(court.claimS(), 1 days, "claim");
        equal(court.refuteS(), 12 hours, "refute");
        equal(court.drawDelay(), 4, "draw delay");
        ok(court.commitReveal(), "commit-reveal");
        vm.expectRevert(abi.encodePacked(HaggleSystem.NotTheCourt.selector));
        system.deployCourt(code);
    }

    function test_constructor_refuses_stake_that_unbonds_before_a_dispute_can_end() external {
        HaggleSystem.Parameters memory bad = parameters();
        bad.unbondDelay = 36 hours;
        vm.expectRevert(abi.encodePacked(HaggleSystem.UnbondsTooSoon.selector));
        new HaggleSystem(bad);
        bad.unbondDelay = 36 hours + 1;
        new HaggleSystem(bad);
    }

    function test_every_part_knows_the_others() external {
        HaggleSystem system = new HaggleSystem(parameters());
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
