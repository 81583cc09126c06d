/**
 * ABI and creation code of every contract, made by `tools/contracts/compile.ts`.
 *
 * @example
 * ```ts
 * import { channelsAbi, CHANNELS_CODE } from "@haggle/chain/abi";
 * import { expect } from "vitest";
 *
 * expect(channelsAbi.some((item) => item.type === "function" && item.name === "open")).toBe(true);
 * expect(CHANNELS_CODE).toMatch(/^0x[0-9a-f]+$/);
 * ```
 *
 * @module
 */
export * from './channels.ts'
export * from './court.ts'
export * from './haggle_system.ts'
export * from './peer_registry.ts'
export * from './stake_vault.ts'
export * from './test_token.ts'
