// Vectors of memory: entries and trees, heads and evidence, proofs, scores.

import { CONTRACT_MESSAGES } from '@haggle/contract'
import { createIdentity, type Identity, portableSuite } from '@haggle/identity'
import {
  type Checkpoint,
  checkpointMessage,
  contradiction,
  cosign,
  type Entry,
  encodeEntry,
  entryLeaf,
  type Facts,
  forkEvidence,
  type Ledger,
  makeScorer,
  memoryJournal,
  type Observation,
  openHeadSigner,
  openLedger,
  proveEntry,
  readEvidence,
  rewriteEvidence,
  type SignedHead,
  verifyProof,
} from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { concat, encode, errorCode, networkId, seal, toHex, utf8 } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import type { Json } from './main.ts'

const suite = portableSuite()
const NETWORK = 'devnet-vectors'
const network = networkId(NETWORK)
const owner = createIdentity(new Uint8Array(32).fill(1))
const peer = createIdentity(new Uint8Array(32).fill(2))
const witness = createIdentity(new Uint8Array(32).fill(3))
const AT = 1_790_000_000

const contractOf = (n: number): Uint8Array => suite.sha256(utf8(`contract ${n}`))
const saltOf = (n: number): Uint8Array => suite.sha256(utf8(`salt ${n}`)).subarray(0, 16)

const settled: Facts = {
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'evm',
  settled: 123_456n,
  meteredS: 600,
  upS: 599,
  speedPermille: 980,
}

function receipt(from: Identity, to: Identity, rest: { owed?: bigint; reason?: 'meter' | null } = {}): Uint8Array {
  const body = {
    contract: contractOf(1),
    termsHash: suite.sha256(utf8('terms')),
    usage: [600_000n],
    owed: rest.owed ?? settled.settled,
    reason: rest.reason ?? null,
  }
  const header = {
    network,
    audience: to.publicKey,
    thread: new Uint8Array(16).fill(5),
    seq: 7,
    prev: contractOf(8),
    ack: contractOf(9),
    iat: AT,
    exp: AT + 600,
  }
  return seal(CONTRACT_MESSAGES.receipt, { ...header, body }, from.signer, suite).bytes
}

const ENTRIES: readonly (readonly [string, Entry])[] = [
  ['a contract opened', { kind: 'opened', at: AT, number: 1, peer: peer.publicKey, contract: contractOf(1), facts: null, evidence: [] }],
  [
    'closed with both receipts',
    {
      kind: 'closed',
      at: AT + 600,
      number: 1,
      peer: peer.publicKey,
      contract: contractOf(1),
      facts: settled,
      evidence: [receipt(owner, peer), receipt(peer, owner)],
    },
  ],
  ['void', { kind: 'void', at: AT + 700, number: 2, peer: peer.publicKey, contract: contractOf(2), facts: null, evidence: [] }],
  [
    'failed on the free rail, with one receipt',
    {
      kind: 'closed',
      at: AT + 800,
      number: 300,
      peer: peer.publicKey,
      contract: contractOf(3),
      facts: {
        ...settled,
        outcome: 'failed',
        liable: 'provider',
        rail: 'free',
        settled: 0n,
        meteredS: 70_000,
        upS: null,
        speedPermille: null,
      },
      evidence: [receipt(owner, peer)],
    },
  ],
  [
    'a witness report',
    { kind: 'witness', at: AT + 900, number: null, peer: peer.publicKey, contract: null, facts: null, evidence: [Uint8Array.of(1, 2, 3)] },
  ],
  [
    'a challenge',
    {
      kind: 'challenge',
      at: AT + 1_000,
      number: null,
      peer: peer.publicKey,
      contract: null,
      facts: null,
      evidence: [new Uint8Array(0), new Uint8Array(256).fill(9)],
    },
  ],
  ['a succession', { kind: 'succeeds', at: AT + 1_100, number: 0, peer: owner.publicKey, contract: null, facts: null, evidence: [] }],
]

export async function make(): Promise<Readonly<Record<string, Json>>> {
  return {
    'ledger.json': await ledgerVectors(),
    'checkpoint.json': await checkpointVectors(),
    'proof.json': await proofVectors(),
    'score.json': scoreVectors(),
  }
}

