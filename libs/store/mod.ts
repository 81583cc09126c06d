/**
 * An ordered map from short strings to bytes with atomic, synced batches: in memory here, on disk in `@haggle/store/level`,
 * and a compliance suite for your own in `@haggle/store/testing`.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@haggle/store";
 * import { expect } from "vitest";
 *
 * const store = memoryStore();
 * await store.write([{ key: "greeting", value: new TextEncoder().encode("hello") }]);
 * expect(new TextDecoder().decode(await store.get("greeting"))).toBe("hello");
 * ```
 *
 * @module
 */

export { chunksOf, keysOf } from './chunks.ts'
export { memoryStore } from './memory_store.ts'
export type { Range, Store, Write, WriteOptions } from './store.ts'
export { subStore } from './sub_store.ts'
