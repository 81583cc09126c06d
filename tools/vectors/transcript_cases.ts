// The threads of the transcript vectors: each way to end, and one wrong file for each rule.

import { owedFor, type Terms } from '@haggle/contract'
import type { Demand } from '@haggle/offer'
import { utf8 } from '@haggle/wire'
import { fileOf, SPEC_HASH, STRANGER, suite, termsBytes, termsOf, ThreadBuilder, type Wrong } from './thread_builder.ts'

/** One file and what it is about. */
export interface TranscriptCase {
  readonly name: string
  readonly file: Uint8Array
}

export const DEMAND: Demand = {
  where: 'gpu.vram>=24GiB price.hour<=0.40',
  runner: 'deno',
  isolation: ['bubblewrap'],
  minGpus: 1,
  maxGpus: 1,
  rail: 'free',
  cap: 50_000n,
  limits: { cpuMilli: 4_000, memMiB: 8_192, diskMiB: 16_384, outMiB: 64, pids: 256, maxMs: 600_000 },
  idleMs: 60_000,
  visibility: 'private',
  sla: null,
}
const NO_PARTS = { channel: null, channelCumulative: null, evmSig: null }
const EXITED = { kind: 'exit', code: 0, word: null } as const
const KILLED = { kind: 'killed', code: null, word: 'cancelled' } as const
const OUTPUT = suite.sha256(utf8('the output'))

/** A thread with shorthands for what is said often. */
class Story {
  readonly thread: ThreadBuilder
  terms: Terms
  contract: Uint8Array

  constructor(terms: Terms = termsOf(), thread: ThreadBuilder = new ThreadBuilder(), contract: Uint8Array = new Uint8Array(32)) {
    this.thread = thread
    this.terms = terms
    this.contract = contract
  }

  fork(): Story {
    return new Story(this.terms, this.thread.fork(), this.contract)
  }

  ask(extendsHash: Uint8Array | null = null): this {
    this.thread.say('renter', 'quote-req', { demand: DEMAND, offer: this.terms.offerDigest, extends: extendsHash })
    return this
  }

  quote(terms: Terms = this.terms, holdMs = 0): this {
    this.terms = terms
    this.thread.say('provider', 'quote', { terms: termsBytes(terms).bytes, holdMs, validMs: 30_000 })
    return this
  }

  counter(terms: Terms, wrong?: Wrong): this {
    this.thread.say('renter', 'counter', { terms: termsBytes(terms).bytes }, wrong)
    return this
  }

  /** ACCEPT with the terms in it, or (`quoted`) of the terms on the table. */
  accept(options: { readonly quoted?: boolean; readonly specLater?: boolean; readonly extends?: boolean } = {}, wrong?: Wrong): this {
    const { bytes, hash } = termsBytes(this.terms)
    const { quoted = false, specLater = false } = options
    const body = {
      terms: quoted ? null : bytes,
      termsHash: hash,
      specHash: specLater || options.extends === true ? null : SPEC_HASH,
      number: 7,
      funding: this.terms.rail === 'free' ? null : utf8('a proof'),
    }
    const { id } = this.thread.say('renter', 'accept', body, wrong)
    if (options.extends !== true) this.contract = id
    return this
  }

  confirm(accept: Uint8Array = this.contract, wrong?: Wrong): this {
    this.thread.say('provider', 'confirm', { accept, termsHash: termsBytes(this.terms).hash, number: 3 }, wrong)
    return this
  }

  ready(): this {
    this.thread.say('provider', 'ready', {})
    return this
  }

  meter(n: number, usage: readonly bigint[], wrong?: Wrong & { readonly owed?: bigint }): this {
    this.thread.say('provider', 'meter', { n, usage, owed: wrong?.owed ?? owedFor(this.terms, usage) }, wrong)
    return this
  }

  voucher(usage: readonly bigint[], wrong?: Wrong & { readonly owed?: bigint }): this {
    const contractOwed = wrong?.owed ?? owedFor(this.terms, usage)
    const parts =
      this.terms.rail === 'free'
        ? NO_PARTS
        : { channel: new Uint8Array(32).fill(9), channelCumulative: contractOwed + 100n, evmSig: new Uint8Array(65).fill(8) }
    this.thread.say('renter', 'voucher', { contract: this.contract, contractOwed, ...parts }, wrong)
    return this
  }

  result(usage: readonly bigint[], killed = false, wrong?: Wrong): this {
    const owed = owedFor(this.terms, usage)
    this.thread.say('provider', 'result', { exit: killed ? KILLED : EXITED, usage, owed, output: killed ? null : OUTPUT }, wrong)
    return this
  }

