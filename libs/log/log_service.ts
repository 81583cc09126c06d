// The log of a running node among others: confirmed by them after a start, signed on time, brought to counterparties, compared, and fetched back.

import { peerIdOf, publicKeyOf } from '@haggle/identity'
import type { Network } from '@haggle/mesh'
import {
  type Aggregator,
  type Audit,
  audit,
  type ChainAnchor,
  type CheckpointReason,
  gapsOf,
  type HeadState,
  type Memory,
  openAggregator,
  type Proof,
  type SignedHead,
  type StoredEntry,
} from '@haggle/reputation'
import type { Store } from '@haggle/store'
import type { Clock, Signer, Suite } from '@haggle/wire'
import { ask } from './ask.ts'
import { Bringer } from './bringer.ts'
import { confirmMine } from './confirm_mine.ts'
import { type Carried, openCarried } from './carried.ts'
import { type Counterparties, followCounterparties } from './counterparties.ts'
import { hearEvidence } from './evidence_topic.ts'
import { gatherKept } from './gather_kept.ts'
import { type KeptEntries, keptEntries } from './kept_entries.ts'
import { OthersLogs } from './others_logs.ts'
import { overForBoth } from './over_for_both.ts'
import { evidenceTopic, MAX_HEADS } from './protocol.ts'
import { type ImportKind, Presenter } from './presenter.ts'
import { readLines } from './read_lines.ts'
import { Recent } from './recent.ts'
import { serveLog } from './serve.ts'

/** Milliseconds between two looks at what is due. */
export const TICK_MS = 15_000

/** Milliseconds after which heads are exchanged with a connected peer again. */
export const EXCHANGE_MS: number = 10 * 60 * 1000

/** Milliseconds after which the log of a connected counterparty is read again for gaps. */
export const AUDIT_MS: number = 6 * 60 * 60 * 1000

/** The last head before a shutdown is brought to counterparties for so long: whoever stops a node waits for it. Ms. */
const CLOSING_MS = 1_000

/** Seconds after which a contract between others is over: what terms allow at most. */
const LONGEST_CONTRACT_S = 30 * 86_400

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
  /** May everybody read this entry, because its terms say so? Default: no. Whom it is about may always. */
  readonly isPublic?: (entry: StoredEntry) => boolean | Promise<boolean>
  /** Seconds from its opening after which a contract of mine is over for both sides, as its terms say; undefined when that isn't known here. */
  readonly longestOf?: (contract: Uint8Array) => Promise<number | undefined>
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
  /** Which of the owner's logs is written to now: 0, and one more for each successor. */
  readonly log: number
  readonly size: number
  readonly signedSize: number
  /** When the last head was signed, unix seconds, or null. */
  readonly signedAt: number | null
  /** Entries that somebody has seen signed and that may not be here: all behind the last head signed here, when the log doesn't come to a later one. */
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
  /**
   * Asks connected peers for my last head: after a start nothing is signed before one has shown it, or a counterparty from before has said that there is
   * none. Resolves with the state then.
   */
  confirm(): Promise<HeadState>
  /** Signs the head now and brings it to the counterparties of the last 90 days. Throws what `sign` of a `HeadSigner` throws. */
  checkpoint(reason?: CheckpointReason): Promise<CheckpointResult>
  /** Compares heads with a connected peer, both ways. */
  exchange(peerId: string): Promise<void>
  /** Takes a portable proof that this node's owner brought. Throws the codes of `verifyProof`, and `E_PROOF_USELESS`. */
  importProof(file: Uint8Array): Promise<{ readonly kind: ImportKind; readonly proof: Proof }>
  /** Shows a peer the proofs that this node carries, once each. Resolves when it has counted them, or can't be asked. */
  present(peerId: string): Promise<void>
  /** Fetches what this log has lost from the counterparties that kept it. Throws `E_RESTORE_MISSING` and `E_RESTORE_ROOT` when they can't make it whole. */
  fetchLost(): Promise<number>
  /**
   * Takes in heads of others from now on, to be anchored on `chain` under one root, and gives their owners anchor files. Whoever calls it anchors, through
   * what it resolves with. Once only.
   */
  aggregate(on: { readonly anchors: ChainAnchor; readonly chain: number }): Promise<Aggregator>
  /** Reads a peer's log as it shows it to everybody, checks it against its head and sets the gaps that scores count. */
  auditPeer(key: Uint8Array): Promise<Audit>
  stop(): Promise<void>
}

/** Serves the log and keeps it in step until `stop()`. */
export async function startLog(init: LogInit): Promise<LogService> {
  const service = new RunningLog(init, await openCarried(init.store.sub('carried'), init.suite))
  await service.start()
  return service
}

