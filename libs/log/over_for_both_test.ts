// When contracts were over for both sides: by both signatures, or by the time that the terms allow; never by what the owner says of other people's.

import { CONTRACT_MESSAGES } from '@haggle/contract'
import { createIdentity, type Identity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type Entry, type Facts, type Ledger, memoryJournal, openLedger } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { networkId, seal } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { beforeEach, expect, it } from 'vitest'
import { overForBoth } from './over_for_both.ts'
import type { LineFrame } from './protocol.ts'

const suite = nodeSuite()
const [me, owner, other] = [1, 2, 3].map((byte) => createIdentity(new Uint8Array(32).fill(byte))) as [Identity, Identity, Identity]
const AT = 1_800_000_000
const facts: Facts = {
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'free',
  settled: 5n,
  meteredS: 60,
  upS: null,
  speedPermille: null,
}

const contractOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const entryOf = (kind: Entry['kind'], n: number, rest: Partial<Entry> = {}): Entry => ({
  kind,
  at: AT,
  number: n,
  peer: owner.publicKey,
  contract: contractOf(n),
  facts: kind === 'closed' ? facts : null,
  evidence: [],
  ...rest,
})

/** The receipts of both parties of contract `n`. */
function receipts(n: number): Uint8Array[] {
  const body = { contract: contractOf(n), termsHash: new Uint8Array(32), usage: [60_000n], owed: facts.settled, reason: null }
  const rest = {
    network: networkId('devnet-over'),
    thread: new Uint8Array(16),
    seq: 9,
    prev: contractOf(n),
    ack: contractOf(n),
    iat: AT,
    exp: AT + 60,
  }
  const signed = (by: Identity, to: Identity): Uint8Array =>
    seal(CONTRACT_MESSAGES.receipt, { ...rest, audience: to.publicKey, body }, by.signer, suite).bytes
  return [signed(me, owner), signed(owner, me)]
}

async function ledgerOf(by: Identity): Promise<Ledger> {
  const clock = virtualClock()
  return await openLedger({
    store: memoryStore(),
    journal: memoryJournal(),
    signer: by.signer,
    suite,
    clock,
    random: seededRandom(by.publicKey[0]!),
  })
}

/** What the owner shows: the contracts by numbers of its own, 10 higher, opened an hour after I opened them, as it says. */
async function linesOf(...contracts: readonly number[]): Promise<LineFrame[]> {
  const log = await ledgerOf(owner)
  await log.append(contracts.map((n) => entryOf('opened', n, { number: n + 10, peer: me.publicKey, at: AT + 3_600 })))
  const lines: LineFrame[] = []
  for await (const { index, entry, leaf, salt, bytes } of log.entries())
    lines.push({ index, kind: entry.kind, number: entry.number, at: entry.at, leaf, salt, bytes })
  return lines
}

let ledger: Ledger
beforeEach(async () => {
  ledger = await ledgerOf(me)
})

it('overForBoth() takes my closing that both signed', async () => {
  await ledger.append([entryOf('opened', 1), entryOf('closed', 1, { at: AT + 90, evidence: receipts(1) })])
  expect(await overForBoth({ ledger, suite }, owner.publicKey, await linesOf(1))).toEqual(new Map([[11, AT + 90]]))
})

it('overForBoth() gives a contract that I closed alone all the time that its terms allow', async () => {
  await ledger.append([
    entryOf('opened', 1),
    entryOf('closed', 1, { at: AT + 90 }),
    entryOf('opened', 2),
    entryOf('closed', 2, { at: AT + 900 }),
  ])
  const lines = await linesOf(1, 2)
  expect(await overForBoth({ ledger, suite }, owner.publicKey, lines)).toEqual(new Map())
  const longestOf = async (): Promise<number> => 600
  expect(await overForBoth({ ledger, suite, longestOf }, owner.publicKey, lines)).toEqual(
    new Map([
      [11, AT + 600],
      [12, AT + 900],
    ]),
  )
})

it('overForBoth() says nothing of what I have not closed, of entries that are hidden or not under their leaf, and of others', async () => {
  await ledger.append([
    entryOf('opened', 1),
    ...[2, 3].flatMap((n) => [entryOf('opened', n), entryOf('closed', n, { evidence: receipts(n) })]),
    entryOf('closed', 4, { peer: other.publicKey, evidence: receipts(4) }),
  ])
  const [open, hidden, forged, others, unknown] = (await linesOf(1, 2, 3, 4, 5)) as [LineFrame, LineFrame, LineFrame, LineFrame, LineFrame]
  const lines = [open, { ...hidden, salt: null, bytes: null }, { ...forged, leaf: unknown.leaf }, others, unknown]
  expect(await overForBoth({ ledger, suite }, owner.publicKey, lines)).toEqual(new Map())
})