  receipt(
    by: 'renter' | 'provider',
    usage: readonly bigint[],
    options: { readonly reason?: 'silent' | 'meter' | 'output'; readonly owed?: bigint } & Wrong = {},
  ): this {
    const { reason = null, owed = owedFor(this.terms, usage) } = options
    this.thread.say(by, 'receipt', { contract: this.contract, termsHash: termsBytes(this.terms).hash, usage, owed, reason }, options)
    return this
  }

  cancel(
    by: 'renter' | 'provider',
    reason: 'user' | 'expired' | 'lapsed' | 'unacked' | 'silent' | 'idle' | 'reclaim' | 'staging' | 'meter',
    wrong?: Wrong,
  ): this {
    this.thread.say(by, 'cancel', { reason }, wrong)
    return this
  }

  rejected(
    reason: 'price' | 'constraint' | 'capacity',
    options: { readonly path?: string; readonly fresh?: Terms; readonly of?: Uint8Array } & Wrong = {},
  ): this {
    const { path = null, fresh, of = this.thread.lastOf('renter') ?? new Uint8Array(32) } = options
    if (fresh !== undefined) this.terms = fresh
    const terms = fresh === undefined ? null : termsBytes(fresh).bytes
    this.thread.say('provider', 'rejected', { reason, path, of, terms, validMs: fresh === undefined ? 0 : 30_000 }, options)
    return this
  }

  as(name: string): TranscriptCase {
    return { name, file: this.thread.file() }
  }
}

/** Take it, up to the first VOUCHER. */
function running(terms?: Terms): Story {
  return new Story(terms).accept().confirm().ready().meter(1, [5_000n]).voucher([5_000n])
}

/** Ready, with a service level bought. */
function watched(): Story {
  const terms = termsOf()
  return new Story({ ...terms, meters: [...terms.meters, { unit: 'sla', price: 40n, per: 1n }] }).accept().confirm().ready()
}

function settledByTake(): Story {
  return running().result([8_123n]).receipt('renter', [8_123n]).receipt('provider', [8_123n])
}

function crossing(): Story {
  const story = new Story().accept()
  const { contract } = story
  // Both sign without having seen the other's word.
  story.thread.say('provider', 'confirm', { accept: contract, termsHash: termsBytes(story.terms).hash, number: 3 })
  return story.cancel('renter', 'expired', { ack: null })
}

function extended(): Story {
  const story = running()
  const longer = termsOf({ cap: 90_000n, maxMs: 1_200_000, extends: termsBytes(story.terms).hash })
  story.ask(termsBytes(story.terms).hash).quote(longer).accept({ quoted: true, extends: true })
  const accept = story.thread.lastOf('renter') ?? new Uint8Array(32)
  return story
    .confirm(accept)
    .meter(2, [700_000n])
    .voucher([700_000n])
    .result([700_001n])
    .receipt('renter', [700_001n])
    .receipt('provider', [700_001n])
}

