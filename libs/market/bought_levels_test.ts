// When a renter lets a case end: never before its own contract did.

import type { Thread } from '@haggle/negotiate'
import { memoryStore } from '@haggle/store'
import { type Case, encodeSla } from '@haggle/witness'
import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { BoughtLevels } from './bought_levels.ts'
import type { CourtAccess } from './court_access.ts'
import { levelOf } from './level_of.ts'

const account = (byte: number): Uint8Array => new Uint8Array(20).fill(byte)
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const sla = encodeSla({
  chain: 31_337,
  court: account(9),
  rule: 2,
  slotS: 10,
  slots: 30,
  pricePerSlot: 1n,
  factor: 10,
  lock: 300n,
  fee: 1n,
  renter: account(1),
  provider: account(2),
})

it('agrees() to an end that covers the contract, also after a restart, and to none before it is over', async () => {
  const clock = virtualClock()
  const store = memoryStore()
  const startsAtS = Math.floor(clock.now() / 1_000)
  let asked: Uint8Array | undefined
  const court = {
    caseOf: (id: Uint8Array) => {
      asked = id
      return { startsAtS, slotS: 10, slots: 30 } as Case
    },
  } as unknown as CourtAccess
  const over = Promise.withResolvers<void>()
  const view = { terms: { sla }, contract: key(3), role: 'renter' }
  const thread = { id: 't', record: { peerKey: key(5) }, view: () => view, ended: over.promise } as unknown as Thread
  const levels = new BoughtLevels({ court, clock, store, self: key(4) })
  await levels.start()
  levels.take(thread)
  await clock.settle(25_000)
  const id = levelOf(thread, key(4))?.id ?? key(0)
  expect(levels.agrees(id, 30)).toBe(false)
  over.resolve()
  await clock.settle()
  expect([levels.agrees(id, 2), levels.agrees(id, 3)]).toEqual([false, true])
  expect(asked).toEqual(id)
  const again = new BoughtLevels({ court, clock, store, self: key(4) })
  await again.start()
  expect([again.agrees(id, 2), again.agrees(id, 3), again.agrees(key(7), 30)]).toEqual([false, true, false])
})