/** A ledger with the salts of these vectors: entry n has salt n. */
async function ledgerOf(entries: readonly Entry[], from = 0): Promise<Ledger> {
  let salts = from
  const random = (length: number): Uint8Array => Uint8Array.from(Array.from({ length: length / 16 }, () => [...saltOf(salts++)]).flat())
  const ledger = await openLedger({
    store: memoryStore(),
    journal: memoryJournal(),
    signer: owner.signer,
    suite,
    clock: virtualClock(),
    random,
  })
  await ledger.append(entries)
  return ledger
}

async function ledgerVectors(): Promise<Json> {
  const entries = Array.from({ length: 21 }, (_, i) => ENTRIES[i % ENTRIES.length]![1])
  const ledger = await ledgerOf(entries)
  const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 20, 21]
  const roots: Json[] = []
  for (const size of sizes) roots.push({ size, root: toHex(await ledger.rootAt(size)) })
  const inclusion: Json[] = []
  for (const size of [1, 2, 7, 8, 21]) {
    for (const index of new Set([0, size >> 1, size - 1]))
      inclusion.push({ index, size, path: (await ledger.inclusionProof(index, size)).map(toHex) })
  }
  const consistency: Json[] = []
  for (const [from, to] of [
    [0, 5],
    [1, 2],
    [3, 7],
    [4, 7],
    [6, 8],
    [8, 21],
    [16, 21],
    [20, 21],
    [21, 21],
  ] as const) {
    consistency.push({ from, to, path: (await ledger.consistencyProof(from, to)).map(toHex) })
  }
  return {
    page: 'spec/ledger.md',
    note: 'log: its entry i is entries[i mod 7] with the salt of log[i]; roots and proofs are of that log. bad: bytes that are no entry.',
    entries: ENTRIES.map(([name, entry]) => ({ name, ...entryJson(entry), bytes: toHex(encodeEntry(entry)) })),
    log: entries.map((entry, i) => ({ salt: toHex(saltOf(i)), leaf: toHex(entryLeaf(saltOf(i), encodeEntry(entry), suite.sha256)) })),
    roots,
    inclusion,
    consistency,
    bad: badEntries(),
  }
}

function entryJson({ kind, at, number, peer: about, contract, facts, evidence }: Entry): Record<string, Json> {
  return {
    kind,
    at,
    number,
    peer: about && toHex(about),
    contract: contract && toHex(contract),
    facts: facts && { ...facts, settled: String(facts.settled) },
    evidence: evidence.map(toHex),
  }
}

function badEntries(): Json {
  const good = toHex(encodeEntry(ENTRIES[0]![1]))
  return [
    { name: 'version 2', bytes: `9802${good.slice(4)}` },
    { name: 'an array of 7', bytes: `97${good.slice(2, -2)}` },
    { name: 'a kind that is none', bytes: good.replace('a66f70656e6564', 'a66f70656e6573') },
    { name: 'a key of 31 bytes', bytes: good.replace(`c420${toHex(peer.publicKey)}`, `c41f${toHex(peer.publicKey).slice(2)}`) },
    { name: 'a byte behind it', bytes: `${good}00` },
  ]
}

function headOf(body: Partial<Checkpoint> & { size: number }): SignedHead {
  const root = suite.sha256(utf8(`root ${body.size}`))
  const prevSize = body.prevSize ?? 0
  const full: Checkpoint = {
    log: 0,
    root,
    prevSize,
    prevRoot: prevSize === 0 ? suite.sha256(new Uint8Array(0)) : suite.sha256(utf8(`root ${prevSize}`)),
    block: null,
    reason: 'asked',
    ...body,
  }
  return seal(
    checkpointMessage,
    { network, audience: null, thread: null, seq: AT + body.size, prev: null, ack: null, iat: AT, exp: AT + 600, body: full },
    owner.signer,
    suite,
  )
}