/** Files in which nothing is wrong: every way to end, and heads of files. */
export function goodTranscripts(): TranscriptCase[] {
  const settled = settledByTake()
  const whole = settled.thread.file()
  const last = settled.thread.said.at(-1)?.bytes.length ?? 0
  const several = termsOf({
    meters: [
      { unit: 'request', price: 3n, per: 1n },
      { unit: 'tokenOut', price: 1_000n, per: 7_000n },
    ],
    devices: [],
    visibility: 'public',
  })
  const paid = termsOf({ rail: 'evm:31337:0x00000000000000000000000000000000000000aa' })
  const quoted = new Story().ask().quote(termsOf(), 5_000)
  const dearer = termsOf({ meters: [{ unit: 'ms', price: 340_000n, per: 3_600_000n }] })
  return [
    settled.as('settled: take it'),
    quoted
      .fork()
      .counter(termsOf({ cap: 40_000n }))
      .quote(termsOf({ cap: 40_000n }))
      .accept({ quoted: true })
      .confirm()
      .result([0n])
      .receipt('renter', [0n])
      .receipt('provider', [0n])
      .as('settled: quote, counter, quote, accept; RESULT without READY'),
    extended().as('settled: extended while it runs'),
    new Story()
      .accept()
      .rejected('price', { fresh: dearer })
      .accept({ quoted: true })
      .confirm()
      .ready()
      .result([1n])
      .receipt('renter', [1n])
      .receipt('provider', [1n])
      .as('settled: a fresh quote in REJECTED'),
    startLater().as('settled: START brings the spec, GRANT lets a third read'),
    new Story(several)
      .accept()
      .confirm()
      .ready()
      .meter(1, [2n, 10n])
      .voucher([2n, 10n])
      .result([3n, 11n])
      .receipt('renter', [3n, 11n])
      .receipt('provider', [3n, 11n])
      .as('settled: two meters, one ceil'),
    running(paid)
      .result([5_000n])
      .receipt('renter', [5_000n])
      .receipt('provider', [5_000n])
      .as('settled: vouchers of a rail with channels'),
    running(termsOf({ cap: 300n }))
      .meter(2, [10_000n])
      .voucher([10_000n])
      .result([10_000n], true)
      .receipt('renter', [10_000n])
      .receipt('provider', [10_000n])
      .as('settled: at the cap'),
    running()
      .result([8_123n])
      .receipt('provider', [5_000n], { reason: 'silent' })
      .as('failed: the renter is silent after RESULT, the provider closes alone'),
    running()
      .result([5_000n])
      .receipt('provider', [5_000n], { reason: 'silent' })
      .as('settled: the last VOUCHER covers RESULT, the provider closes alone'),
    running()
      .result([90_000n])
      .receipt('renter', [5_000n], { reason: 'meter' })
      .receipt('provider', [90_000n], { reason: 'meter' })
      .as('disputed: the renter does not believe the meter'),
    running()
      .result([8_123n])
      .receipt('renter', [5_000n], { reason: 'output' })
      .receipt('provider', [5_000n])
      .as('settled: the provider gives way in a dispute'),
    new Story().accept().rejected('capacity').as('rejected: capacity'),
    new Story().ask().rejected('constraint', { path: 'gpu.vram' }).as('rejected: constraint'),
    new Story().ask().cancel('renter', 'expired').as('expired: no answer to QUOTE_REQ'),
    quoted.fork().cancel('renter', 'lapsed').as('expired: the renter lets the quote lapse'),
    new Story().accept().cancel('renter', 'expired').as('expired: no CONFIRM'),
    crossing().as('expired: CANCEL and CONFIRM cross, nobody is bound'),
    new Story().accept().confirm().ready().cancel('provider', 'unacked').as('expired: CONFIRM was never acknowledged'),
    quoted.fork().cancel('provider', 'user').as('cancelled: by the provider, before a contract'),
    running()
      .cancel('renter', 'user')
      .result([6_000n], true)
      .receipt('renter', [6_000n])
      .receipt('provider', [6_000n])
      .as('cancelled: by the renter, with RESULT and both receipts'),
    reclaimed().as('cancelled: by the provider after RECLAIM_NOTICE'),
    running()
      .cancel('renter', 'silent')
      .receipt('renter', [5_000n], { reason: 'silent' })
      .as('failed: the provider is gone, the renter closes alone'),
    running()
      .meter(2, [10_000n])
      .cancel('provider', 'idle')
      .result([12_000n], true)
      .receipt('provider', [5_000n], { reason: 'silent' })
      .as('failed: the renter is gone, the provider closes alone'),
    new Story()
      .accept({ specLater: true })
      .confirm()
      .voucher([0n])
      .cancel('provider', 'staging')
      .result([0n], true)
      .receipt('provider', [0n], { reason: 'silent' })
      .as('failed: START never came'),
    lateResult().as('settled: CANCEL crosses RESULT, which stands'),
    new Story().accept().as('open: ACCEPT'),
    new Story().accept().confirm().as('open: CONFIRM, not acknowledged'),
    running().as('open: running'),
    running().result([8_123n]).receipt('renter', [8_123n]).as("open: the provider's RECEIPT is missing"),
    { name: 'open: the tail is cut between messages', file: whole.subarray(0, whole.length - last - 4) },
    { name: 'open: the tail is cut inside the last message', file: whole.subarray(0, whole.length - 1) },
    { name: 'open: the tail is cut inside a length', file: whole.subarray(0, whole.length - last - 2) },
  ]
}

function startLater(): Story {
  const story = new Story().accept({ specLater: true }).confirm()
  story.thread.say('renter', 'start', { specHash: SPEC_HASH })
  story.ready()
  story.thread.say('renter', 'grant', { contract: story.contract, grantee: STRANGER.publicKey, right: 'read', until: 1_800_086_400 })
  return story.meter(1, [4_000n]).voucher([4_000n]).result([4_100n]).receipt('renter', [4_100n]).receipt('provider', [4_100n])
}