class RunningLog implements LogService {
  readonly #init: LogInit
  readonly #counterparties: Counterparties
  readonly #kept: KeptEntries
  readonly #presenter: Presenter
  readonly #others: OthersLogs
  readonly #bringer: Bringer
  readonly #exchanged = new Recent()
  readonly #audited = new Recent()
  readonly #stops: (() => void | Promise<void>)[] = []
  readonly #work = new Set<Promise<unknown>>()
  #cancelTick: () => void = () => undefined
  #aggregator: Aggregator | undefined
  #state: HeadState | undefined
  #stopped = false

  constructor(init: LogInit, carried: Carried) {
    const { network, networkId, memory, store } = init
    this.#init = init
    this.#counterparties = followCounterparties(() => init.memory.ledger)
    this.#kept = keptEntries(store.sub('kept'))
    this.#presenter = new Presenter(init, carried)
    this.#others = new OthersLogs({
      ...init,
      onEvidence: (culprit, sentence) => this.#event({ kind: 'evidence', culprit, sentence }),
      publish: (evidence) => this.#run(network.publish(evidenceTopic(networkId), evidence)),
      onMine: async (envelope) => {
        await memory.heads.shown(envelope)
        this.#noteState()
      },
    })
    this.#bringer = new Bringer({
      ...init,
      onCosigned: (peerId, size) => this.#event({ kind: 'cosigned', peerId, size }),
      onForked: (evidence) => this.#run(this.#others.take(evidence)),
    })
  }

  async start(): Promise<void> {
    const { network } = this.#init
    await this.#bringer.load()
    const counterparties = this.#counterparties
    this.#stops.push(
      await serveLog({
        ...this.#init,
        counterparties,
        kept: this.#kept,
        onEvidence: (evidence) => this.#others.tell(evidence),
        aggregator: () => this.#aggregator,
      }),
      await hearEvidence({ ...this.#init, onEvidence: (evidence) => this.#run(this.#others.take(evidence)) }),
      network.listen({ connected: (peerId) => this.#run(this.#met(peerId)) }),
    )
    for (const peerId of network.peers()) this.#run(this.#met(peerId))
    this.#schedule()
  }

  status(): LogStatus {
    const { heads, ledger } = this.#init.memory
    const { state, signedSize, target } = heads.status()
    return {
      state,
      log: ledger.log,
      size: ledger.size,
      signedSize,
      signedAt: heads.last()?.iat ?? null,
      missing: state === 'behind' && target ? target.body.size - signedSize : 0,
      cosigners: this.#bringer.cosigners.length,
    }
  }

  async confirm(): Promise<HeadState> {
    await confirmMine({ ...this.#init, counterparties: this.#counterparties, seen: this.#bringer.seen }, this.#nowS())
    return this.#noteState()
  }

  async checkpoint(reason: CheckpointReason = 'asked'): Promise<CheckpointResult> {
    const head = await this.#init.memory.heads.sign(reason)
    if (head.body.size === 0) return { head, cosigned: 0, failed: 0 }
    const keys = await this.#counterparties.list(this.#nowS())
    await this.#bringer.all(head, keys)
    this.#noteState()
    const cosigned = this.#bringer.cosigners.length
    return { head, cosigned, failed: keys.length - cosigned }
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
    for (const evidence of answer.body.evidence) await this.#others.take(evidence)
    for (const head of answer.body.heads) await this.#others.consider(head)
  }

  async importProof(file: Uint8Array): Promise<{ readonly kind: ImportKind; readonly proof: Proof }> {
    const found = await this.#presenter.take(file)
    if (found.kind === 'carried') for (const peerId of this.#init.network.peers()) this.#run(this.present(peerId))
    return found
  }

  present(peerId: string): Promise<void> {
    return this.#presenter.present(peerId)
  }

  async fetchLost(): Promise<number> {
    const { memory, network } = this.#init
    const { target, signedSize } = memory.heads.status()
    const last = target ?? memory.heads.last()
    if (last === undefined) return 0
    // What stood under a head signed here is sure; behind it, entries written since may stand where lost ones were.
    const from = Math.min(signedSize, ...memory.ledger.status().lost.map((gap) => gap.from))
    // After a restored backup the ledger may not know all of its counterparties: whoever is connected may be one. Who is away is asked when they are not
    // enough.
    const here = network.peers()
    const kept = await gatherKept(this.#init, here, from)
    try {
      await memory.ledger.restore(last.body, [...kept.values()])
    } catch (error) {
      const away = (await this.#counterparties.list(this.#nowS())).map(peerIdOf).filter((peerId) => !here.includes(peerId))
      const more = await gatherKept(this.#init, away, from)
      if (more.size === 0) throw error
      for (const [index, entry] of more) kept.set(index, entry)
      await memory.ledger.restore(last.body, [...kept.values()])
    }
    memory.scores.reread()
    this.#counterparties.reread()
    await memory.heads.shown(last.bytes)
    this.#event({ kind: 'fetched', entries: kept.size })
    this.#noteState()
    return kept.size
  }

  async aggregate({ anchors, chain }: { readonly anchors: ChainAnchor; readonly chain: number }): Promise<Aggregator> {
    const { memory, networkId: network, store, suite, clock } = this.#init
    const onEvidence = (evidence: Uint8Array): void => this.#others.tell(evidence)
    const parts = { store: store.sub('aggregate'), book: memory.book, suite, clock, network, anchors, chain, onEvidence }
    this.#aggregator = await openAggregator(parts)
    return this.#aggregator
  }

  async auditPeer(key: Uint8Array): Promise<Audit> {
    const { memory } = this.#init
    const lines = await readLines(this.#init, { peerId: peerIdOf(key) }, await this.#others.headOf(key))
    const { ledger } = this.#init.memory
    const over = await overForBoth({ ...this.#init, ledger }, key, lines)
    const found = audit(lines, { now: this.#nowS(), longestS: LONGEST_CONTRACT_S, over })
    await memory.scores.setGaps(key, gapsOf(found))
    return found
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#cancelTick()
    await this.#closing()
    this.#stopped = true
    this.#bringer.stop()
    for (const stop of this.#stops) await stop()
    await this.#aggregator?.close()
    await Promise.allSettled([...this.#work])
  }

  /** The last word before a shutdown, brought to whoever is connected. What can't be brought in time is brought by the next process. */
  async #closing(): Promise<void> {
    const { memory, network, clock } = this.#init
    const { state, signedSize } = memory.heads.status()
    if (state !== 'ok' || memory.ledger.size === signedSize) return
    const head = await memory.heads.sign('closing')
    const connected = new Set(network.peers())
    const keys = (await this.#counterparties.list(this.#nowS())).filter((key) => connected.has(peerIdOf(key)))
    const late = Promise.withResolvers<void>()
    const cancel = clock.after(CLOSING_MS, late.resolve)
    const brought = this.#bringer.all(head, keys)
    this.#run(brought)
    await Promise.race([brought.catch(() => undefined), late.promise])
    cancel()
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
    await this.#auditOne()
  }

  /** A peer is connected: it may know my last head, and of forks, and may want to know who vouches for me. */
  async #met(peerId: string): Promise<void> {
    const { memory, clock } = this.#init
    await this.present(peerId)
    if (memory.heads.status().state === 'unconfirmed') await this.confirm()
    if (memory.heads.status().state === 'behind') await this.fetchLost().catch(() => undefined)
    const now = clock.monotonicMs()
    if (now - (this.#exchanged.get(peerId) ?? -Infinity) < EXCHANGE_MS) return
    this.#exchanged.set(peerId, now)
    await this.#bringMissed(peerId)
    await this.exchange(peerId)
  }

  /** A counterparty that wasn't there at the last checkpoint gets its head now. */
  async #bringMissed(peerId: string): Promise<void> {
    const { heads } = this.#init.memory
    const head = heads.last()
    if (head === undefined || heads.status().state !== 'ok') return
    if (await this.#isCounterparty(peerId)) await this.#bringer.one(head, publicKeyOf(peerId))
  }

  /** Reads the log of one connected counterparty whose turn it is: one at a time, so that a look costs little. */
  async #auditOne(): Promise<void> {
    const { network, clock } = this.#init
    const now = clock.monotonicMs()
    for (const peerId of network.peers()) {
      if (now - (this.#audited.get(peerId) ?? -Infinity) < AUDIT_MS || !(await this.#isCounterparty(peerId))) continue
      this.#audited.set(peerId, now)
      // One that shows no head, or not all of its log, is asked again next time: nobody is condemned for being out of reach.
      await this.auditPeer(publicKeyOf(peerId)).catch(() => undefined)
      return
    }
  }

  async #isCounterparty(peerId: string): Promise<boolean> {
    return await this.#counterparties.has(publicKeyOf(peerId), this.#nowS())
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

  #nowS(): number {
    return Math.floor(this.#init.clock.now() / 1000)
  }

  /** Work that nobody awaits: failures of one peer are that peer's, and `stop()` waits for the rest. */
  #run(work: Promise<unknown>): void {
    const done = work.catch(() => undefined).finally(() => this.#work.delete(done))
    this.#work.add(done)
  }
}