async function checkpointVectors(): Promise<Json> {
  const heads: readonly (readonly [string, SignedHead])[] = [
    ['the first', headOf({ size: 5 })],
    ['the next', headOf({ size: 9, prevSize: 5, reason: 'entries' })],
    ['anchored', headOf({ size: 300, prevSize: 9, block: 70_000, reason: 'time' })],
    ['another root for size 9', headOf({ size: 9, prevSize: 5, root: suite.sha256(utf8('another')) })],
    ['another memory of size 5', headOf({ size: 12, prevSize: 5, prevRoot: suite.sha256(utf8('another')) })],
    ['leaves size 5 and 9 out', headOf({ size: 12, prevSize: 2 })],
    ['of the successor', headOf({ log: 1, size: 1, reason: 'closing' })],
  ]
  const pairs = heads.flatMap(([a, first], i) =>
    heads.slice(i + 1).map(([b, second]) => ({ a, b, contradict: contradiction(first.body, second.body) !== undefined })),
  )
  const signed = cosign(heads[1]![1], { signer: peer.signer, suite, clock: virtualClock(AT * 1000), seq: AT })
  const fork = forkEvidence(heads[1]![1], heads[3]![1])
  const rewrite = await rewriteVector()
  const good = [fork, forkEvidence(heads[0]![1], heads[4]![1]), forkEvidence(heads[0]![1], heads[5]![1]), rewrite]
  const head = 'haggle-evidence/1\n'.length
  const flipped = (file: Uint8Array, at: number): Uint8Array => file.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['another first line', flipped(fork, 3)],
    ['a broken signature', flipped(fork, fork.length - 1)],
    ['cut', fork.subarray(0, fork.length - 1)],
    ['the same head twice', concat(fork.subarray(0, head), encode(['fork', heads[0]![1].bytes, heads[0]![1].bytes]))],
    ['two heads that agree', concat(fork.subarray(0, head), encode(['fork', heads[0]![1].bytes, heads[1]![1].bytes]))],
    ['a kind that is none', concat(fork.subarray(0, head), encode(['knife', heads[0]![1].bytes, heads[3]![1].bytes]))],
    ['a rewritten leaf whose path is changed', flipped(rewrite, rewrite.length - 1)],
  ]
  return {
    page: 'spec/checkpoint.md',
    note: 'All heads are of the key of seed 01…01. pairs: do these two heads contradict each other? evidence: files; bad ones with the code of the refusal.',
    network: NETWORK,
    heads: heads.map(([name, { body, seq, iat, exp, id, bytes }]) => ({
      name,
      seq,
      iat,
      exp,
      body: { ...body, root: toHex(body.root), prevRoot: toHex(body.prevRoot) },
      id: toHex(id),
      bytes: toHex(bytes),
    })),
    cosigned: {
      seedByte: 2,
      bytes: toHex(signed.bytes),
      body: { log: 0, size: 9, root: toHex(signed.body.root), owner: toHex(signed.body.owner) },
    },
    pairs,
    evidence: {
      good: good.map((file) => {
        const { kind, culprit, log } = readEvidence(file, suite)
        return { kind, culprit: toHex(culprit), log, file: toHex(file) }
      }),
      bad: bad.map(([name, file]) => ({ name, code: refusal(() => readEvidence(file, suite)), file: toHex(file) })),
    },
  }
}

async function rewriteVector(): Promise<Uint8Array> {
  const before = await ledgerOf(ENTRIES.slice(0, 5).map(([, entry]) => entry))
  const after = await ledgerOf(
    [...ENTRIES.slice(0, 2), ...ENTRIES.slice(1)].map(([, entry]) => entry),
    50,
  )
  const heads = [
    headOf({ size: 5, root: before.head().root }),
    headOf({ size: 8, root: after.head().root, prevSize: 5, prevRoot: before.head().root }),
  ] as const
  const leaves = [
    { leaf: (await before.get(3)).leaf, proof: await before.inclusionProof(3) },
    { leaf: (await after.get(3)).leaf, proof: await after.inclusionProof(3) },
  ] as const
  return rewriteEvidence({ index: 3, heads, leaves }, suite)
}