function reclaimed(): Story {
  const story = running()
  story.thread.say('provider', 'reclaim-notice', { inMs: 15_000 })
  return story.cancel('provider', 'reclaim').result([20_000n], true).receipt('renter', [20_000n]).receipt('provider', [20_000n])
}

function lateResult(): Story {
  const story = running()
  const known = story.thread.lastOf('provider')
  const told = story.thread.lastOf('renter')
  return story
    .cancel('renter', 'user', { ack: known })
    .result([8_123n], false, { ack: told })
    .receipt('renter', [8_123n])
    .receipt('provider', [8_123n])
}

function replaced(file: Uint8Array, at: number, value: number): Uint8Array {
  const copy = file.slice()
  copy[at] = value
  return copy
}

/** Files with one thing wrong each. */
export function badTranscripts(): TranscriptCase[] {
  const good = settledByTake().thread
  const messages = good.said.map(({ bytes }) => bytes)
  const file = good.file()
  const second = messages[1] ?? new Uint8Array()
  const other = termsOf({ cap: 1n })
  const table: readonly (readonly [string, Story])[] = [
    ['another key signs', running().result([8_123n], false, { signer: STRANGER })],
    ['a message for a third party', running().result([8_123n], false, { audience: STRANGER.publicKey })],
    ['a message of another thread', running().result([8_123n], false, { thread: new Uint8Array(16) })],
    ['a message of another network', running().result([8_123n], false, { network: suite.sha256(utf8('elsewhere')) })],
    ['a seq too high', running().result([8_123n], false, { seq: 9 })],
    ['prev names another message', running().result([8_123n], false, { prev: new Uint8Array(32) })],
    ['ack names nothing', running().result([8_123n], false, { ack: new Uint8Array(32).fill(1) })],
    ['ack goes back', running().result([8_123n], false, { ack: null })],
    ['iat falls', running().result([8_123n], false, { iat: 1_800_000_000 })],
    ['it lives too long', running().result([8_123n], false, { lifetimeS: 601 })],
    ['a body with a position too many', running().result([8_123n], false, { rawBody: [['exit', 0, null], [], new Uint8Array(), null, 1] })],
    ['signer: the renter signs METER', rentersMeter()],
    ['turn: CONFIRM without ACCEPT', new Story().ask().confirm(new Uint8Array(32))],
    ['turn: METER before READY', new Story().accept().confirm().meter(1, [1n])],
    ['turn: METER after CANCEL', running().cancel('renter', 'user').meter(2, [6_000n])],
    ['turn: ACCEPT twice', new Story().accept().accept()],
    ['turn: a word after RECEIPT', settledByTake().voucher([8_123n])],
    [
      'turn: the provider closes a contract that nobody is bound by',
      new Story().accept().confirm().result([0n]).receipt('provider', [0n], { reason: 'silent' }),
    ],
    ['counters: a fifth COUNTER', fiveCounters()],
    ['terms: of another provider', new Story(termsOf({ provider: STRANGER.publicKey })).accept()],
    ['terms: ACCEPT of other terms than the quoted ones', otherTerms()],
    ['terms: the hash is not that of the bytes', wrongHash()],
    ['terms: CONFIRM names other terms', confirmOf(other)],
    ['terms: take it without an offer', new Story(termsOf({ offerDigest: null })).accept()],
    ['terms: an extension that changes the price', dearerExtension()],
    ['terms: not in the dialect', notTerms()],
    ['contract: CONFIRM of another ACCEPT', new Story().accept().confirm(new Uint8Array(32).fill(5))],
    ['contract: VOUCHER for another contract', voucherForOther()],
    ['reason: the provider says meter', running().cancel('provider', 'meter')],
    ['reason: expired in a contract', running().cancel('renter', 'expired')],
    ['reason: reclaim without notice', running().cancel('provider', 'reclaim')],
    ['reason: a path without constraint', new Story().ask().rejected('price', { path: 'gpu.vram' })],
    ['meter: not the next number', new Story().accept().confirm().ready().meter(2, [1n])],
    ['meter: usage falls', running().meter(2, [4_999n])],
    ['meter: another sum than the terms give', new Story().accept().confirm().ready().meter(1, [5_000n], { owed: 432n })],
    ['meter: two service levels opened', watched().meter(1, [5_000n, 2n])],
    ['meter: RESULT below METER', running().result([1n])],
    ['voucher: above the meter', new Story().accept().confirm().ready().meter(1, [5_000n]).voucher([5_000n], { owed: 432n })],
    ['voucher: below the meter', new Story().accept().confirm().ready().meter(1, [5_000n]).voucher([5_000n], { owed: 430n })],
    ['voucher: parts of a channel on the free rail', channelOnFree()],
    [
      'result: an exit without its code',
      running().result([8_123n], false, { rawBody: [['exit', null, null], [Uint8Array.of(0x1f, 0xbb)], Uint8Array.of(0x02, 0xbc), null] }),
    ],
    ['result: usage without READY', new Story().accept().confirm().result([1n])],
    ['receipt: another sum than RESULT', running().result([8_123n]).receipt('renter', [8_123n], { owed: 1n })],
    ["receipt: the provider's is not the renter's", running().result([8_123n]).receipt('renter', [8_123n]).receipt('provider', [5_000n])],
  ]
  return [
    { name: 'another first line', file: replaced(file, 18, 0x32) },
    { name: 'no message at all', file: file.subarray(0, 20) },
    { name: 'a length of 0', file: fileOf([messages[0] ?? new Uint8Array(), new Uint8Array()]) },
    { name: 'a length above 16,384', file: replaced(file, 22, 0x41) },
    { name: 'a flipped bit in a body', file: replaced(file, 20 + 4 + 300, (file[324] ?? 0) ^ 1) },
    { name: 'a flipped bit in the last signature', file: replaced(file, file.length - 1, (file.at(-1) ?? 0) ^ 1) },
    { name: 'a message in the middle is missing', file: fileOf(messages.filter((_, at) => at !== 2)) },
    {
      name: 'two messages are swapped',
      file: fileOf([messages[0], messages[2], messages[1], ...messages.slice(3)].filter((m) => m !== undefined)),
    },
    { name: 'a message is there twice', file: fileOf([...messages.slice(0, 2), second, ...messages.slice(2)]) },
    {
      name: "the chain of another thread's provider",
      file: fileOf(
        [
          messages[0] ?? new Uint8Array(),
          ...extended()
            .thread.said.slice(1)
            .map(({ bytes }) => bytes),
        ].map((m, at) => (at === 1 ? otherConfirm() : m)),
      ),
    },
    ...table.map(([name, story]) => story.as(name)),
  ]
}

