// Scores of a running node: read from the index of its ledgers, follow them as they grow, and keep what proofs brought within bounds.

import { memoryStore, type Store } from '@haggle/store'
import { fromHex, toHex } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { ledgerOf, owner, sha256, suite } from './_fixture.ts'
import type { Entry, Facts } from './entry.ts'
import { openHeadBook } from './head_book.ts'
import type { Ledger, ScanOptions } from './ledger.ts'
import { openScoreBook, type ScoreBook, type ScoredLedger } from './score_book.ts'

const clock = virtualClock()
const AT = Math.floor(clock.now() / 1000)
const peer = new Uint8Array(32).fill(5)
const facts: Facts = {
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'evm',
  settled: 10_000n,
  meteredS: 60,
  upS: 60,
  speedPermille: null,
}

let contracts = 0
const closing = (some: Partial<Facts> = {}, rest: Partial<Entry> = {}): Entry => ({
  kind: 'closed',
  at: AT,
  number: null,
  peer,
  contract: sha256(Uint8Array.of(contracts++ & 255, contracts >> 8)),
  facts: { ...facts, ...some },
  evidence: [],
  ...rest,
})

async function bookOf(ledgers: readonly Ledger[], store: Store = memoryStore()): Promise<ScoreBook> {
  const heads = openHeadBook({ store: memoryStore(), suite, network: new Uint8Array(32) })
  return openScoreBook({ store, ledgers: () => ledgers, heads, suite, clock, key: owner.publicKey })
}

it('score() follows a ledger as it grows, reading each row once', async () => {
  const ledger = await ledgerOf()
  let rows = 0
  const counted: Ledger = Object.create(ledger, {
    size: { get: () => ledger.size },
    summaries: {
      value: async function* (key: Uint8Array, from?: number) {
        for await (const each of ledger.summaries(key, from)) {
          rows++
          yield each
        }
      },
    },
  }) as Ledger
  const book = await bookOf([counted])
  await ledger.append([closing(), closing()])
  const { axes } = await book.score(peer, 'provider')
  expect(axes.completes).toMatchObject({ good: 2, bad: 0 })
  await ledger.append([closing(), { ...closing(), kind: 'opened', facts: null }])
  expect((await book.score(peer, 'provider')).axes.completes?.good).toBe(3)
  expect((await book.score(peer, 'provider')).axes.uptime).toEqual({ good: 3, bad: 0, value: 1 })
  expect(rows).toBe(4)
})

it('score() keeps in memory what it read last, and so much at most, whoever deals with this node how often', async () => {
  const reads: number[] = []
  const ledger: ScoredLedger = {
    size: 1,
    entries: () => expect.unreachable(),
    summaries: async function* ([rows = 0]: Uint8Array) {
      reads.push(rows)
      for (let i = 0; i < rows * 1_000; i++) yield { index: i, kind: 'closed', at: AT, contract: String(i), facts }
    },
  }
  const heads = openHeadBook({ store: memoryStore(), suite, network: new Uint8Array(32) })
  const book = openScoreBook({ store: memoryStore(), ledgers: () => [ledger], heads, suite, clock, key: owner.publicKey })
  const ask = async (...thousands: number[]): Promise<number[]> => {
    reads.length = 0
    for (const rows of thousands) await book.receipts(new Uint8Array(32).fill(rows), 'provider')
    return [...reads]
  }
  expect(await ask(20, 30, 10)).toEqual([20, 30, 10])
  expect(await ask(10, 30, 20)).toEqual([])
  // 70,000 are too many: the one that was asked for longest ago goes.
  expect(await ask(15, 20, 30, 10)).toEqual([15, 10])
  // And one alone is kept, however many it has.
  expect(await ask(70, 70, 15)).toEqual([70, 15])
}, 20_000)

it('reread() also drops what is being read while it is called', async () => {
  const gate = Promise.withResolvers<void>()
  let rows = 0
  const ledger: ScoredLedger = {
    size: 1,
    entries: () => expect.unreachable(),
    summaries: async function* () {
      rows++
      yield { index: 0, kind: 'closed', at: AT, contract: String(rows), facts }
      if (rows === 1) await gate.promise
    },
  }
  const heads = openHeadBook({ store: memoryStore(), suite, network: new Uint8Array(32) })
  const book = openScoreBook({ store: memoryStore(), ledgers: () => [ledger], heads, suite, clock, key: owner.publicKey })
  const first = book.receipts(peer, 'provider')
  await expect.poll(() => rows).toBe(1)
  book.reread()
  gate.resolve()
  await first
  expect((await book.receipts(peer, 'provider')).map(({ contract }) => contract)).toEqual(['2'])
})

