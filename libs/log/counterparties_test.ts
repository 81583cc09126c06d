// Counterparties: read from the ledger's end, followed as it grows, forgotten after 90 days.

import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type Entry, type Ledger, memoryJournal, openLedger } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { COUNTERPARTY_DAYS, followCounterparties } from './counterparties.ts'

const DAY = 86_400
const NOW = 1_800_000_000
const owner = createIdentity(new Uint8Array(32).fill(1))
const key = (n: number): Uint8Array => new Uint8Array(32).fill(n)

async function ledgerOf(log = 0): Promise<Ledger> {
  const parts = {
    store: memoryStore(),
    journal: memoryJournal(),
    signer: owner.signer,
    suite: nodeSuite(),
    clock: virtualClock(),
    random: seededRandom(1),
    log,
  }
  return await openLedger(parts)
}

const entry = (peer: Uint8Array | null, at: number): Entry => ({
  kind: 'opened',
  at,
  number: null,
  peer,
  contract: null,
  facts: null,
  evidence: [],
})

it('followCounterparties() lists who has an entry of the last 90 days, newest first, and not the owner', async () => {
  const ledger = await ledgerOf()
  const parties = followCounterparties(() => ledger)
  expect(await parties.list(NOW)).toEqual([])
  await ledger.append([
    entry(key(2), NOW - 100 * DAY),
    entry(key(3), NOW - 80 * DAY),
    entry(key(4), NOW - DAY),
    entry(null, NOW),
    entry(owner.publicKey, NOW),
  ])
  expect(await parties.list(NOW)).toEqual([key(4), key(3)])
  expect(await parties.has(key(2), NOW)).toBe(false)
  await ledger.append([entry(key(2), NOW)])
  expect(await parties.list(NOW)).toEqual([key(2), key(4), key(3)])
  expect(await parties.list(NOW + (COUNTERPARTY_DAYS - 0.5) * DAY)).toEqual([key(2)])
})

it('mayConfirm() is true for counterparties from before the opening, and for newer ones when there is none of those within 90 days', async () => {
  const ledger = await ledgerOf()
  const fresh = followCounterparties(() => ledger)
  await ledger.append([entry(key(2), NOW)])
  expect(await fresh.mayConfirm(key(2), NOW)).toBe(true)
  expect(await fresh.mayConfirm(key(3), NOW)).toBe(false)
  const opened = followCounterparties(() => ledger)
  await ledger.append([entry(key(3), NOW)])
  expect(await opened.mayConfirm(key(2), NOW)).toBe(true)
  expect(await opened.has(key(3), NOW)).toBe(true)
  expect(await opened.mayConfirm(key(3), NOW)).toBe(false)
  await ledger.append([entry(key(3), NOW + 99 * DAY)])
  expect(await opened.mayConfirm(key(2), NOW + 99 * DAY)).toBe(false)
  expect(await opened.mayConfirm(key(3), NOW + 99 * DAY)).toBe(true)
})

it('reread() finds those whose entries were put back among others', async () => {
  const ledger = await ledgerOf()
  await ledger.append([entry(key(2), NOW)])
  const parties = followCounterparties(() => ledger)
  expect(await parties.list(NOW)).toEqual([key(2)])
  const lost = await ledgerOf()
  await lost.append([entry(key(3), NOW)])
  await ledger.restore(lost.head(), [await lost.get(0)])
  expect(ledger.size).toBe(2)
  expect(await parties.has(key(3), NOW)).toBe(false)
  parties.reread()
  expect(await parties.has(key(3), NOW)).toBe(true)
})

it('followCounterparties() goes on with a successor without forgetting', async () => {
  let ledger = await ledgerOf()
  const parties = followCounterparties(() => ledger)
  await ledger.append([entry(key(2), NOW)])
  expect(await parties.has(key(2), NOW)).toBe(true)
  ledger = await ledgerOf(1)
  await ledger.append([entry(key(3), NOW)])
  expect(await parties.has(key(3), NOW)).toBe(true)
  expect(await parties.has(key(2), NOW)).toBe(true)
})
