// What RESULT signs of a job's output: one hash over both channels and the result files (spec/job.md, Output digest).

import { compareBytes, concat, encodeAs, type Suite, utf8 } from '@haggle/wire'
import { type FileRef, fileSchema } from './spec.ts'

/** The kept output of a job, by hash. */
export interface OutputHashes {
  /** SHA-256 of the kept octets of stdout, 32 bytes. */
  readonly stdout: Uint8Array
  /** SHA-256 of the kept octets of stderr, 32 bytes. */
  readonly stderr: Uint8Array
  /** The result files, in any order, no path twice. */
  readonly files: readonly FileRef[]
}

const DOMAIN = /* @__PURE__ */ utf8('haggle-output/1\0')

/**
 * `sha256("haggle-output/1\0" ‖ stdout ‖ stderr ‖ sha256(files))`, where files is the encoding of each file, `[path, size, sha256, executable]`, one after
 * the other, by the octets of their paths.
 *
 * @example
 * ```ts
 * import { portableSuite } from "@haggle/identity";
 * import { outputDigest } from "@haggle/job";
 * import { toHex, utf8 } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const suite = portableSuite();
 * const digest = outputDigest({ stdout: suite.sha256(utf8("hello\n")), stderr: suite.sha256(utf8("")), files: [] }, suite);
 * expect(toHex(digest).slice(0, 8)).toBe("cee2fa66");
 * ```
 */
export function outputDigest({ stdout, stderr, files }: OutputHashes, suite: Pick<Suite, 'sha256'>): Uint8Array {
  const sorted = files.map((file) => ({ path: utf8(file.path), file })).sort((a, b) => compareBytes(a.path, b.path))
  const listed = suite.sha256(concat(...sorted.map(({ file }) => encodeAs(fileSchema, file))))
  return suite.sha256(concat(DOMAIN, stdout, stderr, listed))
}
