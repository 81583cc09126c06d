// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {TestToken} from "../TestToken.sol";

/// @dev A token that anybody can be given, and where a hostile one overrides `_update`.
contract OpenToken is TestToken {
    constructor(uint8 decimals_) TestToken("Test", "TEST", decimals_, address(1), 0) {}

    function give(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @dev Keeps 1 % of every transfer, at least one unit.
contract FeeToken is OpenToken(18) {
    address private constant SINK = address(0xfee);

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || value == 0 ? 0 : value / 100 + 1;
        if (fee > value) fee = value;
        super._update(from, to, value - fee);
        if (fee > 0) super._update(from, SINK, fee);
    }
}

/// @dev Says false instead of reverting, and moves nothing.
contract FalseToken is OpenToken(18) {
    bool public lying;

    function lie(bool on) external {
        lying = on;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return !lying && super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return !lying && super.transferFrom(from, to, value);
    }
}

/// @dev Says that all went well and moves nothing.
contract IdleToken is OpenToken(18) {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @dev Returns no value at all, as some old tokens do.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function give(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 value) external {
        allowance[msg.sender][spender] = value;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) external {
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @dev Refuses to pay to whom its issuer doesn't like.
contract BlacklistToken is OpenToken(6) {
    mapping(address => bool) public refused;

    error Refused(address account);

    function refuse(address account, bool on) external {
        refused[account] = on;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (refused[to]) revert Refused(to);
        super._update(from, to, value);
    }
}

/// @dev Calls somebody back in the middle of a transfer. Calls from here may hold a part of the contract that is attacked, such as its payee.
contract ReenteringToken is OpenToken(18) {
    address private _target;
    bytes private _data;
    bool public tried;
    bool public entered;
    bytes public answer;

    function arm(address target, bytes calldata data) external {
        (_target, _data, tried, entered) = (target, data, false, false);
    }

    /// @dev Calls anything as this token.
    function act(address target, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory result) = target.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    function _update(address from, address to, uint256 value) internal override {
        // Not while somebody is only given some.
        if (_target != address(0) && from != address(0)) {
            address target = _target;
            _target = address(0);
            tried = true;
            (entered, answer) = target.call(_data);
        }
        super._update(from, to, value);
    }
}

/// @dev A wallet that is a contract: ERC-1271, by the key it is given.
contract Wallet {
    address private immutable _owner;
    bool private _gone;

    constructor(address owner) {
        _owner = owner;
    }

    function forget() external {
        _gone = true;
    }

    function act(address target, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory result) = target.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    function isValidSignature(bytes32 hash, bytes calldata sig) external view returns (bytes4) {
        address by = ecrecover(hash, uint8(sig[64]), bytes32(sig[:32]), bytes32(sig[32:64]));
        return by == _owner && !_gone ? this.isValidSignature.selector : bytes4(0);
    }
}
