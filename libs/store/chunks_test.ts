import { expect, it } from 'vitest'
import { chunksOf, keysOf } from './chunks.ts'
import { memoryStore } from './memory_store.ts'
import type { Store } from './store.ts'

const COUNT = 1_300

async function filled(): Promise<Store> {
  const store = memoryStore()
  await store.write(Array.from({ length: COUNT }, (_, at) => ({ key: `k${String(at).padStart(5, '0')}`, value: Uint8Array.of(at & 255) })))
  return store
}

/** A store that gives its entries only one by one. */
function onlyRange(store: Store): Store {
  const { get, getMany, write, range, sub, close } = store
  return {
    get: get.bind(store),
    getMany: getMany.bind(store),
    write: write.bind(store),
    range: range.bind(store),
    sub: sub.bind(store),
    close: close.bind(store),
  }
}

it('chunksOf() and keysOf() give every entry once, in order, whether or not the store chunks by itself', async () => {
  const store = await filled()
  for (const each of [store, onlyRange(store)]) {
    const entries: string[] = []
    for await (const chunk of chunksOf(each, { gte: 'k00010' })) {
      expect(chunk.length).toBeGreaterThan(0)
      entries.push(...chunk.map(([key]) => key))
    }
    const keys: string[] = []
    for await (const chunk of keysOf(each, { gte: 'k00010' })) keys.push(...chunk)
    expect(entries).toHaveLength(COUNT - 10)
    expect(entries).toEqual([...entries].sort())
    expect(keys).toEqual(entries)
  }
})

it('chunksOf() gives no chunk when nothing is there', async () => {
  for await (const _ of chunksOf(onlyRange(memoryStore()))) expect.fail('a chunk of nothing')
})
