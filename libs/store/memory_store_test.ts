// The memory store passes the seam's suite, and agrees with a plain sorted map under random histories.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareKeys } from './_bounds.ts'
import { memoryStore } from './memory_store.ts'
import { testStore } from './testing.ts'

testStore('memoryStore()', async () => memoryStore(), { it })

const key = fc.string({ minLength: 1, maxLength: 4, unit: 'binary' })

it('compareKeys() orders as UTF-8 bytes do when keys hold any character', () => {
  const encoder = new TextEncoder()
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(encoder.encode(a), encoder.encode(b))))
    }),
  )
})

it('range() gives what a sorted map gives when written at random', async () => {
  const write = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'ab', 'é', '\u{1f600}'),
    value: fc.option(fc.uint8Array({ maxLength: 2 })),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(write), async (writes) => {
      const store = memoryStore()
      const model = new Map<string, Uint8Array>()
      for (const w of writes) {
        await store.write([w])
        if (w.value === null) model.delete(w.key)
        else model.set(w.key, w.value)
      }
      const expected = [...model].sort(([a], [b]) => compareKeys(a, b))
      const seen: (readonly [string, Uint8Array])[] = []
      for await (const entry of store.range()) seen.push(entry)
      expect(seen).toEqual(expected)
    }),
  )
})
