// The log of a running node among others: confirmed by them after a start, signed on time, brought to counterparties, compared, and fetched back.

import { peerIdOf, publicKeyOf } from '@haggle/identity'
import type { Network } from '@haggle/mesh'
import {
  type Audit,
  audit,
  checkpointMessage,
  type CheckpointReason,
  gapsOf,
  type HeadState,
  type Memory,
  readEvidence,
  type SignedHead,
  type StoredEntry,
} from '@haggle/reputation'
import type { Store } from '@haggle/store'
import {
  type Clock,
  decodeAs,
  encodeAs,
  equalBytes,
  errorCode,
  HaggleError,
  peekEnvelope,
  type Signer,
  type Suite,
  toHex,
  uint,
} from '@haggle/wire'
import { ask } from './ask.ts'
import { type Counterparties, followCounterparties } from './counterparties.ts'
import { gatherKept } from './gather_kept.ts'
import { type KeptEntries, keptEntries } from './kept_entries.ts'
import { evidenceTopic, MAX_HEADS } from './protocol.ts'
import { pushHead } from './push.ts'
import { readLines } from './read_lines.ts'
import { serveLog } from './serve.ts'

/** Milliseconds between two looks at what is due. */
export const TICK_MS = 15_000

/** Counterparties that a head is brought to at once. */
const PUSHES_AT_ONCE = 8

/** Milliseconds after which heads are exchanged with a connected peer again. */
export const EXCHANGE_MS: number = 10 * 60 * 1000

/** Longest that a contract is taken to run when an opened one isn't closed, seconds: a week. */
const LONGEST_CONTRACT_S = 7 * 86_400

/** What {@link startLog} needs. */
export interface LogInit {
  readonly network: Network
  /** 32 bytes: see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  readonly memory: Memory
  /** A store or sub-store of the service's own. */
  readonly store: Store
  readonly signer: Signer
  readonly suite: Suite
  readonly clock: Clock
  /** May a peer read this entry? Default: the entry is about it. */
  readonly visible?: (entry: StoredEntry, reader: Uint8Array) => boolean
  /** Called with a line a person may want to read. */
  readonly onEvent?: (event: LogEvent) => void
}

/** What happens to a log that its owner should know. */
export type LogEvent =
  | { readonly kind: 'state'; readonly state: HeadState; readonly size: number }
  | { readonly kind: 'cosigned'; readonly peerId: string; readonly size: number }
  | { readonly kind: 'evidence'; readonly culprit: Uint8Array; readonly sentence: string }
  | { readonly kind: 'fetched'; readonly entries: number }

/** How the log stands among others. */
export interface LogStatus {
  readonly state: HeadState
  readonly size: number
  readonly signedSize: number
  /** Size that somebody has seen signed when it is more than is here; 0 otherwise. */
  readonly missing: number
  /** Counterparties that cosigned the last signed head. */
  readonly cosigners: number
}

/** What came of a checkpoint. */
export interface CheckpointResult {
  readonly head: SignedHead
  readonly cosigned: number
  /** Counterparties that could not be reached or would not sign. */
  readonly failed: number
}

/** A running log service. */
export interface LogService {
  status(): LogStatus
  /** Asks connected peers for my last head: after a start nothing is signed before one has answered. Resolves with the state then. */
  confirm(): Promise<HeadState>
  /** Signs the head now and brings it to the counterparties of the last 90 days. Throws what `sign` of a `HeadSigner` throws. */
  checkpoint(reason?: CheckpointReason): Promise<CheckpointResult>
  /** Compares heads with a connected peer, both ways. */
  exchange(peerId: string): Promise<void>
  /** Fetches what this log has lost from the counterparties that kept it. Throws `E_RESTORE_MISSING` and `E_RESTORE_ROOT` when they can't make it whole. */
  fetchLost(): Promise<number>
  /** Reads a peer's log as it shows it to everybody, checks it against its head and sets the gaps that scores count. */
  auditPeer(key: Uint8Array): Promise<Audit>
  stop(): Promise<void>
}

/** Serves the log and keeps it in step until `stop()`. */
export async function startLog(init: LogInit): Promise<LogService> {
  const service = new RunningLog(init)
  await service.start()
  return service
}

