// A Store in memory: for tests, for browsers and for nodes that need not remember.

import { checkBatch, checkKey, closedError, compareKeys, within } from './_bounds.ts'
import type { Range, Store, Write } from './store.ts'
import { subStore } from './sub_store.ts'

/**
 * An empty store in memory, gone with the process. Values are copied in and out, so callers may reuse their buffers.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@haggle/store";
 * import { expect } from "vitest";
 *
 * const store = memoryStore();
 * const notes = store.sub("notes");
 * await notes.write([{ key: "b", value: Uint8Array.of(2) }, { key: "a", value: Uint8Array.of(1) }]);
 * const keys: string[] = [];
 * for await (const [key] of notes.range()) keys.push(key);
 * expect(keys).toEqual(["a", "b"]);
 * expect(await store.get("notes!a")).toEqual(Uint8Array.of(1));
 * ```
 */
export function memoryStore(): Store {
  const values = new Map<string, Uint8Array>()
  const keys: string[] = []
  let open = true

  const check = (): void => {
    if (!open) throw closedError()
  }

  /** The place of `key` in the sorted keys, or where it would go. */
  const placeOf = (key: string): number => {
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  const put = (key: string, value: Uint8Array): void => {
    if (!values.has(key)) keys.splice(placeOf(key), 0, key)
    values.set(key, value.slice())
  }

  const remove = (key: string): void => {
    if (values.delete(key)) keys.splice(placeOf(key), 1)
  }

  return {
    async get(key: string): Promise<Uint8Array | undefined> {
      check()
      checkKey(key)
      return values.get(key)?.slice()
    },
    async getMany(wanted: readonly string[]): Promise<(Uint8Array | undefined)[]> {
      check()
      for (const key of wanted) checkKey(key)
      return wanted.map((key) => values.get(key)?.slice())
    },
    async write(batch: readonly Write[]): Promise<void> {
      check()
      checkBatch(batch)
      for (const { key, value } of batch) {
        if (value === null) remove(key)
        else put(key, value)
      }
    },
    async *range(range: Range = {}): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
      check()
      const first = range.gt ?? range.gte
      const start = first === undefined ? 0 : placeOf(first)
      const picked: [string, Uint8Array][] = []
      const take = (key: string): void => {
        if (within(key, range)) picked.push([key, values.get(key)!.slice()])
      }
      const limit = range.limit ?? Infinity
      if (range.reverse) {
        const last = range.lte ?? range.lt
        for (
          let i = last === undefined ? keys.length - 1 : Math.min(placeOf(last), keys.length - 1);
          i >= start && picked.length < limit;
          i--
        )
          take(keys[i]!)
      } else {
        const last = range.lte ?? range.lt
        for (let i = start; i < keys.length && picked.length < limit; i++) {
          if (last !== undefined && compareKeys(keys[i]!, last) > 0) break
          take(keys[i]!)
        }
      }
      for (const entry of picked) {
        check()
        yield entry
      }
    },
    sub(prefix: string): Store {
      return subStore(this, prefix)
    },
    async close(): Promise<void> {
      open = false
    },
  }
}
