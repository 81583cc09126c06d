// A sub-store over any store: keys go under its prefix, ranges stay inside it.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryStore } from './memory_store.ts'
import { subStore } from './sub_store.ts'

const one = Uint8Array.of(1)

it('subStore() sees exactly the keys under its prefix, whatever lies around it', async () => {
  const name = fc.string({ minLength: 1, maxLength: 3, unit: 'binary' }).filter((text) => !text.includes('!'))
  await fc.assert(
    fc.asyncProperty(
      name,
      fc.uniqueArray(name),
      fc.array(fc.string({ minLength: 1, maxLength: 4, unit: 'binary' })),
      async (prefix, keys, around) => {
        const parent = memoryStore()
        await parent.write(around.filter((key) => !key.startsWith(`${prefix}!`)).map((key) => ({ key, value: one })))
        const store = subStore(parent, prefix)
        await store.write(keys.map((key) => ({ key, value: one })))
        const seen: string[] = []
        for await (const [key] of store.range()) seen.push(key)
        expect(new Set(seen)).toEqual(new Set(keys))
        expect(seen.length).toBe(keys.length)
      },
    ),
  )
})

it('subStore() refuses an empty key, which with its prefix would be one', async () => {
  const store = subStore(memoryStore(), 'a')
  await expect(store.write([{ key: '', value: one }])).rejects.toMatchObject({ code: 'E_STORE_KEY' })
  await expect(store.get('')).rejects.toMatchObject({ code: 'E_STORE_KEY' })
  expect(() => subStore(memoryStore(), '')).toThrow()
})
