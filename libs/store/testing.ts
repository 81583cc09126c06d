/**
 * The compliance suite of the Store seam: what memory and LevelDB pass, and what a store of yours must pass to be used in their place.
 *
 * @module
 */

import { errorCode } from '@haggle/wire'
import { chunksOf, keysOf } from './chunks.ts'
import type { Range, Store } from './store.ts'

/** The parts of a test runner that {@link testStore} needs; vitest's and node:test's `it` fit. */
export interface StoreTestKit {
  it(title: string, run: () => Promise<void>): void
}

/** Registers every test of the seam against stores made by `create`, which must give an empty one each time. */
export function testStore(name: string, create: () => Promise<Store>, { it }: StoreTestKit): void {
  const test = (title: string, run: (store: Store) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const store = await create()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })

  test('get() gives undefined when the key was never written', async (store) => {
    same(await store.get('missing'), undefined)
  })

  test('get() gives what write() wrote, empty values too', async (store) => {
    await store.write([put('a', 1, 2), put('empty')])
    same(await store.get('a'), bytes(1, 2))
    same(await store.get('empty'), bytes())
  })

  test('write() takes the last one when a batch names a key twice', async (store) => {
    await store.write([put('a', 1), put('a', 2), put('b', 1), { key: 'b', value: null }])
    same(await store.get('a'), bytes(2))
    same(await store.get('b'), undefined)
  })

  test('write() deletes when the value is null, and a missing key is no error', async (store) => {
    await store.write([put('a', 1)])
    await store.write([
      { key: 'a', value: null },
      { key: 'never', value: null },
    ])
    same(await store.get('a'), undefined)
  })

  test('write() keeps the order of concurrent calls, synced or not', async (store) => {
    await Promise.all([store.write([put('a', 1)]), store.write([put('a', 2)], { sync: false }), store.write([put('a', 3)])])
    same(await store.get('a'), bytes(3))
  })

  test('write() writes nothing of a batch with a bad key', async (store) => {
    same(await codeOf(store.write([put('good', 1), put('', 1)])), 'E_STORE_KEY')
    same(await codeOf(store.write([put('\ud800', 1)])), 'E_STORE_KEY')
    same(await store.get('good'), undefined)
  })

  test('get() gives bytes that the caller may change without changing the store', async (store) => {
    const value = bytes(1, 2, 3)
    await store.write([{ key: 'a', value }])
    value.fill(9)
    const first = await store.get('a')
    first?.fill(7)
    same(await store.get('a'), bytes(1, 2, 3))
  })

  test('getMany() keeps the order of the keys and the holes', async (store) => {
    await store.write([put('a', 1), put('b', 2)])
    same(await store.getMany(['b', 'x', 'a', 'b']), [bytes(2), undefined, bytes(1), bytes(2)])
    same(await store.getMany([]), [])
  })

  test('range() gives keys in UTF-8 byte order', async (store) => {
    const keys = ['b', 'a', 'aa', 'Z', 'é', '\uffee', '\u{1f600}', '!']
    await store.write(keys.map((key) => put(key, 1)))
    same(await allKeys(store), ['!', 'Z', 'a', 'aa', 'b', 'é', '\uffee', '\u{1f600}'])
  })

  test('range() honours each bound, the direction and the limit', async (store) => {
    await store.write(['a', 'b', 'c', 'd', 'e'].map((key) => put(key, 1)))
    same(await allKeys(store, { gte: 'b', lt: 'd' }), ['b', 'c'])
    same(await allKeys(store, { gt: 'b', lte: 'd' }), ['c', 'd'])
    same(await allKeys(store, { reverse: true, limit: 2 }), ['e', 'd'])
    same(await allKeys(store, { gt: 'a', lt: 'd', reverse: true }), ['c', 'b'])
    same(await allKeys(store, { lte: 'c', reverse: true }), ['c', 'b', 'a'])
    same(await allKeys(store, { gte: 'bb', limit: 1 }), ['c'])
    same(await allKeys(store, { gte: 'x' }), [])
    same(await allKeys(store, { limit: 0 }), [])
  })

  test('range() may be left early and reads what was there when it began', async (store) => {
    await store.write([put('a', 1), put('b', 1), put('c', 1)])
    const seen: string[] = []
    for await (const [key] of store.range()) {
      seen.push(key)
      if (key === 'a') await store.write([{ key: 'b', value: null }, put('ab', 1)])
    }
    same(seen, ['a', 'b', 'c'])
    for await (const [key] of store.range()) {
      same(key, 'a')
      break
    }
  })

  test('chunks() and keys() give what range() gives, through a sub-store too', async (store) => {
    const inner = store.sub('a')
    await inner.write(Array.from({ length: 1_200 }, (_, i) => put(`k${String(i).padStart(4, '0')}`, i & 255)))
    for (const each of [store, inner]) {
      for (const range of [{}, { gte: 'k0700', lt: 'k0900' }, { reverse: true, limit: 3 }, { gt: 'x' }]) {
        const expected: (readonly [string, Uint8Array])[] = []
        for await (const entry of each.range(range)) expected.push(entry)
        const chunks: (readonly [string, Uint8Array])[] = []
        for await (const chunk of chunksOf(each, range)) chunks.push(...chunk)
        same(chunks, expected)
        const keys: string[] = []
        for await (const chunk of keysOf(each, range)) keys.push(...chunk)
        same(
          keys,
          expected.map(([key]) => key),
        )
      }
    }
    for await (const chunk of chunksOf(inner)) {
      same(chunk.length > 0, true)
      break
    }
  })

  test('sub() keeps its keys apart and shows them to the parent under its prefix', async (store) => {
    const a = store.sub('a')
    const ab = a.sub('b')
    await store.write([put('k', 0), put('a"', 0), put('a ', 0)])
    await a.write([put('k', 1), put('l', 1)])
    await ab.write([put('k', 2)])
    same(await a.get('k'), bytes(1))
    same(await ab.getMany(['k', 'l']), [bytes(2), undefined])
    same(await allKeys(a), ['b!k', 'k', 'l'])
    same(await allKeys(a, { gt: 'k' }), ['l'])
    same(await allKeys(a, { reverse: true, lt: 'k' }), ['b!k'])
    same(await allKeys(ab), ['k'])
    same(await allKeys(store), ['a ', 'a!b!k', 'a!k', 'a!l', 'a"', 'k'])
    await a.close()
    same(await a.get('k'), bytes(1))
  })

  test('close() makes later calls reject', async (store) => {
    await store.close()
    same(await codeOf(store.get('a')), 'E_STORE_CLOSED')
    same(await codeOf(store.getMany(['a'])), 'E_STORE_CLOSED')
    same(await codeOf(store.write([put('a', 1)])), 'E_STORE_CLOSED')
    same(await codeOf(allKeys(store)), 'E_STORE_CLOSED')
    same(await codeOf(store.sub('a').get('a')), 'E_STORE_CLOSED')
    await store.close()
  })
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

function put(key: string, ...values: number[]): { key: string; value: Uint8Array } {
  return { key, value: bytes(...values) }
}

async function allKeys(store: Store, range?: Range): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of store.range(range)) keys.push(key)
  return keys
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'resolved',
    (error: unknown) => errorCode(error),
  )
}

/** Bare comparison, so that the suite needs no test library. */
function same(actual: unknown, expected: unknown): void {
  const show = (value: unknown): string =>
    JSON.stringify(value, (_, v: unknown) => (v === undefined ? 'undefined' : v instanceof Uint8Array ? `bytes ${v.join(' ')}` : v)) ??
    'undefined'
  if (show(actual) !== show(expected)) throw new Error(`expected ${show(expected)}, got ${show(actual)}`)
}
