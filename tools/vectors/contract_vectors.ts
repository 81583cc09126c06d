// Vectors of contracts: terms and their hashes, message bodies, the machine's table, what usage comes to, whole transcripts, and receipts.

import {
  believes,
  type Bodies,
  CONTRACT_MESSAGES,
  type ContractMessageName,
  decodeTerms,
  encodeTerms,
  extendsTerms,
  owedFor,
  readTranscript,
  SIGNER_OF,
  STATES,
  type Terms,
  termsFrom,
  termsHash,
  termsSchema,
  TRANSITIONS,
  verifyTranscript,
} from '@haggle/contract'
import { demandSchema, freeRate, type Offer, offerSchema } from '@haggle/offer'
import { encode, encodeAs, errorCode, HaggleError, open, toHex, utf8, type Value } from '@haggle/wire'
import { toJson } from './dialect_vectors.ts'
import type { Json } from './main.ts'
import { NETWORK, PROVIDER, RENTER, SPEC_HASH, STRANGER, suite, termsBytes, termsOf } from './thread_builder.ts'
import { badTranscripts, DEMAND, goodTranscripts, type TranscriptCase } from './transcript_cases.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  throw new HaggleError('E_VECTORS', 'A vector that must be refused is not')
}

/** Values of the library in JSON: bytes as hex, integers above 2^32 and money as decimal text. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
  return value as Json
}

const MANY: Terms = termsOf({
  offerDigest: null,
  devices: [
    { id: 'gpu0', kind: 'gpu', model: 'H100', vramMiB: 81_920 },
    { id: 'gpu1', kind: 'gpu', model: 'H100', vramMiB: 81_920 },
  ],
  runner: 'openai',
  isolation: 'server',
  rail: 'evm:8453:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  meters: [
    { unit: 'request', price: 10n, per: 1n },
    { unit: 'tokenIn', price: 150_000n, per: 1_000_000n },
    { unit: 'tokenOut', price: 600_000n, per: 1_000_000n },
    { unit: 'byteOut', price: 2n ** 64n - 1n, per: 2n ** 64n - 1n },
  ],
  cap: 2n ** 128n - 1n,
  net: 'none',
  sla: Uint8Array.of(1, 2, 3),
  visibility: 'public',
})

const TERMS: readonly (readonly [string, Terms])[] = [
  ['one GPU by the hour', termsOf()],
  [
    'the processor alone, price 0, cap 0',
    termsOf({ devices: [{ id: 'cpu0', kind: 'cpu', model: 'EPYC 7402', vramMiB: 0 }], meters: freeRate(0n).meters, cap: 0n }),
  ],
  ['no device, no offer', termsOf({ devices: [], offerDigest: null })],
  ['everything used', MANY],
  ['an extension of the first', termsOf({ cap: 90_000n, maxMs: 1_200_000, extends: termsBytes(termsOf()).hash })],
]

/** The positions of the first terms with one of them replaced. */
function badTerms(at: number, value: Value): Uint8Array {
  const positions = [...(termsSchema.build(termsOf()) as readonly Value[])]
  positions[at] = value
  return encode(positions)
}

const BAD_TERMS: readonly (readonly [string, Uint8Array])[] = [
  ['version 2', badTerms(0, 2)],
  ['renter and provider are one', badTerms(2, RENTER.publicKey)],
  ['a key of 31 bytes', badTerms(1, new Uint8Array(31))],
  [
    'a device twice',
    badTerms(4, [
      ['gpu0', 'gpu', 'A', 1],
      ['gpu0', 'gpu', 'A', 1],
    ]),
  ],
  ['a device id in upper case', badTerms(4, [['GPU0', 'gpu', 'A', 1]])],
  ['a kind that is none', badTerms(4, [['gpu0', 'tpu', 'A', 1]])],
  ['no meter', badTerms(8, [])],
  [
    'a unit twice',
    badTerms(8, [
      ['ms', Uint8Array.of(1), Uint8Array.of(1)],
      ['ms', Uint8Array.of(1), Uint8Array.of(1)],
    ]),
  ],
  ['a meter per 0', badTerms(8, [['ms', Uint8Array.of(1), new Uint8Array()]])],
  ['a price with a leading zero', badTerms(8, [['ms', Uint8Array.of(0, 1), Uint8Array.of(1)]])],
  ['tickMs below 100', badTerms(10, 99)],
  ['maxMs above 30 days', badTerms(14, 2_592_000_001)],
  ['a visibility that is none', badTerms(18, 'secret')],
  ['a position missing', encode((termsSchema.build(termsOf()) as readonly Value[]).slice(0, 19))],
  ['a byte too many', Uint8Array.of(...encodeTerms(termsOf()), 0)],
]

