// Where the contracts are: the deterministic-deployment proxy and the addresses that follow from it.

import { concatHex, getCreate2Address, type Hex, keccak256 } from 'viem'

/**
 * The proxy that deploys by CREATE2: calldata is a 32-byte salt, then creation code. The same on most chains, and part of anvil.
 *
 * https://github.com/Arachnid/deterministic-deployment-proxy
 */
export const DEPLOYER: Hex = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

/** Salt of every deployment: a contract is found by its creation code alone. */
export const SALT: Hex = '0x0000000000000000000000000000000000000000000000000000000000000000'

/**
 * Address that `creationCode` (with its constructor's arguments) gets through {@link DEPLOYER}, on every chain that has the proxy.
 *
 * @example
 * ```ts
 * import { deployedAddress } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * expect(deployedAddress("0x00")).toMatch(/^0x[0-9a-fA-F]{40}$/);
 * ```
 */
export function deployedAddress(creationCode: Hex): Hex {
  return getCreate2Address({ from: DEPLOYER, salt: SALT, bytecodeHash: keccak256(creationCode) })
}

/** Calldata for {@link DEPLOYER} that deploys `creationCode`. */
export function deployCalldata(creationCode: Hex): Hex {
  return concatHex([SALT, creationCode])
}
