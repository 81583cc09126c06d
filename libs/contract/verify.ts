// What a stranger can say of a transcript from the file alone: whether every message was right when it was signed, and what came of it.

import {
  equalBytes,
  errorCode,
  fromHex,
  HaggleError,
  type Message,
  type MessageTypes,
  open,
  peekEnvelope,
  type Suite,
  toHex,
} from '@haggle/wire'
import { type Facts, learn, NO_FACTS, other } from './facts.ts'
import { CONTRACT_MESSAGES, type ContractMessageName, type Role } from './messages.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { type Rec, recordOf } from './record.ts'
import { brokenRule, type Parties } from './rules.ts'
import type { Terms } from './terms.ts'
import { readTranscript } from './transcript.ts'

/** Something wrong in a transcript. */
export interface TranscriptError {
  /** Index of the message in the file, from 0; -1 for the file itself. */
  readonly at: number
  /** Stable code, as listed in spec/transcript.md. */
  readonly code: string
  /** One sentence for a person. */
  readonly message: string
}

/** What {@link verifyTranscript} finds. */
export interface TranscriptReport {
  /** True when nothing is wrong. A file whose tail is cut can be right, and is then `open`. */
  readonly ok: boolean
  /** What the messages up to the first error come to. */
  readonly outcome: Outcome
  /** 32-byte keys; null when not even the first message can be read. */
  readonly parties: Parties | null
  /** Thread id, 16 bytes; null when not even the first message can be read. */
  readonly thread: Uint8Array | null
  /** Contract id: that of the last first-walk ACCEPT; null before one. */
  readonly contract: Uint8Array | null
  /** Hash of the terms in force; of those on the table before there are any. */
  readonly termsHash: string | null
  /** The terms that `termsHash` names. */
  readonly terms: Terms | null
  /** What `owed` is for. */
  readonly usage: readonly bigint[]
  /** What the renter has signed for, base units. */
  readonly owed: bigint
  /** Messages that were checked and found right. */
  readonly messages: number
  /** True when the file ends inside a message. */
  readonly cut: boolean
  /** The first thing that is wrong; what comes after it is not judged. */
  readonly errors: readonly TranscriptError[]
}

const TYPES = CONTRACT_MESSAGES as unknown as MessageTypes<unknown>
const ROLES: readonly Role[] = ['renter', 'provider']

/** One side as the reader of a transcript follows it. */
interface Side {
  /** Seq of each of its messages by id, hex. */
  readonly seqs: Map<string, number>
  /** Id of its last message, hex; null before one. */
  last: string | null
  readonly recs: Rec[]
  /** What it knew when it signed its last message. */
  knew: Facts
  /** Messages of the other side that it had acknowledged by then. */
  ack: number
  iat: number
}

/**
 * Checks a transcript offline, from the file alone: envelopes and signatures, both chains, and for each message the rules, given what its signer had
 * acknowledged. `network` (32 bytes) is checked when it is given.
 */
export function verifyTranscript(file: Uint8Array, suite: Suite, options: { readonly network?: Uint8Array } = {}): TranscriptReport {
  const reader = new TranscriptReader(suite, options.network)
  let cut = false
  const errors: TranscriptError[] = []
  let at = -1
  try {
    const frames = readTranscript(file)
    cut = frames.cut
    for (const bytes of frames.messages) {
      at++
      reader.take(bytes)
    }
    if (at < 0) throw wrong('E_TRANSCRIPT_EMPTY', 'it has no whole message')
  } catch (error) {
    if (!(error instanceof HaggleError)) throw error
    // A frame's error knows its message; the `at` of a wire error is an octet inside the message that is being read.
    const frame = errorCode(error) === 'E_TRANSCRIPT_FRAME' ? error.details['at'] : undefined
    errors.push({ at: typeof frame === 'number' ? frame : at, code: errorCode(error), message: error.message })
  }
  const report = reader.report()
  const outcome: Outcome = cut ? { ...report.outcome, kind: 'open', by: null, reason: null } : report.outcome
  return { ...report, outcome, cut, ok: errors.length === 0, errors }
}

class TranscriptReader {
  readonly #suite: Suite
  #network: Uint8Array | undefined
  #parties: Parties | null = null
  #thread: Uint8Array | null = null
  #facts: Facts = NO_FACTS
  #count = 0
  readonly #sides: Readonly<Record<Role, Side>> = { renter: side(), provider: side() }