/** A rail that pays ahead. */
const PAID = `evm:31337:0x${'5fbd'.repeat(10)}`

const VICTIM = new Uint8Array(20).fill(0x77)

const OFFER: Offer = {
  devices: [
    { ...deviceOf('gpu0', 'RTX 4090'), vramMiB: 24_576, vramUsableMiB: 24_564 },
    { ...deviceOf('gpu1', 'RTX 3090'), vramMiB: 24_576, vramUsableMiB: 24_576, free: false },
  ],
  cpu: { model: 'EPYC 7402', cores: 24, threads: 48 },
  memMiB: 131_072,
  diskMiB: 500_000,
  net: { downKbps: null, upKbps: null },
  os: 'linux',
  arch: 'x64',
  region: 'DE',
  runners: [
    { runner: 'exec', isolation: 'bubblewrap' },
    { runner: 'deno', isolation: 'permissions' },
    { runner: 'deno', isolation: 'bubblewrap' },
  ],
  images: [],
  models: [],
  rails: [freeRate(310_000n), { ...freeRate(290_000n), rail: PAID, unit: 'HGL', account: new Uint8Array(20).fill(0x51) }],
  limits: { cpuMilli: 48_000, memMiB: 65_536, diskMiB: 100_000, outMiB: 256, pids: 4_096, maxMs: 3_600_000 },
  timing: { tickMs: 5_000, graceMs: 15_000, stagingMs: 60_000, idleMs: 60_000 },
  stake: null,
  sla: {
    rail: PAID,
    court: new Uint8Array(20).fill(0xc0),
    rule: 2,
    slotS: 60,
    pricePerSlot: 1_000n,
    factor: 10,
    fee: 40_000n,
  },
  slots: 2,
  freeSlots: 1,
  serves: 'anyone',
  accept: '',
}

function deviceOf(id: string, model: string): Offer['devices'][number] {
  return {
    id,
    kind: 'gpu',
    vendor: 'nvidia',
    model,
    vramMiB: 0,
    vramUsableMiB: null,
    vramFreeMiB: null,
    cc: '8.9',
    driver: null,
    cuda: null,
    rocm: null,
    metal: null,
    vulkan: null,
    free: true,
    figures: [],
  }
}

function termsVectors(): Json {
  const offer = { id: suite.sha256(utf8('an offer')), signer: PROVIDER.publicKey, body: OFFER }
  const from: readonly (readonly [string, typeof DEMAND, readonly string[]])[] = [
    ['one GPU', DEMAND, ['gpu0']],
    ['no GPU, any isolation: the first that the offer has for the runner', { ...DEMAND, isolation: [], minGpus: 0, maxGpus: 0 }, []],
    [
      "the first of the demand's isolations that the offer has",
      { ...DEMAND, isolation: ['gvisor', 'bubblewrap', 'permissions'] },
      ['gpu0'],
    ],
    ['a rail that pays ahead: no more grace than a tick', { ...DEMAND, rail: PAID }, ['gpu0']],
    ['a service level: its price is a meter, and its slots cover the run', { ...DEMAND, rail: PAID, sla: VICTIM }, ['gpu0']],
  ]
  const not: readonly (readonly [string, typeof DEMAND, readonly string[]])[] = [
    ['another rail', { ...DEMAND, rail: 'evm:1:0x00' }, ['gpu0']],
    ['an isolation that the offer lacks', { ...DEMAND, isolation: ['gvisor'] }, ['gpu0']],
    ['a runner that the offer lacks', { ...DEMAND, runner: 'container' }, ['gpu0']],
    ['a device that the offer lacks', DEMAND, ['gpu7']],
    ['a service level on a rail that it is not sold on', { ...DEMAND, sla: VICTIM }, ['gpu0']],
  ]
  const joined = (demand: typeof DEMAND, devices: readonly string[]): Terms =>
    termsFrom({ offer, demand, renter: RENTER.publicKey, devices })
  const written = (terms: Terms): { readonly bytes: string; readonly hash: string } => {
    const bytes = encodeTerms(terms)
    return { bytes: toHex(bytes), hash: toHex(termsHash(bytes)) }
  }
  const now = termsOf()
  const inForce = { terms: now, hash: toHex(termsBytes(now).hash) }
  const longer = termsOf({ cap: 90_000n, maxMs: 1_200_000, extends: termsBytes(now).hash })
  const extensions: readonly (readonly [string, Terms])[] = [
    ['a higher cap and a longer run', longer],
    ['the same, said again', termsOf({ extends: termsBytes(now).hash })],
    ['a lower cap', { ...longer, cap: 49_999n }],
    ['a shorter run', { ...longer, maxMs: 599_999 }],
    ['another price', { ...longer, meters: freeRate(1n).meters }],
    ['another device', { ...longer, devices: [] }],
    ['it names other terms', { ...longer, extends: new Uint8Array(32) }],
    ['it names none', { ...longer, extends: null }],
  ]
  return {
    good: TERMS.map(([name, terms]) => ({ name, terms: plain(terms), ...written(terms) })),
    bad: BAD_TERMS.map(([name, bytes]) => ({ name, bytes: toHex(bytes), code: codeOf(() => decodeTerms(bytes)) })),
    from: {
      offer: toHex(encodeAs(offerSchema, OFFER)),
      offerId: toHex(offer.id),
      provider: toHex(offer.signer),
      renter: toHex(RENTER.publicKey),
      good: from.map(([name, demand, devices]) => ({
        name,
        demand: toHex(encodeAs(demandSchema, demand)),
        devices: [...devices],
        ...written(joined(demand, devices)),
      })),
      bad: not.map(([name, demand, devices]) => ({
        name,
        demand: toHex(encodeAs(demandSchema, demand)),
        devices: [...devices],
        code: codeOf(() => joined(demand, devices)),
      })),
    },
    extends: {
      inForce: written(now),
      cases: extensions.map(([name, terms]) => ({ name, bytes: toHex(encodeTerms(terms)), extends: extendsTerms(terms, inForce) })),
    },
  }
}