function otherConfirm(): Uint8Array {
  const story = new Story(termsOf({ cap: 2n })).accept().confirm()
  return story.thread.said[1]?.bytes ?? new Uint8Array()
}

function rentersMeter(): Story {
  const story = new Story().accept().confirm().ready()
  story.thread.say('renter', 'meter', { n: 1, usage: [0n], owed: 0n })
  return story
}

function fiveCounters(): Story {
  const story = new Story().ask().quote()
  for (let at = 0; at < 4; at++) story.counter(termsOf()).quote()
  return story.counter(termsOf())
}

function otherTerms(): Story {
  const story = new Story().ask().quote()
  story.terms = termsOf({ cap: 49_999n })
  return story.accept({ quoted: true })
}

function wrongHash(): Story {
  const story = new Story()
  const { bytes } = termsBytes(story.terms)
  story.thread.say('renter', 'accept', { terms: bytes, termsHash: new Uint8Array(32), specHash: SPEC_HASH, number: 7, funding: null })
  return story
}

function confirmOf(terms: Terms): Story {
  const story = new Story().accept()
  story.terms = terms
  return story.confirm()
}

function dearerExtension(): Story {
  const story = running()
  const { hash } = termsBytes(story.terms)
  story.terms = termsOf({ meters: [{ unit: 'ms', price: 1n, per: 1n }], cap: 90_000n, extends: hash })
  return story.accept({ extends: true })
}

function notTerms(): Story {
  const story = new Story().ask()
  story.thread.say('provider', 'quote', { terms: Uint8Array.of(0x91, 0xc1), holdMs: 0, validMs: 1_000 })
  return story
}

function voucherForOther(): Story {
  const story = new Story().accept().confirm()
  story.thread.say('renter', 'voucher', { contract: new Uint8Array(32).fill(4), contractOwed: 0n, ...NO_PARTS })
  return story
}

function channelOnFree(): Story {
  const story = new Story().accept().confirm()
  const parts = { channel: new Uint8Array(32), channelCumulative: 1n, evmSig: new Uint8Array(65) }
  story.thread.say('renter', 'voucher', { contract: story.contract, contractOwed: 0n, ...parts })
  return story
}
