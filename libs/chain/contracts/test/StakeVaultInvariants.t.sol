// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {StakeVault} from "../StakeVault.sol";
import {Handler, InvariantBase} from "./InvariantBase.sol";
import {OpenToken} from "./Tokens.sol";

/// @dev Four accounts, eight locks each, a court and a registry that do what they like.
contract StakeVaultHandler is Handler {
    uint64 private constant DELAY = 14 days;
    uint256 private constant PEOPLE = 4;
    uint256 private constant IDS = 8;
    address private constant COURT = address(0xC0);
    address private constant REGISTRY = address(0x4E6);
    address private constant VICTIM = address(0x71C);
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;

    OpenToken private immutable _token = new OpenToken(6);
    StakeVault private immutable _vault = new StakeVault(_token, COURT, REGISTRY, DELAY);
    /// @dev All that was ever staked less all that was ever taken, by account, as the handler saw it.
    mapping(address account => uint256) private _mine;
    mapping(address account => uint256) private _given;
    mapping(address account => bool) private _condemned;
    uint256 private _slashed;

    function stake(uint256 seed, uint256 amount) external {
        address who = _person(seed);
        uint128 units = uint128(bound(amount, 0, 10_000));
        _token.give(who, units);
        vm.prank(who);
        _token.approve(address(_vault), units);
        bool right = units > 0 && !_condemned[who];
        if (attempt(who, address(_vault), abi.encodeCall(_vault.stake, (units)), right, "staking")) _mine[who] += units;
        else _given[who] += units;
    }

    function requestUnbond(uint256 seed, uint256 amount) external {
        address who = _person(seed);
        (uint128 staked, uint128 locked, uint128 unbonding, , ) = _vault.stakeOf(who);
        uint128 units = uint128(bound(amount, 0, uint256(staked) + 1));
        bool right = units > 0 && units <= staked - locked - unbonding;
        attempt(who, address(_vault), abi.encodeCall(_vault.requestUnbond, (units)), right, "unbonding what is not free");
    }

    function withdraw(uint256 seed) external {
        address who = _person(seed);
        (, , uint128 unbonding, uint64 unbondsAt, ) = _vault.stakeOf(who);
        bool right = unbonding > 0 && block.timestamp >= unbondsAt;
        if (!attempt(who, address(_vault), abi.encodeCall(_vault.withdraw, ()), right, "stake left early, or not at all")) return;
        _mine[who] -= unbonding;
        _given[who] += unbonding;
    }

    function lock(uint256 seed, uint256 amount, bool byCourt) external {
        address who = _person(seed);
        (uint128 staked, uint128 locked, uint128 unbonding, , ) = _vault.stakeOf(who);
        uint128 units = uint128(bound(amount, 0, uint256(staked) + 1));
        bool right = byCourt && units > 0 && units <= staked - locked - unbonding;
        bytes memory data = abi.encodeCall(_vault.lock, (who, _id(seed / 4), units));
        attempt(byCourt ? COURT : who, address(_vault), data, right, "locking what is not free");
    }

    function unlock(uint256 seed, bool byCourt) external {
        address who = _person(seed);
        uint128 units = _vault.lockOf(who, _id(seed / 4));
        bytes memory data = abi.encodeCall(_vault.unlock, (who, _id(seed / 4)));
        if (!attempt(byCourt ? COURT : who, address(_vault), data, byCourt, "unlocking") || !_condemned[who]) return;
        _mine[who] -= units;
        _slashed += units;
    }

    function slash(uint256 seed, uint256 amount, uint256 toVictim, uint256 sender) external {
        address who = _person(seed);
        address by = sender % 8 == 0 ? who : sender % 8 == 1 ? REGISTRY : COURT;
        uint128 units = uint128(bound(amount, 0, 12_000));
        uint128 share = uint128(bound(toVictim, 0, 12_000));
        uint128 held = _vault.lockOf(who, _id(seed / 4));
        uint256 credit = _vault.credits(VICTIM);
        bytes memory data = abi.encodeCall(_vault.slash, (who, _id(seed / 4), units, VICTIM, share));
        if (!attempt(by, address(_vault), data, by == COURT, "slashing by somebody else")) return;
        uint128 taken = units < held ? units : held;
        _mine[who] -= taken;
        _slashed += taken;
        expect(_vault.credits(VICTIM) - credit == (share < taken ? share : taken), "the victim comes first");
    }

    function condemn(uint256 seed, uint256 sender) external {
        address who = _person(seed);
        address by = sender % 4 == 0 ? COURT : sender % 4 == 1 ? who : REGISTRY;
        // Seldom: nothing can be done with an account afterwards.
        if (by == REGISTRY && sender % 16 != 2) return;
        (uint128 staked, uint128 locked, , , ) = _vault.stakeOf(who);
        bytes memory data = abi.encodeCall(_vault.condemn, (who, VICTIM));
        if (!attempt(by, address(_vault), data, by == REGISTRY, "condemning by somebody else")) return;
        _condemned[who] = true;
        _mine[who] -= staked - locked;
        _slashed += staked - locked;
    }

    function collect(uint256 seed) external {
        address who = seed % 2 == 0 ? VICTIM : _person(seed);
        attempt(who, address(_vault), abi.encodeCall(_vault.collect, (who)), _vault.credits(who) > 0, "collecting");
    }

    function burn() external {
        attempt(_person(0), address(_vault), abi.encodeCall(_vault.burn, ()), _vault.toBurn() > 0, "burning");
    }

    function warp(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 0, DELAY));
    }

    function checkAll() external override {
        uint256 sum = _vault.credits(VICTIM) + _vault.toBurn();
        for (uint256 i = 0; i < PEOPLE; ++i) {
            address who = _person(i);
            (uint128 staked, uint128 locked, uint128 unbonding, , bool condemned) = _vault.stakeOf(who);
            uint256 locks;
            for (uint256 j = 0; j < IDS; ++j) locks += _vault.lockOf(who, _id(j));
            expect(locks == locked, "locks do not add up");
            expect(uint256(locked) + unbonding <= staked, "more is locked and unbonding than is staked");
            expect(staked == _mine[who], "stake came or went in a way it must not");
            expect(_token.balanceOf(who) == _given[who], "somebody has what left in a way it must not");
            expect(condemned == _condemned[who], "condemned");
            expect(!condemned || staked == locked, "a condemned account has free stake");
            sum += staked;
        }
        expect(_token.balanceOf(address(_vault)) == sum, "holds another amount than it owes");
        uint256 gone = _token.balanceOf(VICTIM) + _token.balanceOf(DEAD);
        expect(gone + _vault.credits(VICTIM) + _vault.toBurn() == _slashed, "what was slashed is not all there");
    }

    /// @dev Everybody leaves; nothing is left.
    function depart() external override {
        for (uint256 i = 0; i < PEOPLE; ++i) {
            address who = _person(i);
            for (uint256 j = 0; j < IDS; ++j)
                attempt(COURT, address(_vault), abi.encodeCall(_vault.unlock, (who, _id(j))), true, "leaving");
            (uint128 staked, , uint128 unbonding, , ) = _vault.stakeOf(who);
            if (staked > unbonding)
                attempt(who, address(_vault), abi.encodeCall(_vault.requestUnbond, (staked - unbonding)), true, "leaving");
        }
        vm.warp(block.timestamp + DELAY);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            (uint128 staked, , , , ) = _vault.stakeOf(_person(i));
            if (staked > 0) attempt(_person(i), address(_vault), abi.encodeCall(_vault.withdraw, ()), true, "leaving");
        }
        if (_vault.credits(VICTIM) > 0) attempt(VICTIM, address(_vault), abi.encodeCall(_vault.collect, (VICTIM)), true, "leaving");
        if (_vault.toBurn() > 0) attempt(VICTIM, address(_vault), abi.encodeCall(_vault.burn, ()), true, "leaving");
        expect(_token.balanceOf(address(_vault)) == 0, "something is left when everybody has gone");
    }

    function _person(uint256 seed) private pure returns (address) {
        return address(uint160(0xACC0 + (seed % PEOPLE)));
    }

    function _id(uint256 seed) private pure returns (bytes32) {
        return bytes32(1 + (seed % IDS));
    }
}

/// @dev Whatever the court, the registry and the accounts do, the promises of the vault hold.
contract StakeVaultInvariants is InvariantBase {
    StakeVaultHandler private immutable _handler = new StakeVaultHandler();

    function handler() internal view override returns (Handler) {
        return _handler;
    }

    function invariant_vault_keeps_its_promises() external {
        _handler.checkAll();
        kept();
    }
}