const HASH = suite.sha256(utf8('a hash'))
const ENCODED = encodeTerms(termsOf())

const BODY: { readonly [N in ContractMessageName]: readonly Bodies[N][] } = {
  'quote-req': [
    { demand: DEMAND, offer: HASH, extends: null },
    { demand: { ...DEMAND, where: '', isolation: [] }, offer: null, extends: HASH },
  ],
  quote: [{ terms: ENCODED, holdMs: 15_000, validMs: 600_000 }],
  counter: [{ terms: ENCODED }],
  accept: [
    { terms: ENCODED, termsHash: termsHash(ENCODED), specHash: SPEC_HASH, number: 7, funding: null },
    { terms: null, termsHash: HASH, specHash: null, number: 4_294_967_295, funding: Uint8Array.of(1) },
  ],
  confirm: [{ accept: HASH, termsHash: HASH, number: 0 }],
  rejected: [
    { reason: 'constraint', path: 'gpu.vram', of: HASH, terms: null, validMs: 0 },
    { reason: 'price', path: null, of: HASH, terms: ENCODED, validMs: 30_000 },
  ],
  cancel: [{ reason: 'user' }],
  start: [{ specHash: SPEC_HASH }],
  ready: [{}],
  meter: [{ n: 1, usage: [5_000n], owed: 431n }],
  voucher: [
    { contract: HASH, contractOwed: 0n, channel: null, channelCumulative: null, evmSig: null },
    { contract: HASH, contractOwed: 431n, channel: HASH, channelCumulative: 2n ** 100n, evmSig: new Uint8Array(65).fill(1) },
  ],
  result: [
    { exit: { kind: 'exit', code: 0, word: null }, usage: [8_123n], owed: 700n, output: HASH },
    { exit: { kind: 'limit', code: null, word: 'memory' }, usage: [0n, 2n ** 64n - 1n], owed: 2n ** 128n - 1n, output: null },
    { exit: { kind: 'lost', code: null, word: null }, usage: [0n], owed: 0n, output: null },
  ],
  receipt: [
    { contract: HASH, termsHash: HASH, usage: [8_123n], owed: 700n, reason: null },
    { contract: HASH, termsHash: HASH, usage: [0n], owed: 0n, reason: 'silent' },
  ],
  'reclaim-notice': [{ inMs: 15_000 }],
  grant: [{ contract: HASH, grantee: STRANGER.publicKey, right: 'control', until: 1_800_086_400 }],
}

function negotiationVectors(): Json {
  const messages = Object.entries(CONTRACT_MESSAGES).map(([name, type]) => {
    const schema = type.schema as { build(body: unknown): Value }
    const cases = BODY[name as ContractMessageName].map((body) => {
      const raw = schema.build(body)
      return { body: plain(body), positions: toJson(raw), bytes: toHex(encode(raw)) }
    })
    return { type: name, signer: SIGNER_OF[name as ContractMessageName], maxLifetimeS: type.maxLifetimeS, cases }
  })
  return { messages, states: plain(STATES), transitions: plain(TRANSITIONS) }
}

