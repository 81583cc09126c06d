import { memoryStore } from '@haggle/store'
import type { Message } from '@haggle/wire'
import { expect, it } from 'vitest'
import { Chain } from './_chain.ts'
import { threadStore } from './thread_store.ts'

const THREAD = new Uint8Array(16).fill(1)
const bytesOf = (seq: number): Uint8Array => Uint8Array.of(seq >> 16, (seq >> 8) & 0xff, seq & 0xff)
const seqsOf = (all: readonly Uint8Array[]): number[] => all.map(([a = 0, b = 0, c = 0]) => (a << 16) | (b << 8) | c)

async function chainOf(length: number): Promise<Chain> {
  const store = threadStore(memoryStore())
  const chain = new Chain(THREAD, 'own', store)
  for (let seq = 0; seq < length; seq++) {
    await store.write([store.message(THREAD, 'own', seq, bytesOf(seq))])
    chain.push({ seq, bytes: bytesOf(seq) } as Message)
  }
  return chain
}

it('Chain knows every message by its number, and keeps the last ones in memory', async () => {
  const chain = await chainOf(10_000)
  expect(chain.length).toBe(10_000)
  expect(chain.recent.length).toBeLessThanOrEqual(8_192)
  expect(chain.last?.seq).toBe(9_999)
  expect(chain.at(9_000)?.seq).toBe(9_000)
  expect(chain.at(0)).toBeUndefined()
  expect(chain.at(10_000)).toBeUndefined()
})

it('bytesFrom() gives what was let go, what is there, and both in one piece', async () => {
  const chain = await chainOf(10_000)
  const edge = chain.recent[0]?.seq ?? 0
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
  expect(seqsOf(await chain.bytesFrom(0, 3))).toEqual([0, 1, 2])
  expect(seqsOf(await chain.bytesFrom(edge - 2, 5))).toEqual(range(edge - 2, edge + 3))
  expect(seqsOf(await chain.bytesFrom(9_998, 256))).toEqual([9_998, 9_999])
  expect(await chain.bytesFrom(10_000, 256)).toEqual([])
  expect(await chain.bytesFrom(2 ** 32, 256)).toEqual([])
})
