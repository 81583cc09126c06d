// Logs among others, over the memory network: confirmed, cosigned, split views found, lost entries fetched, gaps seen.

import { CONTRACT_MESSAGES } from '@haggle/contract'
import { createIdentity, type Identity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type MemoryNetwork, memoryNetwork, type MemoryNode } from '@haggle/mesh'
import {
  CLOSE_WITHIN_S,
  type Entry,
  type Facts,
  type Journal,
  memoryJournal,
  type Memory,
  openMemory,
  proveEntry,
  SHOWN_WITHIN_S,
} from '@haggle/reputation'
import { memoryStore, type Store } from '@haggle/store'
import { networkId, seal, utf8 } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from './ask.ts'
import { type LogEvent, type LogService, startLog } from './log_service.ts'
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from './protocol.ts'

const suite = nodeSuite()
const id = networkId('devnet-log')
const clock = virtualClock()
const NOW_S = Math.floor(clock.now() / 1000)

/** One node of a test. */
interface Peer {
  readonly identity: Identity
  readonly network: MemoryNode
  readonly store: Store
  readonly journals: Journal[]
  readonly memory: Memory
  readonly log: LogService
  readonly events: LogEvent[]
}

const facts: Facts = {
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'evm',
  settled: 1_000_000n,
  meteredS: 60,
  upS: null,
  speedPermille: null,
}

function entry(kind: Entry['kind'], peer: Peer, number: number | null = null): Entry {
  const settled = kind === 'closed' ? facts : null
  return {
    kind,
    at: NOW_S,
    number,
    peer: peer.identity.publicKey,
    contract: suite.sha256(utf8(`${number}`)),
    facts: settled,
    evidence: [utf8(`about ${number}`)],
  }
}

/** The receipts of both parties of one contract. */
function bothReceipts(...[a, b]: [Identity, Identity]): { readonly contract: Uint8Array; readonly evidence: readonly Uint8Array[] } {
  const contract = suite.sha256(utf8('the contract'))
  const body = { contract, termsHash: suite.sha256(utf8('terms')), usage: [60_000n], owed: facts.settled, reason: null }
  const rest = { network: id, thread: new Uint8Array(16).fill(5), seq: 9, prev: contract, ack: contract, iat: NOW_S, exp: NOW_S + 60, body }
  const signed = (by: Identity, to: Identity): Uint8Array =>
    seal(CONTRACT_MESSAGES.receipt, { ...rest, audience: to.publicKey }, by.signer, suite).bytes
  return { contract, evidence: [signed(a, b), signed(b, a)] }
}