class RunningLog implements LogService {
  readonly #init: LogInit
  readonly #counterparties: Counterparties
  readonly #kept: KeptEntries
  readonly #exchanged = new Map<string, number>()
  readonly #cosigners = new Set<string>()
  readonly #stops: (() => void | Promise<void>)[] = []
  readonly #work = new Set<Promise<unknown>>()
  #cancelTick: () => void = () => undefined
  #state: HeadState | undefined
  #stopped = false

  constructor(init: LogInit) {
    this.#init = init
    this.#counterparties = followCounterparties(() => init.memory.ledger)
    this.#kept = keptEntries(init.store.sub('kept'))
  }

  async start(): Promise<void> {
    const { network, networkId, memory, signer, suite, clock, visible } = this.#init
    const onEvidence = (evidence: Uint8Array): void => this.#tell(evidence)
    const parts = { network, memory, counterparties: this.#counterparties, kept: this.#kept, signer, suite, clock, onEvidence }
    this.#stops.push(await serveLog(visible ? { ...parts, visible } : parts))
    this.#stops.push(
      await network.subscribe(evidenceTopic(networkId), ({ data }) => {
        try {
          const { culprit, sentence } = readEvidence(data, suite)
          this.#run(this.#accused(data, culprit, sentence))
          return 'accept'
        } catch {
          // Whoever passes on what shows nothing is to blame: checking it is what passing on takes.
          return 'reject'
        }
      }),
    )
    this.#stops.push(network.listen({ connected: (peerId) => this.#run(this.#met(peerId)) }))
    for (const peerId of network.peers()) this.#run(this.#met(peerId))
    this.#schedule()
  }

  status(): LogStatus {
    const { heads, ledger } = this.#init.memory
    const { state, signedSize, target } = heads.status()
    return {
      state,
      size: ledger.size,
      signedSize,
      missing: Math.max(0, (target?.body.size ?? 0) - ledger.size),
      cosigners: this.#cosigners.size,
    }
  }

