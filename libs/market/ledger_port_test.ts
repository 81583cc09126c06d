import { createIdentity, portableSuite } from '@haggle/identity'
import { memoryJournal, openLedger } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { type LedgerLine, type LedgerPort, ledgerPort } from './ledger_port.ts'

const line: LedgerLine = {
  kind: 'opened',
  number: 3,
  contract: new Uint8Array(32).fill(7),
  peer: createIdentity(new Uint8Array(32).fill(2)).publicKey,
  facts: null,
  evidence: [],
  isPublic: false,
}
const closed: LedgerLine = {
  ...line,
  kind: 'closed',
  facts: {
    role: 'provider',
    outcome: 'settled',
    liable: null,
    rail: 'free',
    settled: 5n,
    meteredS: 9,
    upS: 9,
    speedPermille: null,
  },
  evidence: [Uint8Array.of(1)],
}

async function portOf(): Promise<{ port: LedgerPort; kinds: () => Promise<string[]> }> {
  const ledger = await openLedger({
    store: memoryStore(),
    journal: memoryJournal(),
    signer: createIdentity(new Uint8Array(32).fill(1)).signer,
    suite: portableSuite(),
    clock: virtualClock(),
    random: seededRandom(1),
  })
  const port = ledgerPort(() => ledger, virtualClock())
  return { port, kinds: async () => (await port.list({ limit: 9 })).map(({ kind }) => kind) }
}

it('append() writes a line once, however often and however fast it is told', async () => {
  const { port, kinds } = await portOf()
  await Promise.all([port.append(line), port.append(line), port.append(closed), port.append(closed)])
  expect(await kinds()).toEqual(['closed', 'opened'])
})

it('append() writes a closing again when the other side has signed since', async () => {
  const { port, kinds } = await portOf()
  await port.append(closed)
  await port.append({ ...closed, evidence: [Uint8Array.of(1), Uint8Array.of(2)] })
  expect(await kinds()).toEqual(['closed', 'closed'])
})

it('list() says what happened in a line', async () => {
  const { port } = await portOf()
  await port.append(closed)
  expect((await port.list({ limit: 1 }))[0]!.summary).toMatch(/^closed 07070707 with 12D3Koo\w+ settled, 9 s, 0\.000005 credits$/)
})
