/**
 * What needs Node: its native Ed25519 under the same verdict, the key file, and what other files with secrets are made of.
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
export { corruptSecret, ownFolder, readSecretFile, type SecretKind, writeSecretFile } from './secret_file.ts'
export { SCRYPT_LOG_N, type Sealed, type SealOptions, sealSecret, unsealSecret } from './secret_seal.ts'