  async confirm(): Promise<HeadState> {
    const { network, memory } = this.#init
    const answers = await Promise.allSettled(network.peers().map(async (peerId) => await this.#askMine(peerId)))
    const heads = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    for (const head of heads) await memory.heads.shown(head)
    // Everybody who could be asked has answered, and nobody knows of any.
    if (heads.length === 0 && answers.some((answer) => answer.status === 'fulfilled')) await memory.heads.shown(null)
    return this.#noteState()
  }

  async checkpoint(reason: CheckpointReason = 'asked'): Promise<CheckpointResult> {
    const { memory, clock } = this.#init
    const head = await memory.heads.sign(reason)
    if (head.body.size === 0) return { head, cosigned: 0, failed: 0 }
    this.#cosigners.clear()
    const waiting = await this.#counterparties.list(Math.floor(clock.now() / 1000))
    const asked = waiting.length
    const one = async (): Promise<void> => {
      for (let key = waiting.shift(); key && !this.#stopped; key = waiting.shift()) await this.#bring(head, key)
    }
    await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, one))
    this.#noteState()
    return { head, cosigned: this.#cosigners.size, failed: asked - this.#cosigners.size }
  }

  /** Brings a head to one counterparty. What can't be reached now gets it, or the next one, when it is met. */
  async #bring(head: SignedHead, key: Uint8Array): Promise<void> {
    const { store } = this.#init
    const peerId = peerIdOf(key)
    const name = `a${toHex(key)}${head.body.log}`
    const known = await store.get(name)
    const from = known ? decodeAs(uint(), known) : 0
    if (from >= head.body.size) return
    try {
      const outcome = await pushHead(this.#init, head, { target: { peerId }, key, from })
      if (outcome.kind !== 'cosigned') return
      if (head.body.size === this.#init.memory.heads.last()?.body.size) this.#cosigners.add(peerId)
      await store.write([
        { key: name, value: encodeAs(uint(), head.body.size) },
        { key: `c${toHex(key)}`, value: outcome.envelope },
      ])
      this.#event({ kind: 'cosigned', peerId, size: head.body.size })
    } catch (error) {
      if (errorCode(error) === 'E_STORE_CLOSED') throw error
    }
  }

  async exchange(peerId: string): Promise<void> {
    const { memory } = this.#init
    const mine: Uint8Array[] = []
    for await (const head of memory.book.newest(MAX_HEADS - 1)) mine.push(head.bytes)
    const own = memory.heads.last()
    if (own) mine.push(own.bytes)
    if (mine.length === 0) return
    const answer = await ask(this.#init, { peerId }, { name: 'exchange', body: { heads: mine } })
    if (answer.name !== 'exchanged') return
    for (const evidence of answer.body.evidence) await this.#take(evidence)
    for (const head of answer.body.heads) await this.#consider(head)
  }

  async fetchLost(): Promise<number> {
    const { memory, clock } = this.#init
    const { target, signedSize } = memory.heads.status()
    const last = target ?? memory.heads.last()
    if (last === undefined) return 0
    // What stood under a head signed here is sure; behind it, entries written since may stand where lost ones were.
    const from = Math.min(signedSize, ...memory.ledger.status().lost.map((gap) => gap.from))
    // After a restored backup the ledger may not know all of its counterparties: whoever is connected may be one.
    const counterparties = await this.#counterparties.list(Math.floor(clock.now() / 1000))
    const peers = new Set([...counterparties.map(peerIdOf), ...this.#init.network.peers()])
    const kept = await gatherKept(this.#init, peers, from)
    await memory.ledger.restore(last.body, kept)
    await memory.heads.shown(last.bytes)
    this.#event({ kind: 'fetched', entries: kept.length })
    this.#noteState()
    return kept.length
  }

  async auditPeer(key: Uint8Array): Promise<Audit> {
    const { memory, clock } = this.#init
    const target = { peerId: peerIdOf(key) }
    const head = await this.#headOf(key)
    const found = audit(await readLines(this.#init, target, head), { now: Math.floor(clock.now() / 1000), longestS: LONGEST_CONTRACT_S })
    await memory.scores.setGaps(key, gapsOf(found))
    return found
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTick()
    for (const stop of this.#stops) await stop()
    await Promise.allSettled([...this.#work])
  }

  #schedule(): void {
    this.#cancelTick = this.#init.clock.after(TICK_MS, () => {
      // The next look comes when this one is over: a checkpoint to many counterparties takes longer than the time between two.
      const next = (): void => (this.#stopped ? undefined : this.#schedule())
      this.#run(this.#tick().finally(next))
    })
  }

  async #tick(): Promise<void> {
    const { memory, network } = this.#init
    if (this.#noteState() === 'unconfirmed' && network.peers().length > 0) await this.confirm()
    if (this.#noteState() === 'behind') await this.fetchLost().catch(() => undefined)
    const due = memory.heads.due()
    if (due && this.#noteState() === 'ok') await this.checkpoint(due)
    for (const peerId of network.peers()) await this.#met(peerId)
  }

  /** A peer is connected: it may know my last head, and of forks. */
  async #met(peerId: string): Promise<void> {
    const { memory, clock } = this.#init
    if (memory.heads.status().state === 'unconfirmed') await this.confirm()
    const now = clock.monotonicMs()
    if (now - (this.#exchanged.get(peerId) ?? -Infinity) < EXCHANGE_MS) return
    this.#exchanged.delete(peerId)
    this.#exchanged.set(peerId, now)
    await this.#bringMissed(peerId)
    if (this.#exchanged.size > 1024) this.#exchanged.delete(this.#exchanged.keys().next().value!)
    await this.exchange(peerId)
  }

  /** A counterparty that wasn't there at the last checkpoint gets its head now. */
  async #bringMissed(peerId: string): Promise<void> {
    const { heads } = this.#init.memory
    const head = heads.last()
    if (head === undefined || heads.status().state !== 'ok') return
    const key = publicKeyOf(peerId)
    if (await this.#counterparties.has(key, Math.floor(this.#init.clock.now() / 1000))) await this.#bring(head, key)
  }

  /** The head that a peer shows now, when it extends what is known here. */
  async #headOf(key: Uint8Array): Promise<SignedHead> {
    const peerId = peerIdOf(key)
    const answer = await ask(this.#init, { peerId }, { name: 'head', body: { owner: null } })
    const envelope = answer.name === 'heads' ? answer.body.heads[0] : undefined
    if (envelope === undefined) throw new HaggleError('E_LOG_SILENT', `Cannot audit ${peerId}: it shows no signed head`)
    await this.#consider(envelope)
    const head = await this.#init.memory.book.last(key)
    if (head && equalBytes(head.bytes, envelope)) return head
    throw new HaggleError('E_LOG_UNPROVEN', `Cannot audit ${peerId}: its head does not extend the one known here`)
  }

  /** Heads of mine that a peer knows, newest first. */
  async #askMine(peerId: string): Promise<readonly Uint8Array[]> {
    const answer = await ask(this.#init, { peerId }, { name: 'head', body: { owner: this.#init.memory.ledger.key } })
    return answer.name === 'heads' ? answer.body.heads : []
  }

  /** Somebody showed a head of another's log: when it is ahead of what is known, its owner has to prove that it extends it. */
  async #consider(envelope: Uint8Array): Promise<void> {
    const { memory, suite } = this.#init
    const { signer } = peekEnvelope(envelope, suite)
    if (equalBytes(signer, memory.ledger.key)) {
      await memory.heads.shown(envelope)
      this.#noteState()
      return
    }
    const verdict = await memory.book.consider(envelope)
    if (verdict.kind === 'fork') return this.#tell(verdict.evidence)
    if (verdict.kind === 'unproven') await this.#prove(signer, envelope, verdict.from)
  }

  /** Asks a log's owner for the proof between two of its heads, and for the heads in between, which show a fork if there is one. */
  async #prove(signer: Uint8Array, envelope: Uint8Array, from: number): Promise<void> {
    const { memory, suite } = this.#init
    const target = { peerId: peerIdOf(signer) }
    try {
      const { size } = checkpointMessage.schema.parse(peekEnvelope(envelope, suite).rawBody)
      const answer = await ask(this.#init, target, { name: 'consistency', body: { from, to: size } })
      const verdict = await memory.book.consider(envelope, answer.name === 'proof' ? answer.body.path : [])
      if (verdict.kind === 'fork') return this.#tell(verdict.evidence)
      if (verdict.kind !== 'unproven') return
      const chain = await ask(this.#init, target, { name: 'heads', body: { size: Math.max(0, from - 1) } })
      for (const head of chain.name === 'heads' ? chain.body.heads : []) {
        const each = await memory.book.consider(head)
        if (each.kind === 'fork') return this.#tell(each.evidence)
      }
    } catch {
      // Its owner can't be reached: the head stays unproven, and isn't cosigned.
    }
  }

  async #take(evidence: Uint8Array): Promise<void> {
    try {
      const { culprit, sentence } = readEvidence(evidence, this.#init.suite)
      await this.#accused(evidence, culprit, sentence)
    } catch {
      // It shows nothing: what a peer claims is only as good as its proof.
    }
  }

  async #accused(evidence: Uint8Array, culprit: Uint8Array, sentence: string): Promise<void> {
    const { book } = this.#init.memory
    const known = await book.convicted(culprit)
    await book.accuse(evidence)
    if (known === undefined) this.#event({ kind: 'evidence', culprit, sentence })
  }

  /** Evidence that came to light here: everybody is told, once. */
  #tell(evidence: Uint8Array): void {
    const { suite, network, networkId } = this.#init
    const { culprit, sentence } = readEvidence(evidence, suite)
    this.#event({ kind: 'evidence', culprit, sentence })
    this.#run(network.publish(evidenceTopic(networkId), evidence))
  }

  #noteState(): HeadState {
    const { state } = this.#init.memory.heads.status()
    if (state !== this.#state) this.#event({ kind: 'state', state, size: this.#init.memory.ledger.size })
    this.#state = state
    return state
  }

  #event(event: LogEvent): void {
    this.#init.onEvent?.(event)
  }

  /** Work that nobody awaits: failures of one peer are that peer's, and `stop()` waits for the rest. */
  #run(work: Promise<unknown>): void {
    const done = work.catch(() => undefined).finally(() => this.#work.delete(done))
    this.#work.add(done)
  }
}
