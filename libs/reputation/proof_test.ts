// Portable proofs: an ordinary receipt out of a log of a million entries stays below 2 KiB and convinces a stranger; anything changed convinces nobody.

import { CONTRACT_MESSAGES } from '@haggle/contract'
import { createIdentity, type Identity } from '@haggle/identity'
import { memoryStore } from '@haggle/store'
import { concat, decode, encode, networkId, seal, utf8 } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { entryOf, ledgerOf, owner, sha256, suite } from './_fixture.ts'
import { audit, CLOSE_WITHIN_S, gapsOf, type LogLine, longestOf, SHOWN_WITHIN_S } from './audit.ts'
import type { SignedHead } from './checkpoint.ts'
import type { Entry, Facts } from './entry.ts'
import { readEvidence, voidEvidence } from './evidence.ts'
import { openHeadBook } from './head_book.ts'
import { openHeadSigner } from './head_signer.ts'
import type { Ledger } from './ledger.ts'
import { memoryJournal } from './journal.ts'
import { openMemory } from './memory.ts'
import { isBothSigned, isProof, observationOf, PROOF_BYTES, proveEntry, verifyProof } from './proof.ts'

const network = networkId('devnet-proof')
const clock = virtualClock()
const peer = createIdentity(new Uint8Array(32).fill(21))
const contract = sha256(utf8('a contract'))
const facts: Facts = {
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'evm',
  settled: 123_456n,
  meteredS: 600,
  upS: 600,
  speedPermille: 980,
}

function envelopeOf(
  from: { signer: Identity['signer']; publicKey: Uint8Array },
  to: Uint8Array,
  rest: { owed?: bigint; contract?: Uint8Array; reason?: 'meter' | null } = {},
): Uint8Array {
  const body = {
    contract: rest.contract ?? contract,
    termsHash: sha256(utf8('terms')),
    usage: [600_000n],
    owed: rest.owed ?? facts.settled,
    reason: rest.reason ?? null,
  }
  const header = {
    network,
    audience: to,
    thread: new Uint8Array(16).fill(5),
    seq: 70,
    prev: contract,
    ack: contract,
    iat: 1_790_000_000,
    exp: 1_790_000_500,
  }
  return seal(CONTRACT_MESSAGES.receipt, { ...header, body }, from.signer, suite).bytes
}

const closing = (evidence: readonly Uint8Array[], rest: Partial<Entry> = {}): Entry => ({
  kind: 'closed',
  at: 1_790_000_010,
  number: 4_000_000,
  peer: peer.publicKey,
  contract,
  facts,
  evidence,
  ...rest,
})
const receipts = [envelopeOf(owner, peer.publicKey), envelopeOf(peer, owner.publicKey)]

async function signed(ledger: Ledger): Promise<SignedHead> {
  const heads = await openHeadSigner({ ledger, store: memoryStore(), signer: owner.signer, suite, clock, network })
  await heads.shown(null)
  return await heads.sign('asked')
}

