// The head goes on chain when it is due, once, and again after the chain refused.

import { ANCHOR_EVERY_MS, type Anchored, type ChainAnchor } from '@haggle/reputation'
import { virtualClock } from '@haggle/wire/testing'
import { expect, test, vi } from 'vitest'
import { ANCHOR_EVERY_ENTRIES, Anchoring } from './anchoring.ts'

const MINUTE_MS = 60_000

/** A ledger whose entries were all written at `atMs`, and a chain that takes anchors. */
function bench(size: number) {
  const clock = virtualClock()
  const taken: Anchored[] = []
  const ledger = { size, atMs: clock.now() }
  let refusing = false
  const anchors: ChainAnchor = {
    account: new Uint8Array(20),
    latest: async () => taken.at(-1) ?? null,
    anchor: async (head) => {
      if (refusing) throw new Error('the chain is down')
      taken.push({ ...head, block: taken.length + 1, transaction: `0x${taken.length}` })
      return taken.at(-1) as Anchored
    },
    check: async () => 'absent',
  }
  const onProblem = vi.fn()
  const anchoring = new Anchoring({
    clock,
    anchors,
    onProblem,
    heads: {
      now: async () => ({ log: 0, size: ledger.size }),
      sign: async () => ({ log: 0, size: ledger.size, root: new Uint8Array(32).fill(ledger.size) }),
      entryAtMs: async (index) => (index < ledger.size ? ledger.atMs : null),
    },
  })
  return { clock, taken, ledger, anchoring, onProblem, refuse: (on: boolean) => (refusing = on) }
}

test('start() anchors once an entry is six hours old, not before', async () => {
  const { clock, taken, anchoring } = bench(3)
  anchoring.start()
  await clock.settle(ANCHOR_EVERY_MS - MINUTE_MS)
  expect(taken).toHaveLength(0)
  await clock.settle(2 * MINUTE_MS)
  expect(taken).toMatchObject([{ size: 3 }])
  await clock.settle(2 * ANCHOR_EVERY_MS)
  expect(taken).toHaveLength(1)
  await anchoring.stop()
})

test('start() anchors at once when a thousand entries wait', async () => {
  const { clock, taken, ledger, anchoring } = bench(ANCHOR_EVERY_ENTRIES - 1)
  anchoring.start()
  await clock.settle(2 * MINUTE_MS)
  expect(taken).toHaveLength(0)
  ledger.size = ANCHOR_EVERY_ENTRIES
  await clock.settle(2 * MINUTE_MS)
  expect(taken).toMatchObject([{ size: ANCHOR_EVERY_ENTRIES }])
  await anchoring.stop()
})

test('start() tries again after the chain refused, and says so', async () => {
  const { clock, taken, anchoring, onProblem, refuse } = bench(1)
  refuse(true)
  anchoring.start()
  await clock.settle(ANCHOR_EVERY_MS + 2 * MINUTE_MS)
  expect(onProblem).toHaveBeenCalled()
  refuse(false)
  await clock.settle(2 * MINUTE_MS)
  expect(taken).toHaveLength(1)
  await anchoring.stop()
})

test('now() is null when nothing is new, and calls at once share one anchor', async () => {
  const { taken, anchoring, ledger } = bench(0)
  expect(await anchoring.now()).toBeNull()
  ledger.size = 2
  await Promise.all([anchoring.now(), anchoring.now()])
  expect(taken).toHaveLength(1)
  expect(await anchoring.now()).toBeNull()
})

test('state() says what waits and until when', async () => {
  const { anchoring, ledger } = bench(2)
  expect(await anchoring.state()).toMatchObject({ size: 2, pending: 2, anchored: null, nextAtMs: ledger.atMs + ANCHOR_EVERY_MS })
  await anchoring.now()
  expect(await anchoring.state()).toMatchObject({ pending: 0, nextAtMs: null, anchored: { size: 2 } })
})