async function proofVectors(): Promise<Json> {
  const onlyOne = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer)] }
  const disagreed = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer), receipt(peer, owner, { reason: 'meter' })] }
  const other = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer), receipt(peer, owner, { owed: 1n })] }
  const stranger = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer), receipt(witness, owner)] }
  const fine = { owed: settled.settled * 10n ** 12n + 1n }
  const finer = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer, fine), receipt(peer, owner, fine)] }
  const mixed = { ...ENTRIES[1]![1], evidence: [receipt(owner, peer), receipt(peer, owner, fine)] }
  const cases = [
    ['opened', ENTRIES[0]![1]],
    ['both receipts', ENTRIES[1]![1]],
    ['one receipt', onlyOne],
    ['a receipt with a reason', disagreed],
    ['a receipt of another amount', other],
    ["a stranger's receipt", stranger],
    ['both receipts of a token with 18 decimals', finer],
    ['receipts of different amounts that come to the same millionths', mixed],
  ] as const
  const ledger = await ledgerOf(cases.map(([, entry]) => entry))
  const signer = await openHeadSigner({
    ledger,
    store: memoryStore(),
    signer: owner.signer,
    suite,
    clock: virtualClock(AT * 1000),
    network,
  })
  await signer.shown(null)
  const head = await signer.sign('asked')
  const good: Json[] = []
  for (const [index, [name]] of cases.entries()) {
    const file = await proveEntry(ledger, index, head)
    good.push({ name, index, bothSigned: verifyProof(file, suite).bothSigned, owner: toHex(owner.publicKey), file: toHex(file) })
  }
  const file = await proveEntry(ledger, 1, head)
  const at = (place: number): Uint8Array => file.map((byte, i) => (i === place ? byte ^ 1 : byte))
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['another first line', at(7)],
    ['a changed entry', at(60)],
    ['a broken signature of the head', at(file.length - 1)],
    ['a changed root in the head', at(file.length - 130)],
    ['cut', file.subarray(0, file.length - 9)],
  ]
  return {
    page: 'spec/proof.md',
    network: NETWORK,
    good,
    bad: bad.map(([name, bytes]) => ({ name, code: refusal(() => verifyProof(bytes, suite)), file: toHex(bytes) })),
  }
}

function scoreVectors(): Json {
  const day = 86_400
  const seen = (
    contract: string,
    by: string,
    subject: string,
    rest: Partial<Facts> & { at?: number; bothSigned?: boolean } = {},
  ): Observation => {
    const { at = AT, bothSigned = true, ...facts } = rest
    return { contract, by, subject, at, bothSigned, facts: { ...settled, upS: null, speedPermille: null, ...facts } }
  }
  const observations: Observation[] = [
    seen('c1', 'me', 'ann'),
    seen('c2', 'me', 'ann', { settled: 2_000_000n, at: AT - 90 * day, upS: 540, speedPermille: 700 }),
    seen('c3', 'me', 'ann', { outcome: 'disputed' }),
    seen('c3', 'me', 'ann', { at: AT + 5, settled: 10_000n }),
    seen('c4', 'me', 'bob', { outcome: 'failed', liable: 'provider', settled: 0n }),
    seen('c5', 'me', 'cat', { rail: 'free', meteredS: 3_600 }),
    seen('c6', 'ann', 'rita', { role: 'renter', settled: 900_000n }),
    seen('c7', 'rita', 'dan', { settled: 5_000_000n }),
    seen('c8', 'rita', 'eve', { outcome: 'failed', liable: 'provider' }),
    seen('c9', 'rita', 'fay', { bothSigned: false }),
    seen('c10', 'me', 'gus', { role: 'renter', outcome: 'failed', liable: 'renter' }),
    seen('c11', 'me', 'hal', { role: 'renter', settled: 40_000_000n }),
    seen('c12', 'hal', 'dan', { settled: 5_000_000n, at: AT - 30 * day }),
    seen('c13', 'me', 'ivy'),
  ]
  const input = { me: 'me', now: AT + 10 * day, observations, convicted: new Set(['ivy']), gaps: new Map([['cat', 2]]) }
  const scorer = makeScorer(input)
  const wanted = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay', 'ivy', 'nobody'].map((name) => [name, 'provider'] as const)
  const renters = ['rita', 'gus', 'hal'].map((name) => [name, 'renter'] as const)
  return {
    page: 'spec/score.md',
    note: 'Names stand for keys. Figures to within 1e-9. The observations may be read in any order.',
    me: 'me',
    now: input.now,
    convicted: ['ivy'],
    gaps: { cat: 2 },
    observations: observations.map((each) => ({ ...each, facts: { ...each.facts, settled: String(each.facts.settled) } })),
    scores: [...wanted, ...renters].map(([name, role]) => {
      const { value, axes } = scorer.score(name, role)
      return { subject: name, role, value, axes: { ...axes } as unknown as Json }
    }),
    trust: [
      ['ann', 'provider'],
      ['rita', 'renter'],
      ['hal', 'renter'],
      ['dan', 'provider'],
    ].map(([name, role]) => ({ key: name!, role: role!, trust: scorer.trust.of(name!, role as Facts['role']) })),
  }
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  throw new Error('accepted what must be refused')
}