describe('proveEntry()', () => {
  let ledger: Ledger
  let file: Uint8Array

  beforeAll(async () => {
    ledger = await ledgerOf()
    await ledger.append([entryOf(0), closing(receipts), entryOf(2), closing([receipts[0]!]), entryOf(4)])
    file = await proveEntry(ledger, 1, await signed(ledger))
  })

  it('gives a file that checks by itself and says who did what', () => {
    expect(isProof(file)).toBe(true)
    const proof = verifyProof(file, suite)
    expect(proof).toMatchObject({ owner: owner.publicKey, index: 1, bothSigned: true, entry: { facts } })
    expect(observationOf(proof)).toMatchObject({ bothSigned: true, facts })
  })

  it('stays below 2 KiB in a log of a million entries', () => {
    const [bytes, salt, , , head] = decode(file.subarray(15)) as [Uint8Array, Uint8Array, number, Uint8Array[], Uint8Array]
    const path = Array.from({ length: 20 }, () => new Uint8Array(32))
    const large = concat(file.subarray(0, 15), encode([bytes, salt, 1_000_000, path, head]))
    expect(large.length).toBeLessThan(PROOF_BYTES)
  })

  it('convinces nobody when any one bit is flipped', () => {
    for (let bit = 0; bit < file.length * 8; bit += 5) {
      const bad = file.slice()
      bad[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => verifyProof(bad, suite)).toThrow()
    }
  })

  it("is one side's word without both receipts, or when they differ from the entry", async () => {
    const one = verifyProof(await proveEntry(ledger, 3, await signed(ledger)), suite)
    expect(one.bothSigned).toBe(false)
    const stranger = createIdentity(new Uint8Array(32).fill(22))
    const others = [
      [receipts[0]!, envelopeOf(peer, owner.publicKey, { owed: 1n })],
      [receipts[0]!, envelopeOf(peer, owner.publicKey, { contract: sha256(utf8('another')) })],
      [receipts[0]!, envelopeOf(peer, owner.publicKey, { reason: 'meter' })],
      [receipts[0]!, envelopeOf(peer, stranger.publicKey)],
      [receipts[0]!, envelopeOf(stranger, owner.publicKey)],
      [receipts[0]!, receipts[0]!],
    ]
    for (const evidence of others) {
      const log = await ledgerOf()
      await log.append([closing(evidence)])
      expect(verifyProof(await proveEntry(log, 0, await signed(log)), suite).bothSigned).toBe(false)
    }
  })
})

describe('isBothSigned()', () => {
  const both = (ours: bigint, theirs: bigint, settled: bigint): boolean => {
    const evidence = [envelopeOf(owner, peer.publicKey, { owed: ours }), envelopeOf(peer, owner.publicKey, { owed: theirs })]
    return isBothSigned(closing(evidence, { facts: { ...facts, settled } }), owner.publicKey, suite)
  }

  it('takes receipts of a token with 18 decimals, or 36, for what they come to in millionths', () => {
    expect(both(7_500_000_000_000_000_000n, 7_500_000_000_000_000_000n, 7_500_000n)).toBe(true)
    expect(both(1_234_567_999_999_999_999n, 1_234_567_999_999_999_999n, 1_234_567n)).toBe(true)
    expect(both(5n * 10n ** 36n, 5n * 10n ** 36n, 5_000_000n)).toBe(true)
    expect(both(10n ** 11n, 10n ** 11n, 0n)).toBe(true)
    expect(both(0n, 0n, 0n)).toBe(true)
  })

  it('is false when the entry says more than the receipts, or something else, or they differ', () => {
    expect(both(7_500_000n, 7_500_000n, 75_000_000n)).toBe(false)
    expect(both(1_234_567_000_000_000_000n, 1_234_567_000_000_000_000n, 1_234_568n)).toBe(false)
    expect(both(0n, 0n, 1n)).toBe(false)
    // Each comes to the same millionths by a power of ten of its own.
    expect(both(7_500_000n, 7_500_000_000_000_000_000n, 7_500_000n)).toBe(false)
  })
})