  constructor(suite: Suite, network: Uint8Array | undefined) {
    this.#suite = suite
    this.#network = network
  }

  take(bytes: Uint8Array): void {
    this.#network ??= peekEnvelope(bytes, this.#suite).network
    const message = open(bytes, TYPES, { network: this.#network, suite: this.#suite })
    const parties = this.#partiesOf(message)
    const by = ROLES.find((role) => equalBytes(parties[role], message.signer))
    if (by === undefined) throw wrong('E_TRANSCRIPT_SIGNER', 'it is signed by neither party')
    if (message.audience === null || !equalBytes(message.audience, parties[other(by)]))
      throw wrong('E_TRANSCRIPT_AUDIENCE', 'it is not for the other party')
    if (message.thread === null || this.#thread === null || !equalBytes(message.thread, this.#thread))
      throw wrong('E_TRANSCRIPT_THREAD', 'it belongs to another thread')
    const ack = this.#checkChain(by, message)
    const rec = recordOf({ by, seq: message.seq, ack, id: toHex(message.id) }, message.type as ContractMessageName, message.body)
    this.#catchUp(by, ack)
    const mine = this.#sides[by]
    const rule = brokenRule(mine.knew, rec, parties)
    if (rule !== null) throw wrong(`E_TRANSCRIPT_${rule.toUpperCase()}`, `${message.type} breaks the rule "${rule}"`)
    mine.knew = learn(mine.knew, rec)
    mine.last = toHex(message.id)
    mine.seqs.set(mine.last, message.seq)
    mine.recs.push(rec)
    mine.iat = message.iat
    this.#facts = learn(this.#facts, rec)
    this.#count++
  }

  report(): Omit<TranscriptReport, 'ok' | 'cut' | 'errors'> {
    const facts = this.#facts
    const outcome = outcomeOf(facts, { silent: false })
    const proposal = facts.inForce ?? facts.walk.proposal
    return {
      outcome,
      parties: this.#parties,
      thread: this.#thread,
      contract: facts.accept === null || facts.accept.id === null ? null : fromHex(facts.accept.id),
      termsHash: proposal?.hash ?? null,
      terms: proposal?.terms ?? null,
      usage: outcome.usage,
      owed: outcome.owed,
      messages: this.#count,
    }
  }

  /** The first message is the renter's, to the provider. */
  #partiesOf(message: Message): Parties {
    if (this.#parties !== null) return this.#parties
    const { signer, audience, thread } = message
    if (audience === null || equalBytes(signer, audience)) throw wrong('E_TRANSCRIPT_AUDIENCE', 'it is not for another party')
    this.#parties = { renter: signer, provider: audience }
    this.#thread = thread
    return this.#parties
  }

  /** The message's place in its chain; gives back the index of what it acknowledges. */
  #checkChain(by: Role, { seq, prev, ack, iat }: Message): number {
    const mine = this.#sides[by]
    const theirs = this.#sides[other(by)]
    if (seq !== mine.recs.length) throw wrong('E_TRANSCRIPT_SEQ', `its seq must be ${mine.recs.length}, is ${seq}`)
    if ((prev === null ? null : toHex(prev)) !== mine.last) throw wrong('E_TRANSCRIPT_PREV', 'its prev does not name the message before it')
    const index = ack === null ? -1 : theirs.seqs.get(toHex(ack))
    if (index === undefined) throw wrong('E_TRANSCRIPT_ACK', 'it acknowledges a message that is not before it in the file')
    if (index < mine.ack) throw wrong('E_TRANSCRIPT_ACK', 'it acknowledges less than the message before it')
    if (iat < mine.iat) throw wrong('E_TRANSCRIPT_TIME', 'its iat falls')
    mine.ack = index
    return index
  }

  #catchUp(by: Role, ack: number): void {
    const mine = this.#sides[by]
    const { recs } = this.#sides[other(by)]
    for (let seq = mine.knew.count[other(by)]; seq <= ack; seq++) {
      const rec = recs[seq]
      if (rec !== undefined) mine.knew = learn(mine.knew, rec)
    }
  }
}

function side(): Side {
  return { seqs: new Map(), last: null, recs: [], knew: NO_FACTS, ack: -1, iat: 0 }
}

function wrong(code: string, what: string): HaggleError {
  return new HaggleError(code, `Cannot accept the message: ${what}`)
}