describe('startLog()', () => {
  let hub: MemoryNetwork
  let running: Peer[]
  let salts = 0

  beforeEach(() => {
    hub = memoryNetwork()
    running = []
  })

  afterEach(async () => {
    for (const peer of running) await peer.log.stop()
    await hub.stop()
  })

  async function join(seed: number, parts: { store?: Store; journals?: Journal[]; as?: Identity } = {}): Promise<Peer> {
    const identity = parts.as ?? createIdentity(new Uint8Array(32).fill(seed))
    const store = parts.store ?? memoryStore()
    const journals = parts.journals ?? []
    const random = (n: number): Uint8Array => new Uint8Array(n).fill(++salts)
    const common = { signer: identity.signer, suite, clock }
    const memory = await openMemory({
      ...common,
      store: store.sub('memory'),
      journal: async (log) => (journals[log] ??= memoryJournal()),
      random,
      network: id,
    })
    const network = hub.join(identity)
    const events: LogEvent[] = []
    const log = await startLog({
      ...common,
      network,
      networkId: id,
      memory,
      store: store.sub('log'),
      onEvent: (event) => events.push(event),
    })
    const peer = { identity, network, store, journals, memory, log, events }
    running.push(peer)
    return peer
  }

  async function leave(peer: Peer): Promise<void> {
    await peer.log.stop()
    await peer.network.stop()
    await peer.memory.close()
    running = running.filter((each) => each !== peer)
  }

  const meet = async (a: Peer, b: Peer): Promise<void> => await a.network.connect({ peerId: b.identity.peerId })

  /** Both have a contract with each other, each in its own ledger. */
  async function deal(a: Peer, b: Peer, number: number): Promise<void> {
    await a.memory.ledger.append([entry('opened', b, number), entry('closed', b, number)])
    await b.memory.ledger.append([entry('opened', a, number), entry('closed', a, number)])
  }

  it('signs nothing alone, and is confirmed by the first counterparty that answers', async () => {
    const [a, b, stranger] = [await join(1), await join(2), await join(3)]
    await deal(a, b, 1)
    expect(await a.log.confirm()).toBe('unconfirmed')
    // A stranger knows of no head whatever there was: an old backup would be waved through.
    await meet(a, stranger)
    expect(await a.log.confirm()).toBe('unconfirmed')
    await expect(a.log.checkpoint()).rejects.toMatchObject({ code: 'E_HEAD_UNCONFIRMED' })
    await meet(a, b)
    expect(await a.log.confirm()).toBe('ok')
    expect(await a.log.checkpoint()).toMatchObject({ cosigned: 1, failed: 0 })
    expect(a.log.status()).toMatchObject({ state: 'ok', size: 2, signedSize: 2, missing: 0, cosigners: 1 })
  })

  it('is not confirmed by who came after it was opened while it has counterparties from before', async () => {
    const [b, c] = [await join(2), await join(3)]
    const first = await join(1)
    await deal(first, b, 1)
    await leave(first)
    // It may be a backup: its new customer knows no head of it, whatever b was shown.
    const again = await join(1, { store: first.store, journals: first.journals })
    await deal(again, c, 2)
    await meet(again, c)
    expect(await again.log.confirm()).toBe('unconfirmed')
    await expect(again.log.checkpoint()).rejects.toMatchObject({ code: 'E_HEAD_UNCONFIRMED' })
    await meet(again, b)
    expect(await again.log.confirm()).toBe('ok')
  })

  it('is confirmed after a restart though nobody was there to be brought its last head, and not when somebody was', async () => {
    const [b, c] = [await join(2), await join(3)]
    const first = await join(1)
    await meet(first, b)
    await deal(first, b, 1)
    await first.log.confirm()
    await first.network.disconnect(b.identity.peerId)
    // Signed on the way out, for nobody to see.
    await leave(first)
    const second = await join(1, { store: first.store, journals: first.journals })
    expect(second.log.status()).toMatchObject({ state: 'unconfirmed', signedSize: 2 })
    await meet(second, b)
    expect(await second.log.confirm()).toBe('ok')
    await deal(second, b, 2)
    expect(await second.log.checkpoint()).toMatchObject({ head: { body: { size: 4, prevSize: 2 } }, cosigned: 1 })
    await deal(second, c, 3)
    await leave(second)
    const third = await join(1, { store: first.store, journals: first.journals })
    // Now b has one, and c, who was away, can't say that there is none.
    await meet(third, c)
    expect(await third.log.confirm()).toBe('unconfirmed')
    await meet(third, b)
    expect(await third.log.confirm()).toBe('ok')
  })

  it('has each head cosigned by its counterparties alone, with the proof that it extends the last', async () => {
    const [a, b, stranger] = [await join(1), await join(2), await join(3)]
    await deal(a, b, 1)
    await meet(a, b)
    await meet(a, stranger)
    await a.log.confirm()
    for (let i = 2; i < 5; i++) {
      await deal(a, b, i)
      expect(await a.log.checkpoint()).toMatchObject({ cosigned: 1, failed: 0 })
    }
    expect((await b.memory.book.last(a.identity.publicKey))?.body.size).toBe(8)
    expect(await stranger.memory.book.last(a.identity.publicKey)).toBeUndefined()
  })

  it('brings its head to a counterparty that was away, as soon as it is met', async () => {
    const [a, b, c] = [await join(1), await join(2), await join(3)]
    await deal(a, b, 1)
    await deal(a, c, 2)
    await meet(a, c)
    hub.cut(a.identity.peerId, b.identity.peerId)
    await a.log.confirm()
    expect(await a.log.checkpoint()).toMatchObject({ cosigned: 1, failed: 1 })
    hub.heal(a.identity.peerId, b.identity.peerId)
    await meet(b, a)
    await settled()
    expect((await b.memory.book.last(a.identity.publicKey))?.body.size).toBe(4)
    expect(a.log.status().cosigners).toBe(2)
  })

  it('signs by itself when ten minutes have passed with changes', async () => {
    const [a, b] = [await join(1), await join(2)]
    await deal(a, b, 1)
    await meet(a, b)
    await a.log.confirm()
    for (let i = 0; i < 42; i++) await clock.settle(15_000)
    expect(a.log.status()).toMatchObject({ signedSize: 2, cosigners: 1 })
  })

  it('serves head, proofs and lines, and entries only to whom they are about', async () => {
    const [a, b, c] = [await join(1), await join(2), await join(3)]
    await deal(a, b, 1)
    await meet(a, b)
    await meet(a, c)
    await a.log.confirm()
    const { head } = await a.log.checkpoint()
    const target = { peerId: a.identity.peerId }
    const parts = (peer: Peer): { network: MemoryNode; clock: typeof clock } => ({ network: peer.network, clock })
    expect(await ask(parts(c), target, { name: 'head', body: { owner: null } })).toMatchObject({
      name: 'heads',
      body: { heads: [head.bytes] },
    })
    const lines = await ask(parts(c), target, { name: 'lines', body: { from: 0, to: 2 } })
    expect(lines).toMatchObject({
      name: 'lines',
      body: {
        lines: [
          { kind: 'opened', number: 1, bytes: null, salt: null },
          { kind: 'closed', bytes: null },
        ],
      },
    })
    const mine = await ask(parts(b), target, { name: 'lines', body: { from: 1, to: 2 } })
    expect(mine).toMatchObject({ body: { lines: [{ bytes: (await a.memory.ledger.get(1)).bytes }] } })
    expect(await ask(parts(c), target, { name: 'inclusion', body: { index: 1, size: 2 } })).toMatchObject({
      name: 'proof',
      body: { path: await a.memory.ledger.inclusionProof(1, 2) },
    })
    expect(await ask(parts(c), target, { name: 'consistency', body: { from: 1, to: 9 } })).toEqual({
      name: 'refused',
      body: { reason: 'range' },
    })
  })

  it('finds a split view between common counterparties in one exchange, tells everybody, and the liar scores nothing', async () => {
    // The liar keeps two ledgers under one key and shows a different one to each counterparty.
    const [b, c, d] = [await join(2), await join(3), await join(4)]
    const liar = createIdentity(new Uint8Array(32).fill(9))
    for (const [victim, numbers] of [
      [b, [1, 2]],
      [c, [7, 8, 9]],
    ] as const) {
      const face = await join(0, { as: liar })
      await meet(face, victim)
      for (const number of numbers) await deal(face, victim, number)
      await face.log.confirm()
      expect(await face.log.checkpoint()).toMatchObject({ cosigned: 1 })
      await leave(face)
    }
    expect(await b.memory.book.convicted(liar.publicKey)).toBeUndefined()
    expect((await b.memory.scores.score(liar.publicKey, 'provider')).value).toBeGreaterThan(0.05)
    await meet(c, d)
    await meet(b, d)
    await meet(b, c)
    await b.log.exchange(c.identity.peerId)
    await settled()
    for (const peer of [b, c, d]) expect(await peer.memory.book.convicted(liar.publicKey)).toBeDefined()
    expect((await b.memory.scores.score(liar.publicKey, 'provider')).value).toBe(0)
    expect(b.events.some((event) => event.kind === 'evidence')).toBe(true)
  })

  it('fetches from its counterparties what a restored backup lacks, and signs nothing meanwhile', async () => {
    const [b, c] = [await join(2), await join(3)]
    const first = await join(1)
    await meet(first, b)
    await meet(first, c)
    await deal(first, b, 1)
    await first.log.confirm()
    const backup = await first.journals[0]!.read(0, first.journals[0]!.length)
    for (let i = 2; i < 6; i++) {
      await deal(first, b, i)
      await deal(first, c, i + 10)
    }
    const { head } = await first.log.checkpoint()
    await leave(first)

    const again = await join(1, { journals: [memoryJournal(backup)] })
    expect(again.memory.ledger.size).toBe(2)
    await meet(again, b)
    expect(await again.log.confirm()).toBe('behind')
    expect(again.log.status()).toMatchObject({ size: 2, missing: 18 })
    await expect(again.log.checkpoint()).rejects.toMatchObject({ code: 'E_HEAD_BEHIND' })
    // One of the two alone hasn't kept everything.
    await again.memory.ledger.append([entry('opened', b, 99)])
    await expect(again.log.fetchLost()).rejects.toMatchObject({ code: 'E_RESTORE_MISSING' })
    await meet(again, c)
    expect(await again.log.fetchLost()).toBe(18)
    expect(again.log.status()).toMatchObject({ state: 'ok', size: 19, missing: 0 })
    expect(await again.memory.ledger.rootAt(18)).toEqual(head.body.root)
    expect((await again.memory.ledger.get(18)).entry.number).toBe(99)
    expect(await again.log.checkpoint()).toMatchObject({ cosigned: 2, failed: 0 })
  })

  it('starts a successor in the open where nobody has the lost entries, and counterparties cosign it', async () => {
    const b = await join(2)
    const first = await join(1)
    await meet(first, b)
    await deal(first, b, 1)
    // An entry that nobody else is shown.
    await first.memory.ledger.append([{ ...entry('challenge', b), peer: null }])
    await first.log.confirm()
    await first.log.checkpoint()
    await leave(first)
    const again = await join(1)
    await meet(again, b)
    expect(await again.log.confirm()).toBe('behind')
    await expect(again.log.fetchLost()).rejects.toMatchObject({ code: 'E_RESTORE_MISSING' })
    await again.memory.succeed()
    await again.memory.ledger.append([entry('opened', b, 2)])
    expect(await again.log.confirm()).toBe('ok')
    expect(await again.log.checkpoint()).toMatchObject({ cosigned: 1 })
    expect((await b.memory.book.last(again.identity.publicKey))?.body).toMatchObject({ log: 1, size: 2 })
    expect(await b.log.auditPeer(again.identity.publicKey)).toMatchObject({ succeeds: true })
  })

  it('audits a log as it shows itself, and its gaps count against it', async () => {
    const [a, b] = [await join(1), await join(2)]
    await meet(a, b)
    await deal(a, b, 1)
    await deal(a, b, 4)
    await a.log.confirm()
    await a.log.checkpoint()
    const before = (await b.memory.scores.score(a.identity.publicKey, 'provider')).value
    expect(await b.log.auditPeer(a.identity.publicKey)).toMatchObject({ opened: 2, missing: [2, 3], unclosed: [] })
    expect((await b.memory.scores.score(a.identity.publicKey, 'provider')).value).toBeLessThan(before)
  })

  it('counts it against a log within the hour that it does not close what its counterparty has closed with both signatures', async () => {
    const [a, b] = [await join(1), await join(2)]
    await meet(a, b)
    const { contract, evidence } = bothReceipts(a.identity, b.identity)
    const long = { at: Math.floor(clock.now() / 1000) - CLOSE_WITHIN_S - SHOWN_WITHIN_S - 1, contract, evidence }
    await a.memory.ledger.append([
      { ...entry('opened', b, 1), ...long, evidence: [] },
      // Of this one its counterparty has written nothing: it may go on for days.
      { ...entry('opened', b, 2), at: long.at },
    ])
    await b.memory.ledger.append([entry('opened', a, 7), { ...entry('closed', a, 7), ...long }])
    await a.log.confirm()
    await a.log.checkpoint()
    expect(await b.log.auditPeer(a.identity.publicKey)).toMatchObject({ opened: 2, unclosed: [1] })
    expect((await b.memory.scores.score(a.identity.publicKey, 'provider')).axes.disputes).toMatchObject({ bad: 1 })
    await a.memory.ledger.append([{ ...entry('closed', b, 1), contract, evidence }])
    await a.log.checkpoint()
    expect(await b.log.auditPeer(a.identity.publicKey)).toMatchObject({ unclosed: [] })
  })

  it('reads the logs of its counterparties by itself, now and then', async () => {
    const [a, b] = [await join(1), await join(2)]
    await meet(a, b)
    await deal(a, b, 1)
    await deal(a, b, 4)
    await a.log.confirm()
    await a.log.checkpoint()
    const before = (await b.memory.scores.score(a.identity.publicKey, 'provider')).value
    await clock.settle(15_000)
    await settled()
    expect((await b.memory.scores.score(a.identity.publicKey, 'provider')).axes.disputes).toMatchObject({ bad: 2 })
    expect((await b.memory.scores.score(a.identity.publicKey, 'provider')).value).toBeLessThan(before)
  })

  it('signs its last word before it stops, and brings it to whoever is connected', async () => {
    const [a, b] = [await join(1), await join(2)]
    await deal(a, b, 1)
    await meet(a, b)
    await a.log.confirm()
    await leave(a)
    expect((await b.memory.book.last(a.identity.publicKey))?.body).toMatchObject({ size: 2, reason: 'closing' })
  })

  it('knows after a restart who cosigned its last head', async () => {
    const b = await join(2)
    const first = await join(1)
    await deal(first, b, 1)
    await meet(first, b)
    await first.log.confirm()
    await first.log.checkpoint()
    await leave(first)
    const again = await join(1, { store: first.store, journals: first.journals })
    expect(again.log.status()).toMatchObject({ signedSize: 2, cosigners: 1, signedAt: first.log.status().signedAt })
  })

  describe('present()', () => {
    /** `worker` provided for `voucher`, which a stranger trusts as a renter, or not. */
    async function letter(): Promise<{ voucher: Peer; worker: Peer; proof: Uint8Array }> {
      const [voucher, worker] = [await join(1), await join(2)]
      const receipts = bothReceipts(voucher.identity, worker.identity)
      const { contract } = receipts
      await voucher.memory.ledger.append([{ ...entry('closed', worker, 1), contract, evidence: receipts.evidence }])
      await voucher.memory.heads.shown(null)
      const head = await voucher.memory.heads.sign('asked')
      return { voucher, worker, proof: await proveEntry(voucher.memory.ledger, 0, head) }
    }

    it('shows a stranger who knows its writer the proof that a newcomer carries, once', async () => {
      const { voucher, worker, proof } = await letter()
      const stranger = await join(3)
      const paid = { ...entry('closed', voucher, 1), facts: { ...facts, role: 'renter', settled: 100_000_000n } as Facts }
      await stranger.memory.ledger.append([paid])
      const standing = async (): Promise<number> =>
        (await stranger.memory.scores.standings([worker.identity.publicKey], 'provider'))[0]!.score.value
      const before = await standing()
      let brought = 0
      const { scores } = stranger.memory
      const bring = scores.bring.bind(scores)
      scores.bring = async (...args) => {
        brought++
        return await bring(...args)
      }
      expect(await worker.log.importProof(proof)).toMatchObject({ kind: 'carried' })
      await meet(worker, stranger)
      await settled()
      expect(await standing()).toBeGreaterThan(before)
      expect(await stranger.memory.scores.receipts(worker.identity.publicKey, 'provider')).toHaveLength(1)
      await worker.log.present(stranger.identity.peerId)
      expect(brought).toBe(1)
    })

    it('counts nothing from a writer whom nobody knows, and nothing about anybody but whoever shows it', async () => {
      const { voucher, worker, proof } = await letter()
      const stranger = await join(3)
      await meet(worker, stranger)
      const shown = async (by: Peer): Promise<unknown> =>
        await ask({ network: by.network, clock }, { peerId: stranger.identity.peerId }, { name: 'present', body: { proofs: [proof] } })
      expect(await shown(worker)).toEqual({ name: 'taken', body: { count: 0 } })
      const paid = { ...entry('closed', voucher, 1), facts: { ...facts, role: 'renter', settled: 100_000_000n } as Facts }
      await stranger.memory.ledger.append([paid])
      await meet(voucher, stranger)
      expect(await shown(voucher)).toEqual({ name: 'taken', body: { count: 0 } })
      expect(await shown(worker)).toEqual({ name: 'taken', body: { count: 1 } })
    })

    it('lets an owner count a proof about somebody else, and carries none that only its writer signed', async () => {
      const { worker, proof, voucher } = await letter()
      const other = await join(3)
      expect(await other.log.importProof(proof)).toMatchObject({ kind: 'counted' })
      await voucher.memory.ledger.append([entry('closed', worker, 2)])
      const alone = await proveEntry(voucher.memory.ledger, 1, await voucher.memory.heads.sign('asked'))
      await expect(worker.log.importProof(alone)).rejects.toMatchObject({ code: 'E_PROOF_USELESS' })
      await expect(other.log.importProof(alone)).rejects.toMatchObject({ code: 'E_PROOF_USELESS' })
    })
  })

  it('asks no more of a peer than it will take', async () => {
    const [a, b] = [await join(1), await join(2)]
    await meet(a, b)
    let refused = 0
    for (let i = 0; i < 260; i++) {
      const answer = await ask({ network: b.network, clock }, { peerId: a.identity.peerId }, { name: 'head', body: { owner: null } })
      if (answer.name === 'refused' && answer.body.reason === 'rate') refused++
    }
    expect(refused).toBeGreaterThan(40)
  })
})

it('questions and answers come back as they were, and nothing else is read', () => {
  const question = { owner: null }
  expect(decodeQuestion(encodeQuestion('head', question))).toEqual({ name: 'head', body: question })
  expect(decodeAnswer(encodeAnswer('ask', { from: 7 }))).toEqual({ name: 'ask', body: { from: 7 } })
  expect(() => decodeQuestion(encodeAnswer('ask', { from: 7 }))).toThrow('neither a question nor an answer')
})

/** Lets everything that needs no clock come to rest. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await clock.settle(0)
}