function meteringVectors(): Json {
  const hour = [{ unit: 'ms', price: 310_000n, per: 3_600_000n }] as const
  const two = [
    { unit: 'request', price: 3n, per: 1n },
    { unit: 'tokenOut', price: 1_000n, per: 7_000n },
  ] as const
  const thirds = [
    { unit: 'tokenIn', price: 1n, per: 3n },
    { unit: 'tokenOut', price: 1n, per: 3n },
    { unit: 'byteOut', price: 1n, per: 3n },
  ] as const
  const largest = 2n ** 64n - 1n
  const owed: readonly (readonly [Terms['meters'], bigint, readonly bigint[]])[] = [
    [hour, 1_000_000n, [0n]],
    [hour, 1_000_000n, [1n]],
    [hour, 1_000_000n, [11n]],
    [hour, 1_000_000n, [12n]],
    [hour, 1_000_000n, [60_000n]],
    [hour, 1_000_000n, [3_600_000n]],
    [hour, 5_000n, [60_000n]],
    [hour, 0n, [60_000n]],
    [two, 1_000_000n, [2n, 10n]],
    [two, 1_000_000n, [0n, 7n]],
    [thirds, 1_000_000n, [1n, 1n, 1n]],
    [thirds, 1_000_000n, [1n, 1n, 2n]],
    [[{ unit: 'ms', price: largest, per: 1n }], 2n ** 128n - 1n, [largest]],
    [[{ unit: 'ms', price: 1n, per: largest }], 1n, [1n]],
  ]
  const own: readonly (readonly [bigint, number])[] = [
    [1_000n, 0],
    [1_001n, 0],
    [6_000n, 5_000],
    [6_001n, 5_000],
    [1_001_000n, 1_000_000],
    [1_001_001n, 1_000_000],
    [2_002_000n, 2_000_000],
    [2_002_001n, 2_000_000],
    [2_002_002n, 2_000_999],
  ]
  return {
    owed: owed.map(([meters, cap, usage]) => ({
      meters: plain(meters),
      cap: cap.toString(),
      usage: usage.map(String),
      owed: owedFor({ meters, cap }, usage).toString(),
    })),
    believes: own.map(([usedMs, ownMs]) => ({ usedMs: usedMs.toString(), ownMs, believes: believes(usedMs, ownMs) })),
  }
}

/** What `verify` says, without its sentences. */
function reportOf({ name, file }: TranscriptCase): Json {
  const { ok, outcome, parties, contract, termsHash: hash, usage, owed, messages, cut, errors } = verifyTranscript(file, suite)
  return {
    name,
    file: toHex(file),
    report: {
      ok,
      outcome: outcome.kind,
      by: outcome.by,
      reason: outcome.reason,
      bound: outcome.bound,
      signedBy: outcome.signedBy,
      parties: plain(parties),
      contract: plain(contract),
      termsHash: hash,
      usage: usage.map(String),
      owed: owed.toString(),
      claimed: outcome.claimed.toString(),
      messages,
      cut,
      errors: errors.map(({ at, code }) => ({ at, code })),
    },
  }
}

/** Each RECEIPT of the good transcripts, by itself. */
function receiptVectors(): Json {
  const receipts = goodTranscripts()
    .filter(({ name }) => !name.startsWith('open'))
    .map(({ name, file }) => {
      const opened = readTranscript(file).messages.map((bytes) => open(bytes, CONTRACT_MESSAGES as never, { network: NETWORK, suite }))
      const messages = opened.filter(({ type }) => type === 'receipt')
      return {
        name,
        receipts: messages.map(({ bytes, id, signer, body }) => ({
          envelope: toHex(bytes),
          id: toHex(id),
          signer: toHex(signer),
          body: plain(body),
        })),
      }
    })
    .filter((each) => each.receipts.length > 0)
  return { network: toHex(NETWORK), contracts: receipts }
}

/** Every file of this page. */
export function make(): Readonly<Record<string, Json>> {
  return {
    'terms.json': termsVectors(),
    'negotiation.json': negotiationVectors(),
    'metering.json': meteringVectors(),
    'transcript.json': {
      network: toHex(NETWORK),
      renter: toHex(RENTER.publicKey),
      provider: toHex(PROVIDER.publicKey),
      good: goodTranscripts().map(reportOf),
      bad: badTranscripts().map(reportOf),
    },
    'receipt.json': receiptVectors(),
  }
}