describe('openMemory()', () => {
  const memoryOf = async (store = memoryStore(), journals: ReturnType<typeof memoryJournal>[] = []): ReturnType<typeof openMemory> =>
    await openMemory({
      store,
      journal: async (log) => (journals[log] ??= memoryJournal()),
      signer: owner.signer,
      suite,
      clock,
      random: (n) => new Uint8Array(n).fill(3),
      network,
    })

  it('scores from its own ledger, from proofs that others bring, and not at all after a conviction', async () => {
    const memory = await memoryOf()
    const [reporter, subject] = [createIdentity(new Uint8Array(32).fill(31)), createIdentity(new Uint8Array(32).fill(32))]
    expect((await memory.scores.score(subject.publicKey, 'provider')).value).toBeCloseTo(0.05, 12)
    // The reporter paid me well, and brings its receipt about the subject.
    await memory.ledger.append(
      Array.from({ length: 3 }, (_, i) =>
        closing([], {
          peer: reporter.publicKey,
          contract: sha256(Uint8Array.of(i)),
          facts: { ...facts, role: 'renter', settled: 1_000_000n },
        }),
      ),
    )
    const log = await ledgerOf({ signer: reporter.signer })
    const both = [envelopeOf(reporter, subject.publicKey), envelopeOf(subject, reporter.publicKey)]
    await log.append([closing(both, { peer: subject.publicKey }), closing([both[0]!], { peer: subject.publicKey })])
    const heads = await openHeadSigner({ ledger: log, store: memoryStore(), signer: reporter.signer, suite, clock, network })
    await heads.shown(null)
    const head = await heads.sign('asked')
    await memory.scores.bring(await proveEntry(log, 0, head))
    await expect(memory.scores.bring(await proveEntry(log, 1, head))).rejects.toMatchObject({ code: 'E_PROOF_USELESS' })
    const known = await memory.scores.score(reporter.publicKey, 'renter')
    const [told] = await memory.scores.scores([subject.publicKey], 'provider')
    expect(known.value).toBeGreaterThan(0.5)
    expect(told!.value).toBeGreaterThan(0.055)
    expect(told!.value).toBeLessThan(known.value)
    expect(await memory.scores.explain(subject.publicKey, 'provider')).toMatchObject([
      { axis: 'completes', contracts: 1, trust: 1 },
      {},
      {},
      {},
    ])
    await memory.scores.setGaps(subject.publicKey, 5)
    expect((await memory.scores.score(subject.publicKey, 'provider')).value).toBeLessThan(told!.value)
    await memory.close()
  })

  it('remembers what proofs brought, and that a contract was closed twice counts once', async () => {
    const store = memoryStore()
    const journals = [memoryJournal()]
    const memory = await memoryOf(store, journals)
    await memory.ledger.append([closing([])])
    const once = await memory.scores.score(peer.publicKey, 'provider')
    await memory.ledger.append([closing([], { at: 1_790_000_020 })])
    const twice = await memory.scores.score(peer.publicKey, 'provider')
    expect(twice.axes.completes!.good).toBeCloseTo(once.axes.completes!.good, 4)
    await memory.close()
    const again = await memoryOf(store, journals)
    expect((await again.scores.score(peer.publicKey, 'provider')).value).toBeCloseTo(twice.value, 12)
  })

  it('succeeds a log whose last word is lost, in the open, and keeps its scores', async () => {
    const store = memoryStore()
    const journals = [memoryJournal()]
    const memory = await memoryOf(store, journals)
    await expect(memory.succeed()).rejects.toMatchObject({ code: 'E_SUCCEED_NEEDLESS' })
    await memory.ledger.append([closing([])])
    const before = (await memory.scores.score(peer.publicKey, 'provider')).value
    const longer = await ledgerOf({ random: (n) => new Uint8Array(n).fill(3) })
    await longer.append([closing([]), entryOf(1), entryOf(2)])
    const lost = await signed(longer)
    expect(await memory.heads.shown(lost.bytes)).toMatchObject({ state: 'behind' })
    await memory.succeed()
    expect(memory.ledger).toMatchObject({ log: 1, size: 1 })
    expect((await memory.ledger.get(0)).entry).toMatchObject({ kind: 'succeeds', number: 0, evidence: [lost.bytes] })
    expect(await memory.heads.shown(lost.bytes)).toMatchObject({ state: 'ok' })
    expect((await memory.heads.sign('asked')).body).toMatchObject({ log: 1, size: 1, prevSize: 0 })
    expect((await memory.scores.score(peer.publicKey, 'provider')).value).toBeCloseTo(before, 12)
    await memory.close()
    const again = await memoryOf(store, journals)
    expect(again.ledger.log).toBe(1)
    expect(again.ledger.size).toBe(1)
  })
})

