// A store under a prefix of another one: how several owners share one database without seeing each other's keys.

import { checkKey, prefixRange } from './_bounds.ts'
import { chunksOf, keysOf } from './chunks.ts'
import type { Range, Store, Write, WriteOptions } from './store.ts'

/**
 * Sees key `k` where `parent` sees `prefix!k`. What implements {@link Store.sub}; closing it does nothing.
 *
 * @param parent The store that holds the keys.
 * @param prefix A name without `!`; nested prefixes join as `a!b!k`.
 */
export function subStore(parent: Store, prefix: string): Store {
  checkKey(prefix)
  const head = `${prefix}!`
  return {
    async get(key: string): Promise<Uint8Array | undefined> {
      checkKey(key)
      return await parent.get(head + key)
    },
    async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
      return await parent.getMany(
        keys.map((key) => {
          checkKey(key)
          return head + key
        }),
      )
    },
    async write(batch: readonly Write[], options?: WriteOptions): Promise<void> {
      // The parent checks the rest: with the prefix an empty key would look like a key.
      for (const { key } of batch) if (key === '') checkKey(key)
      await parent.write(
        batch.map(({ key, value }) => ({ key: head + key, value })),
        options,
      )
    },
    async *range(range: Range = {}): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
      for await (const [key, value] of parent.range(prefixRange(head, range))) yield [key.slice(head.length), value]
    },
    async *chunks(range: Range = {}): AsyncGenerator<readonly (readonly [key: string, value: Uint8Array])[]> {
      for await (const chunk of chunksOf(parent, prefixRange(head, range)))
        yield chunk.map(([key, value]) => [key.slice(head.length), value] as const)
    },
    async *keys(range: Range = {}): AsyncGenerator<readonly string[]> {
      for await (const chunk of keysOf(parent, prefixRange(head, range))) yield chunk.map((key) => key.slice(head.length))
    },
    sub(name: string): Store {
      return subStore(this, name)
    },
    async close(): Promise<void> {
      // Whoever opened the parent closes it.
    },
  }
}
