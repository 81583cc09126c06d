/**
 * What needs Node: its native Ed25519 under the same verdict, and the key file.
 *
 * @example
 * ```ts
 * import { nodeSuite } from "@haggle/identity/node";
 * import { expect } from "vitest";
 *
 * expect(nodeSuite().sha256(new Uint8Array(0))).toHaveLength(32);
 * ```
 *
 * @module
 */
export { type KeyFileOptions, openKeyFile } from './key_file.ts'
export { nodeEd25519, nodeSuite } from './node_suite.ts'