describe('audit()', () => {
  const line = (index: number, kind: LogLine['kind'], number: number | null, at = 0): LogLine => ({ index, kind, number, at })
  const options = { now: 100_000, longestS: 3_600 }

  it('finds nothing in a log that numbers and closes everything', () => {
    const lines = [line(0, 'opened', 1), line(1, 'closed', 1), line(2, 'void', 2), line(3, 'opened', 3, 99_000), line(4, 'receipt', null)]
    expect(audit(lines, options)).toEqual({ opened: 2, missing: [], unclosed: [], repeated: [], succeeds: false })
    expect(gapsOf(audit(lines.toReversed(), options))).toBe(0)
  })

  it('finds numbers left out, contracts never closed, numbers used twice and successions', () => {
    const lines = [
      line(0, 'succeeds', 0),
      line(1, 'opened', 7),
      line(2, 'opened', 9),
      line(3, 'closed', 9),
      line(4, 'opened', 9),
      line(5, 'void', 9),
    ]
    const found = audit(lines, options)
    expect(found).toEqual({ opened: 2, missing: [8], unclosed: [7], repeated: [9], succeeds: true })
    expect(gapsOf(found)).toBe(4)
    expect(audit([line(0, 'opened', 3), line(1, 'closed', 3)], options).missing).toEqual([1, 2])
  })

  it('counts a contract as never closed an hour, and ten minutes to sign, after it was over as far as the reader knows', () => {
    const [opened, over, due] = [10_000, 10_060, 10_060 + CLOSE_WITHIN_S + SHOWN_WITHIN_S]
    const lines = [line(0, 'opened', 1, opened), line(1, 'opened', 2, opened), line(2, 'opened', 3, opened), line(3, 'closed', 3, opened)]
    const known = { longestS: 30 * 86_400, over: new Map([1, 3].map((number) => [number, over])) }
    expect(audit(lines, { ...known, now: due }).unclosed).toEqual([])
    expect(audit(lines, { ...known, now: due + 1 }).unclosed).toEqual([1])
    // Whoever was no party to them knows only that no contract lasts longer.
    const last = opened + known.longestS + CLOSE_WITHIN_S + SHOWN_WITHIN_S
    expect(audit(lines, { now: last, longestS: known.longestS }).unclosed).toEqual([])
    expect(audit(lines, { now: last + 1, longestS: known.longestS }).unclosed).toEqual([1, 2])
  })

  it('longestOf() is staging, the run, and the silence that either side forgives', () => {
    expect(longestOf({ stagingMs: 60_000, maxMs: 600_000, idleMs: 30_500, graceMs: 15_000 })).toBe(706)
  })
})

describe('voidEvidence()', () => {
  it('shows that a log calls a contract void that was confirmed and acknowledged, and convicts it', async () => {
    const thread = new Uint8Array(16).fill(5)
    const accept = sha256(utf8('the accept'))
    const times = { iat: 1_790_000_000, exp: 1_790_000_050 }
    const confirm = seal(
      CONTRACT_MESSAGES.confirm,
      {
        network,
        audience: peer.publicKey,
        thread,
        seq: 1,
        prev: accept,
        ack: accept,
        ...times,
        body: { accept, termsHash: sha256(utf8('terms')), number: 3 },
      },
      owner.signer,
      suite,
    )
    const ackWith = (ack: Uint8Array): Uint8Array =>
      seal(
        CONTRACT_MESSAGES.voucher,
        { network, audience: owner.publicKey, thread, seq: 2, prev: accept, ack, ...times, body: voucherBody },
        peer.signer,
        suite,
      ).bytes
    const ledger = await ledgerOf()
    await ledger.append([{ ...entryOf(0), kind: 'void', contract: accept, facts: null }, entryOf(1)])
    const { bytes, salt } = await ledger.get(0)
    const shown = {
      head: await signed(ledger),
      index: 0,
      salt,
      bytes,
      path: await ledger.inclusionProof(0),
      confirm: confirm.bytes,
      ack: ackWith(confirm.id),
    }
    const file = voidEvidence(shown, suite)
    expect(readEvidence(file, suite)).toMatchObject({ kind: 'void', culprit: owner.publicKey })
    const book = openHeadBook({ store: memoryStore(), suite, network })
    await book.accuse(file)
    expect(await book.convicted(owner.publicKey)).toEqual(file)
    expect(() => voidEvidence({ ...shown, ack: ackWith(accept) }, suite)).toThrow('do not make a contract')
    expect(() => voidEvidence({ ...shown, index: 1 }, suite)).toThrow('not under the head')
  })

  const voucherBody = { contract: new Uint8Array(32), contractOwed: 5n, channel: null, channelCumulative: null, evmSig: null }
})