it('score() counts every log of the node, successors and those before', async () => {
  const [first, second] = [await ledgerOf(), await ledgerOf({ log: 1 })]
  await first.append([closing()])
  await second.append([closing({ outcome: 'failed', liable: 'provider', settled: 0n })])
  expect((await (await bookOf([first, second])).score(peer, 'provider')).axes.completes).toMatchObject({ good: 1, bad: 1 })
})

it('standings() reads nothing while nothing has changed, and only who is touched when something has', async () => {
  const ledger = await ledgerOf()
  const asked: number[] = []
  const counted: Ledger = Object.create(ledger, {
    size: { get: () => ledger.size },
    summaries: {
      value: (key: Uint8Array, from?: number) => {
        asked.push(key[0]!)
        return ledger.summaries(key, from)
      },
    },
    entries: { value: (options?: ScanOptions) => ledger.entries(options) },
  }) as Ledger
  const book = await bookOf([counted])
  const peers = [5, 6, 7].map((byte) => new Uint8Array(32).fill(byte))
  await ledger.append([closing(), closing({}, { peer: peers[1]! })])
  const first = await book.standings(peers, 'provider')
  expect(first.map(({ settled }) => settled)).toEqual([1, 1, 0])
  expect(first[0]!.score).toEqual(await book.score(peer, 'provider'))
  expect(first[2]!.score.value).toBeCloseTo(0.05)
  asked.length = 0
  expect(await book.standings(peers, 'provider')).toEqual(first)
  expect(asked).toEqual([])
  await ledger.append([closing()])
  expect((await book.standings(peers, 'provider')).map(({ settled }) => settled)).toEqual([2, 1, 0])
  expect(asked).toEqual([5])
})

it('standings() follows evidence, gaps and time', async () => {
  const ledger = await ledgerOf()
  const heads = { convictions: 0, async *convicts() {} }
  const own = virtualClock()
  const init = { store: memoryStore(), ledgers: () => [ledger], suite, clock: own, key: owner.publicKey }
  const convicted = {
    convictions: 1,
    async *convicts() {
      yield toHex(peer)
    },
  }
  let now: typeof convicted | typeof heads = heads
  const book = openScoreBook({
    ...init,
    heads: {
      get convictions() {
        return now.convictions
      },
      convicts: () => now.convicts(),
    },
  })
  await ledger.append([closing()])
  const value = async (): Promise<number> => (await book.standings([peer], 'provider'))[0]!.score.value
  const before = await value()
  await book.setGaps(peer, 2)
  const withGaps = await value()
  expect(withGaps).toBeLessThan(before)
  await own.advance(40 * 86_400_000)
  expect(await value()).not.toBe(withGaps)
  now = convicted
  expect(await value()).toBe(0)
})

it('receipts() lists what a score counts, newest first, with its weight', async () => {
  const ledger = await ledgerOf()
  await ledger.append([closing({}, { at: AT - 90 * 86_400 }), closing()])
  const found = await (await bookOf([ledger])).receipts(peer, 'provider')
  expect(found.map(({ weight }) => weight)).toEqual([1, 0.5])
})

it('setGaps() stays across an opening and is taken back by 0', async () => {
  const store = memoryStore()
  const ledger = await ledgerOf()
  await ledger.append([closing()])
  await (await bookOf([ledger], store)).setGaps(peer, 3)
  const again = await bookOf([ledger], store)
  expect((await again.score(peer, 'provider')).axes.disputes).toMatchObject({ bad: 3 })
  expect((await again.explain(peer, 'provider')).at(-1)).toMatchObject({ axis: 'disputes', by: toHex(peer), bad: 3 })
  await again.setGaps(peer, 0)
  expect((await again.score(peer, 'provider')).axes.disputes?.bad).toBe(0)
})

it('reread() counts entries that have moved', async () => {
  const ledger = await ledgerOf()
  let shown = 0
  const moving: Ledger = Object.create(ledger, {
    size: { get: () => 1 },
    summaries: {
      value: async function* (key: Uint8Array, from = 0) {
        if (from === 0 && shown === 1) yield* ledger.summaries(key)
      },
    },
  }) as Ledger
  await ledger.append([closing()])
  const book = await bookOf([moving])
  const settled = async (): Promise<number> => (await book.standings([peer], 'provider'))[0]!.settled
  expect(await settled()).toBe(0)
  shown = 1
  expect(await settled()).toBe(0)
  book.reread()
  expect(await settled()).toBe(1)
})

it('bring() refuses what is no proof', async () => {
  const book = await bookOf([await ledgerOf()])
  await expect(book.bring(fromHex('00'))).rejects.toMatchObject({ code: 'E_PROOF_FORMAT' })
})
