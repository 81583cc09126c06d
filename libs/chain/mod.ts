/**
 * Channels, stake, anchors and the court on an EVM chain: the contracts, where they are, and what talks to them.
 *
 * @example
 * ```ts
 * import { deployedAddress, DEPLOYER } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * // The address of a contract follows from its creation code alone.
 * expect(deployedAddress("0x6001")).not.toBe(deployedAddress("0x6002"));
 * expect(DEPLOYER).toBe("0x4e59b44847b379578588920cA78FbF26c0B4956C");
 * ```
 *
 * @module
 */
export * from './account.ts'
export * from './bonds.ts'
export * from './chain.ts'
export * from './chain_verdict.ts'
export * from './channels.ts'
export * from './court_client.ts'
export * from './deployment.ts'
export * from './eip712.ts'
export * from './fees.ts'
export * from './follower.ts'
export * from './registry.ts'
export * from './revert_reason.ts'
export * from './rpc.ts'
export * from './sender.ts'
export * from './sending.ts'
export * from './stake.ts'
export * from './token.ts'
export * from './voucher_verifier.ts'
export * from './wallet.ts'
