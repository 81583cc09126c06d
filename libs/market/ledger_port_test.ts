import { createIdentity, portableSuite } from '@haggle/identity'
import { type Ledger, memoryJournal, openLedger } from '@haggle/reputation'
import { memoryStore, type Store } from '@haggle/store'
import { HaggleError } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { type LedgerLine, ledgerPort, type WaitingLedgerPort } from './ledger_port.ts'
import { openWaiting } from './waiting_entries.ts'

const line: LedgerLine = {
  kind: 'opened',
  number: 3,
  contract: new Uint8Array(32).fill(7),
  peer: createIdentity(new Uint8Array(32).fill(2)).publicKey,
  facts: null,
  evidence: [],
  longestS: null,
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

const clock = virtualClock()

async function ledgerOf(log = 0): Promise<Ledger> {
  const { signer } = createIdentity(new Uint8Array(32).fill(1))
  return await openLedger({
    store: memoryStore(),
    journal: memoryJournal(),
    signer,
    suite: portableSuite(),
    clock,
    random: seededRandom(1),
    log,
  })
}

/** A ledger that answers a call as the real one, or throws what `failing` says of it. */
function failingLedger(ledger: Ledger, failing: () => Partial<Record<'append' | 'byContract', string>>): Ledger {
  const refuse = (name: 'append' | 'byContract'): void => {
    const code = failing()[name]
    if (code !== undefined) throw new HaggleError(code, `Cannot ${name}`)
  }
  return {
    ...ledger,
    get size() {
      return ledger.size
    },
    get: (index) => ledger.get(index),
    async append(entries) {
      refuse('append')
      return await ledger.append(entries)
    },
    byContract(id) {
      refuse('byContract')
      return ledger.byContract(id)
    },
  }
}

async function portOf(
  current?: () => Ledger,
  store: Store = memoryStore(),
): Promise<{ port: WaitingLedgerPort; kinds: () => Promise<string[]>; problems: unknown[] }> {
  const ledger = current === undefined ? await ledgerOf() : undefined
  const problems: unknown[] = []
  const waiting = await openWaiting(store)
  const port = ledgerPort(current ?? (() => ledger!), { clock, waiting, onProblem: (error) => problems.push(error) })
  return { port, kinds: async () => (await port.list({ limit: 9 })).map(({ kind }) => kind), problems }
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

it('append() keeps what the ledger can not take, over a restart too, and appends it with its time once it can', async () => {
  const ledger = await ledgerOf()
  let failing: Partial<Record<'append' | 'byContract', string>> = { append: 'E_LEDGER_DAMAGED' }
  const store = memoryStore()
  const flaky = failingLedger(ledger, () => failing)
  const { port, kinds, problems } = await portOf(() => flaky, store)
  const at = Math.floor(clock.now() / 1000)
  await port.append(line)
  failing = { byContract: 'E_LEDGER_LOST' }
  await port.append(closed)
  expect(problems).toMatchObject([{ code: 'E_LEDGER_DAMAGED' }, { code: 'E_LEDGER_LOST' }])
  expect(port.waiting).toBe(2)
  expect(await kinds()).toEqual([])
  failing = {}
  clock.advance(3_600_000)
  const again = await portOf(() => flaky, store)
  expect(again.port.waiting).toBe(2)
  await again.port.flush()
  expect(await again.kinds()).toEqual(['closed', 'opened'])
  expect((await ledger.get(1)).entry.at).toBe(at)
  expect(again.port.waiting).toBe(0)
  expect((await portOf(() => flaky, store)).port.waiting).toBe(0)
})

it('append() takes along what waits, and one that can not be appended holds up no other', async () => {
  const ledger = await ledgerOf()
  let failing: Partial<Record<'append' | 'byContract', string>> = { append: 'E_LEDGER_WRITE' }
  const { port, kinds } = await portOf(() => failingLedger(ledger, () => failing))
  await port.append(line)
  await port.append({ ...line, contract: new Uint8Array(32).fill(8) })
  failing = {}
  await port.append({ ...closed, contract: new Uint8Array(32).fill(9) })
  expect(await kinds()).toEqual(['opened', 'opened', 'closed'])
})

it('append() goes on in the successor when the ledger is closed under it', async () => {
  const [old, successor] = [await ledgerOf(), await ledgerOf(1)]
  let current = old
  const closing = failingLedger(old, () => {
    current = successor
    return { append: 'E_LEDGER_CLOSED' }
  })
  const { port } = await portOf(() => (current === old ? closing : current))
  await port.append(line)
  expect(port.waiting).toBe(0)
  expect(successor.size).toBe(1)
})

it('append() refuses what no ledger takes', async () => {
  const { port } = await portOf()
  await expect(port.append({ ...line, number: -1 })).rejects.toMatchObject({ code: 'E_WIRE_SCHEMA' })
  expect(port.waiting).toBe(0)
})
