/**
 * A Store on disk, over LevelDB: one process per folder, group commit, and a checksum on every value.
 *
 * @example
 * ```ts
 * import { openLevelStore } from "@haggle/store/level";
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { expect } from "vitest";
 *
 * const folder = await mkdtemp(join(tmpdir(), "store-"));
 * const store = await openLevelStore(join(folder, "db"));
 * await store.write([{ key: "a", value: Uint8Array.of(1) }]);
 * expect(await store.get("a")).toEqual(Uint8Array.of(1));
 * await store.close();
 * await rm(folder, { recursive: true });
 * ```
 *
 * @module
 */

export { type LevelStore, openLevelStore, type OpenLevelOptions, SMALL_HOME } from './level_store.ts'
