// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Channels} from "../Channels.sol";
import {Handler} from "./InvariantBase.sol";
import {BlacklistToken, FalseToken, FeeToken, OpenToken, ReenteringToken, SilentToken} from "./Tokens.sol";

/// @dev Four people, eight tokens and everything that can be done with channels, rightly and wrongly.
contract ChannelsHandler is Handler {
    /// @dev What the handler knows by itself, to hold the contract against.
    struct Ghost {
        uint128 signed;
        uint128 claimed;
        bool known;
        bool closed;
    }

    uint64 private constant DELAY = 1 days;
    uint256 private constant SIGNER_KEY = 0x5E55;
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    address private constant STRANGER = address(0x57A4);
    uint256 public constant PEOPLE = 4;

    Channels public immutable channels = new Channels(DELAY);
    Channels private immutable _other = new Channels(DELAY);
    address[] public tokens;
    bytes32[] public ids;
    mapping(bytes32 id => Ghost) private _ghosts;
    address[PEOPLE] private _people;
    address private immutable _signer = vm.addr(SIGNER_KEY);
    FalseToken private immutable _liar = new FalseToken();
    BlacklistToken private immutable _strict = new BlacklistToken();
    ReenteringToken private immutable _evil = new ReenteringToken();

    constructor() {
        // Finding the address of a key is slow.
        for (uint256 i = 0; i < PEOPLE; ++i) _people[i] = vm.addr(i + 1);
        // What calls back may have money of its own to do it with.
        _evil.give(address(_evil), type(uint64).max);
        _evil.act(address(_evil), abi.encodeCall(_evil.approve, (address(channels), type(uint256).max)));
        tokens.push(address(new OpenToken(6)));
        tokens.push(address(new FeeToken()));
        tokens.push(address(_liar));
        tokens.push(address(new SilentToken()));
        tokens.push(address(_strict));
        tokens.push(address(_evil));
        tokens.push(address(new OpenToken(0)));
        tokens.push(address(new OpenToken(36)));
    }

    // What is done.

    function open(uint256 seed, uint256 amount) external {
        (address payer, address payee) = (person(seed), person(seed / 4));
        address token = tokens[(seed / 16) % tokens.length];
        uint128 deposit = uint128(bound(amount, 0, 5_000));
        _fund(token, payer, deposit);
        bytes32 id = channels.currentId(payer, payee, token);
        bool right = payer != payee && deposit > 0 && !_isOpen(channels.channelOf(id));
        bytes memory data = abi.encodeCall(channels.open, (payee, token, deposit, _signer));
        bool moody = right && (deposit == 1 || !_wellBehaved(token, payer));
        if (moody ? attempt(payer, address(channels), data) : attempt(payer, address(channels), data, right, "opening")) {
            expect(!_ghosts[id].known, "an id came back");
            _ghosts[id].known = true;
            ids.push(id);
        }
    }

    function topUp(uint256 seed, uint256 amount) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        uint128 more = uint128(bound(amount, 1, 5_000));
        _fund(address(one.token), one.payer, more);
        if (!_isOpen(one) || one.closesAt != 0)
            attempt(one.payer, address(channels), abi.encodeCall(channels.topUp, (id, more)), false, "added to what is closing");
        else attempt(one.payer, address(channels), abi.encodeCall(channels.topUp, (id, more)));
    }

    function claim(uint256 seed, uint256 cumulativeSeed, uint256 amountSeed) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        Channels.Claim memory it = _claim(id, one, cumulativeSeed, amountSeed);
        bool right = _isOpen(one) && it.amount > one.claimed && it.amount <= it.cumulative && it.amount <= one.deposit;
        bytes memory data = abi.encodeCall(channels.claim, (id, it.amount, it.cumulative, it.receiptRoot, it.sig));
        if (!right) attempt(one.payee, address(channels), data, false, "a claim that is not due was paid");
        else if (_wellBehaved(address(one.token), one.payee)) attempt(one.payee, address(channels), data, true, "a claim that is due was refused");
        else attempt(one.payee, address(channels), data);
    }

    function claimMany(uint256 seed, uint256 cumulativeSeed, uint256 amountSeed) external {
        address payee = person(seed);
        Channels.Claim[] memory claims = new Channels.Claim[](5);
        uint256 count;
        for (uint256 i = 0; i < ids.length && count < 5; ++i) {
            bytes32 id = ids[(i + seed / 4) % ids.length];
            Channels.Channel memory one = channels.channelOf(id);
            if (one.payee != payee) continue;
            // Right ones mostly: a wrong one stops the batch.
            uint128 growth = one.deposit - one.claimed;
            claims[count++] = _claim(id, one, growth == 0 ? cumulativeSeed : one.claimed + 1 + (cumulativeSeed % growth), amountSeed | 1);
        }
        assembly ("memory-safe") {
            mstore(claims, count)
        }
        attempt(payee, address(channels), abi.encodeCall(channels.claimMany, (claims)));
    }

    /// @dev A voucher that is good somewhere else.
    function replay(uint256 seed, uint256 how) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        if (!_isOpen(one) || one.claimed == one.deposit) return;
        uint128 amount = one.deposit;
        bytes32 kind = keccak256("Voucher(bytes32 channel,uint128 cumulative)");
        bytes32 separator = _separator();
        bytes32 named = id;
        uint256 key = SIGNER_KEY;
        how = how % 7;
        if (how == 0) separator = domain("Haggle Channels", block.chainid + 1, address(channels));
        if (how == 1) separator = domain("Haggle Channels", block.chainid, address(_other));
        if (how == 2) separator = domain("Haggle Registry", block.chainid, address(channels));
        if (how == 3) kind = keccak256("CoopClose(bytes32 channel,uint128 amount)");
        if (how == 4) key = 1 + (seed % PEOPLE);
        if (how == 5) named = channels.channelId(one.payer, one.payee, address(one.token), one.epoch + 1);
        if (how == 6) named = ids[(seed / 2) % ids.length];
        if (named == id && how > 4) return;
        bytes memory sig = signed(key, separator, keccak256(abi.encode(kind, named, amount)));
        bytes memory data = abi.encodeCall(channels.claim, (id, amount, amount, bytes32(0), sig));
        attempt(one.payee, address(channels), data, false, "a voucher of elsewhere was paid");
    }

    /// @dev Whoever has no part in a channel.
    function meddle(uint256 seed, uint256 how) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        address who = how % 2 == 0 ? STRANGER : one.payer;
        _fund(address(one.token), STRANGER, 10);
        Channels.Claim memory it = _claim(id, one, seed, how);
        bytes memory data = abi.encodeCall(channels.claim, (id, it.amount, it.cumulative, it.receiptRoot, it.sig));
        attempt(who, address(channels), data, false, "somebody else claimed");
        attempt(STRANGER, address(channels), abi.encodeCall(channels.requestClose, (id)), false, "a stranger asked to close");
        attempt(STRANGER, address(channels), abi.encodeCall(channels.topUp, (id, 10)), false, "a stranger topped up");
        data = abi.encodeCall(channels.collect, (address(one.token), STRANGER));
        attempt(STRANGER, address(channels), data, false, "a stranger collected");
    }

    function requestClose(uint256 seed, bool byPayee) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        bool right = _isOpen(one) && (byPayee || (one.closesAt == 0 && one.cancelled != block.timestamp + DELAY));
        attempt(byPayee ? one.payee : one.payer, address(channels), abi.encodeCall(channels.requestClose, (id)), right, "asking to close");
    }

    function cancelClose(uint256 seed, bool byBoth) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        bytes32 hash = keccak256(abi.encode(keccak256("CancelClose(bytes32 channel,uint64 closesAt)"), id, one.closesAt));
        bytes memory payerSig = signed(SIGNER_KEY, _separator(), hash);
        bytes memory payeeSig = byBoth ? signed(_keyOf(one.payee), _separator(), hash) : payerSig;
        bytes memory data = abi.encodeCall(channels.cancelClose, (id, payerSig, payeeSig));
        attempt(STRANGER, address(channels), data, byBoth && _isOpen(one) && one.closesAt != 0, "cancelling a close");
    }

    function withdraw(uint256 seed) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        bool right = _isOpen(one) && one.closesAt != 0 && block.timestamp >= one.closesAt;
        attempt(STRANGER, address(channels), abi.encodeCall(channels.withdraw, (id)), right, "a deposit left early, or not at all");
    }

    function coopClose(uint256 seed, uint256 amountSeed, bool byBoth) external {
        (bytes32 id, Channels.Channel memory one) = _pick(seed);
        uint128 amount = uint128(bound(amountSeed, 0, uint256(one.deposit) + 1));
        bytes32 hash = keccak256(abi.encode(keccak256("CoopClose(bytes32 channel,uint128 amount)"), id, amount));
        bytes memory payerSig = signed(_keyOf(one.payer), _separator(), hash);
        bytes memory payeeSig = byBoth ? signed(_keyOf(one.payee), _separator(), hash) : payerSig;
        bytes memory data = abi.encodeCall(channels.coopClose, (id, amount, payerSig, payeeSig));
        bool right = byBoth && _isOpen(one) && amount >= one.claimed && amount <= one.deposit;
        if (!attempt(STRANGER, address(channels), data, right, "closing by both")) return;
        if (amount > _ghosts[id].signed) _ghosts[id].signed = amount;
    }

    function collect(uint256 seed) external {
        address who = person(seed);
        address token = tokens[(seed / 4) % tokens.length];
        attempt(who, address(channels), abi.encodeCall(channels.collect, (token, who)));
    }

    function warp(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 0, DELAY));
    }

    /// @dev The tokens' moods: lying, refusing somebody, calling back.
    function mood(uint256 seed) external {
        _liar.lie(seed % 3 == 0);
        address whom = seed % 5 == 4 ? DEAD : person(seed);
        _strict.refuse(whom, (seed / 8) % 2 == 0);
        if (ids.length == 0) return;
        (bytes32 id, Channels.Channel memory one) = _pick(seed / 16);
        bytes[4] memory calls = [
            abi.encodeCall(channels.withdraw, (id)),
            abi.encodeCall(channels.requestClose, (id)),
            abi.encodeCall(channels.collect, (address(_evil), address(_evil))),
            abi.encodeCall(channels.open, (one.payer, address(_evil), 5, address(_evil)))
        ];
        _evil.arm(address(channels), calls[(seed / 64) % 4]);
    }

    // What is held against it. Each is called by the campaign after every step.

    function checkAll() external override {
        for (uint256 i = 0; i < ids.length; ++i) {
            Channels.Channel memory one = channels.channelOf(ids[i]);
            Ghost storage ghost = _ghosts[ids[i]];
            expect(one.claimed <= one.deposit, "claimed more than was deposited");
            expect(one.claimed <= ghost.signed, "claimed more than was signed");
            expect(one.claimed >= ghost.claimed, "a claim fell");
            expect(!ghost.closed || one.claimed == ghost.claimed, "claimed after the close");
            expect(!ghost.closed || !_isOpen(one), "a closed channel is open again");
            ghost.claimed = one.claimed;
            ghost.closed = !_isOpen(one);
        }
        for (uint256 i = 0; i < tokens.length; ++i) {
            (uint256 held, uint256 owed, uint256 least) = _books(tokens[i]);
            expect(held >= least, "holds less than deposits less claims");
            expect(held == owed, "holds another amount than it owes");
        }
    }

    /// @dev Everybody leaves; what then is left belongs to nobody.
    function depart() external override {
        _liar.lie(false);
        _evil.arm(address(0), "");
        for (uint256 i = 0; i < PEOPLE; ++i) _strict.refuse(person(i), false);
        _strict.refuse(DEAD, false);
        for (uint256 i = 0; i < ids.length; ++i) {
            Channels.Channel memory one = channels.channelOf(ids[i]);
            if (!_isOpen(one)) continue;
            if (one.closesAt == 0 && i % 2 == 0)
                attempt(one.payee, address(channels), abi.encodeCall(channels.requestClose, (ids[i])), true, "leaving");
        }
        for (uint256 i = 0; i < ids.length; ++i) {
            Channels.Channel memory one = channels.channelOf(ids[i]);
            if (!_isOpen(one)) continue;
            if (one.closesAt == 0) {
                vm.warp(block.timestamp + 1);
                attempt(one.payer, address(channels), abi.encodeCall(channels.requestClose, (ids[i])), true, "leaving");
            }
        }
        vm.warp(block.timestamp + DELAY);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_isOpen(channels.channelOf(ids[i])))
                attempt(STRANGER, address(channels), abi.encodeCall(channels.withdraw, (ids[i])), true, "leaving");
        }
        for (uint256 i = 0; i < tokens.length; ++i) {
            for (uint256 j = 0; j < PEOPLE; ++j) {
                if (channels.credits(tokens[i], person(j)) == 0) continue;
                bytes memory data = abi.encodeCall(channels.collect, (tokens[i], person(j)));
                attempt(person(j), address(channels), data, true, "collecting");
            }
            uint256 left = OpenToken(tokens[i]).balanceOf(address(channels));
            expect(left == channels.credits(tokens[i], DEAD), "something is left when everybody has gone");
        }
        _checkBurned();
    }

    function person(uint256 seed) public view returns (address) {
        return _people[seed % PEOPLE];
    }

    // Beneath.

    /// @dev Of tokens that take no fee: every thousand claimed in a channel has left five behind.
    function _checkBurned() private {
        for (uint256 i = 0; i < tokens.length; ++i) {
            if (i == 1) continue;
            uint256 burned = channels.credits(tokens[i], DEAD) + OpenToken(tokens[i]).balanceOf(DEAD);
            for (uint256 j = 0; j < ids.length; ++j) {
                Channels.Channel memory one = channels.channelOf(ids[j]);
                if (address(one.token) == tokens[i]) burned -= (uint256(one.claimed) * 5) / 1000;
            }
            expect(burned == 0, "another share was burned");
        }
    }

    /// @return held what the contract has
    /// @return owed what it must have: rests, burned shares to come, credits
    /// @return least deposits less claims
    function _books(address token) private view returns (uint256 held, uint256 owed, uint256 least) {
        held = OpenToken(token).balanceOf(address(channels));
        for (uint256 i = 0; i < ids.length; ++i) {
            Channels.Channel memory one = channels.channelOf(ids[i]);
            if (address(one.token) != token || !_isOpen(one) || one.claimed > one.deposit) continue;
            owed += one.deposit - one.claimed + (uint256(one.claimed) * 5) / 1000;
            least += one.deposit - one.claimed;
        }
        for (uint256 i = 0; i < PEOPLE; ++i) owed += channels.credits(token, person(i));
        owed += channels.credits(token, DEAD);
    }

    function _claim(
        bytes32 id,
        Channels.Channel memory one,
        uint256 cumulativeSeed,
        uint256 amountSeed
    ) private returns (Channels.Claim memory) {
        uint128 cumulative = uint128(bound(cumulativeSeed, 1, uint256(one.deposit) + 100));
        // Mostly all of it, sometimes less, sometimes more than is signed.
        uint128 amount = cumulative;
        if (amountSeed % 8 == 0) amount = uint128(bound(amountSeed, 0, cumulative));
        if (amountSeed % 8 == 4) amount += uint128(bound(amountSeed / 8, 1, 50));
        if (cumulative > _ghosts[id].signed) _ghosts[id].signed = cumulative;
        bytes32 hash = keccak256(abi.encode(keccak256("Voucher(bytes32 channel,uint128 cumulative)"), id, cumulative));
        return Channels.Claim(id, amount, cumulative, bytes32(amountSeed), signed(SIGNER_KEY, _separator(), hash));
    }

    function _pick(uint256 seed) private view returns (bytes32 id, Channels.Channel memory one) {
        if (ids.length > 0) id = ids[seed % ids.length];
        one = channels.channelOf(id);
        if (one.payer == address(0)) (one.payer, one.payee, one.token) = (person(0), person(1), OpenToken(tokens[0]));
    }

    function _isOpen(Channels.Channel memory one) private pure returns (bool) {
        return one.status == Channels.Status.Open;
    }

    function _wellBehaved(address token, address to) private view returns (bool) {
        return token != address(_liar) && !(token == address(_strict) && _strict.refused(to));
    }

    function _fund(address token, address account, uint256 amount) private {
        if (token == address(_strict) && _strict.refused(account)) return;
        OpenToken(token).give(account, amount);
        vm.prank(account);
        // Not every token here answers; only the call matters.
        (bool success, ) = token.call(abi.encodeCall(OpenToken(token).approve, (address(channels), type(uint256).max)));
        expect(success, "approved");
    }

    function _separator() private view returns (bytes32) {
        return domain("Haggle Channels", block.chainid, address(channels));
    }

    function _keyOf(address account) private view returns (uint256 key) {
        for (key = 1; _people[key - 1] != account; ++key) {}
    }
}
