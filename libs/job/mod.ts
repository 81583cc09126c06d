/**
 * What a job is, who runs it, and how its stdio and files travel.
 *
 * A {@link JobSpec} says what to run; a {@link JobHost} runs it and keeps its output; {@link JobFiles} moves the files of its
 * folder by content. {@link serveJobs} puts a host on the network under `/haggle/job/1`, one stream for each channel, and
 * {@link readOutput}, {@link openStdin}, {@link putFiles}, {@link listFiles} and {@link openFetcher} use it from the other side.
 *
 * @example
 * ```ts
 * import { decodeSpec, encodeSpec, type JobSpec } from "@haggle/job";
 * import { expect } from "vitest";
 *
 * const spec: JobSpec = { runner: "exec", args: ["echo", "hello"], env: {}, files: [], inline: [], stdin: false, outputs: ["out/**"] };
 * expect(decodeSpec(encodeSpec(spec))).toEqual(spec);
 * ```
 *
 * @module
 */
export * from './spec.ts'
export { isSafePath, MAX_PATH_BYTES } from './path.ts'
export { printable, printableCommand } from './printable.ts'
export * from './host.ts'
export * from './files.ts'
export * from './octets.ts'
export * from './protocol.ts'
export * from './byte_reader.ts'
export * from './serve.ts'
export * from './client.ts'
export * from './output_digest.ts'
export * from './output_feed.ts'
export { type MemoryJob, type MemoryJobHost, memoryJobHost, type MemoryJobHostInit } from './memory_host.ts'
