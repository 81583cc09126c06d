// The ledger: an append-only log of entries under a Merkle tree, kept twice on disk, with proofs, reads and a full check (spec/ledger.md).

import { type Clock, HaggleError, type Random, type Signer, type Suite } from '@haggle/wire'
import type { Store } from '@haggle/store'
import { Appender } from './_appender.ts'
import type { Head } from './checkpoint.ts'
import type { Entry } from './entry.ts'
import { HEADER_BYTES } from './_frames.ts'
import type { Journal } from './journal.ts'
import { type Gap, merge, type MergeReport } from './_merge.ts'
import { Reader, type StoredEntry } from './_reader.ts'
import { contractPrefix, peerPrefix, readRows, rebuildIndex, summariesOf, tallyRows } from './_index.ts'
import { recover, type Recovered } from './_recover.ts'
import { appendTail, finishRestore, type KeptEntry, restore } from './_restore.ts'
import type { Summary } from './summary.ts'
import { consistencySpans, Frontier, inclusionSpans, TreeHasher } from './tree.ts'

/** What {@link openLedger} needs. */
export interface LedgerInit {
  /** Where records and indexes are kept: a store, or a sub-store, of the ledger's own. */
  readonly store: Store
  /** The journal beside it: `openJournal` of `@haggle/reputation/node`, or {@link memoryJournal}. */
  readonly journal: Journal
  /** The owner's key. */
  readonly signer: Signer
  /** Hashes the tree. */
  readonly suite: Suite
  /** Time, for whoever asks the ledger when. */
  readonly clock: Clock
  /** Salts of the leaves. */
  readonly random: Random
  /** Which of the owner's logs this is: 0 (the default), and one more for each successor. */
  readonly log?: number
  /** True when the store had to be repaired: what it lacks isn't only at its end, so everything is checked, and healed, before it is used. */
  readonly suspect?: boolean
  /** Told now and then how many entries an opening that has to heal has walked. */
  readonly onProgress?: (index: number) => void
}

/**
 * - `ok`: everything that was ever acknowledged is here.
 * - `damaged`: entries are missing that neither journal nor database has; see {@link LedgerStatus.lost}.
 * - `failed`: a write was refused; the next append finds out first what of it reached the disk, and fails again while the disk takes nothing.
 * - `closed`: it was closed.
 */
export type LedgerState = 'ok' | 'damaged' | 'failed' | 'closed'

/** How the ledger is, for `status` and `doctor`. */
export interface LedgerStatus {
  /** Whether everything is here. */
  readonly state: LedgerState
  /** Number of entries, gaps counted. */
  readonly size: number
  /** Entries that opening wrote again into the database or the journal. */
  readonly healed: number
  /** Bytes of an unfinished write that opening cut off the journal. */
  readonly cutBytes: number
  /** Entries that neither source has. */
  readonly lost: readonly Gap[]
  /** Entries of which both sources have sound but different versions. */
  readonly conflicts: readonly number[]
}

/** What {@link Ledger.check} found and healed. */
export type CheckReport = MergeReport & {
  /** Rows of the index by peer and contract that were written again, all of them when any was missing. */
  readonly healedRows: number
  /** True when every entry is there and the tree comes to the head's root. */
  readonly ok: boolean
}

/** How long reads go and who may stop them. */
export interface ScanOptions {
  /** First index, 0 by default. */
  readonly from?: number
  /** Index behind the last, the size by default. */
  readonly to?: number
  /** Ends the reading. */
  readonly signal?: AbortSignal
}

/** An open ledger. */
export interface Ledger {
  /** The owner's key, 32 bytes. */
  readonly key: Uint8Array
  /** Which of the owner's logs this is. */
  readonly log: number
  /** Number of entries on disk. */
  readonly size: number
  /**
   * Appends `entries` in order. Resolves with the index of the first when all are on disk twice; concurrent calls share one sync.
   * Throws `E_WIRE_SCHEMA` for a bad entry, `E_LEDGER_WRITE` when the disk refuses, `E_LEDGER_DAMAGED` when the right edge is lost.
   */
  append(entries: readonly Entry[]): Promise<number>
  /** Size and root of what is on disk: unsigned. */
  head(): Head
  /** The root of the tree of the first `size` entries. Throws `E_LEDGER_RANGE`. */
  rootAt(size: number): Promise<Uint8Array>
  /** Sibling hashes from leaf `index` to the root of the tree of `size` entries (default: all). Throws `E_LEDGER_RANGE`, `E_LEDGER_LOST`. */
  inclusionProof(index: number, size?: number): Promise<Uint8Array[]>
  /** Hashes that show that the tree of `to` entries (default: all) extends that of `from`. Throws `E_LEDGER_RANGE`, `E_LEDGER_LOST`. */
  consistencyProof(from: number, to?: number): Promise<Uint8Array[]>
  /** Entry `index`. Throws `E_LEDGER_RANGE`, `E_LEDGER_LOST`. */
  get(index: number): Promise<StoredEntry>
  /** Entries in order. Throws `E_LEDGER_LOST` at one that neither source has. */
  entries(options?: ScanOptions): AsyncIterable<StoredEntry>
  /** Entries about a peer, oldest first; `reverse` gives the newest first. */
  bySubject(key: Uint8Array, options?: { readonly reverse?: boolean; readonly limit?: number }): AsyncIterable<StoredEntry>
  /** What scores need of the entries about a peer from index `from` on, oldest first: read from the index alone. */
  summaries(key: Uint8Array, from?: number): AsyncIterable<Summary & { readonly index: number }>
  /** Entries about a contract, oldest first. */
  byContract(id: Uint8Array): AsyncIterable<StoredEntry>
  /** How the ledger is. */
  status(): LedgerStatus
  /**
   * Reads everything twice, heals what one source lacks from the other and recomputes the tree. Appends go on meanwhile. Throws only when
   * the disk refuses, or `signal` aborts.
   */
  check(options?: { readonly onProgress?: (index: number) => void; readonly signal?: AbortSignal }): Promise<CheckReport>
  /**
   * Puts back entries that both halves have lost, from copies that counterparties kept, when they come to `target`, a head that this log's owner
   * signed. Own entries that took their places since go behind them. Throws `E_RESTORE_MISSING` or `E_RESTORE_ROOT`, having changed nothing.
   */
  restore(target: { readonly size: number; readonly root: Uint8Array }, kept: readonly KeptEntry[]): Promise<LedgerStatus>
  /** Finishes what waits. The store and the journal stay open: whoever opened them closes them. */
  close(): Promise<void>
}

/**
 * Opens the ledger in `store` and `journal`, healing either from the other first. An empty pair is a new ledger.
 * Throws `E_LEDGER_OTHER` when the journal belongs to another key or log.
 *
 * @example
 * ```ts
 * import { memoryJournal, openLedger, verifyInclusion } from "@haggle/reputation";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { memoryStore } from "@haggle/store";
 * import { systemClock } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const suite = portableSuite();
 * const ledger = await openLedger({
 *   store: memoryStore(), journal: memoryJournal(), signer: createIdentity(new Uint8Array(32).fill(1)).signer, suite,
 *   clock: systemClock(), random: (n) => crypto.getRandomValues(new Uint8Array(n)),
 * });
 * const entry = { kind: "receipt", at: 1_790_000_000, number: null, peer: new Uint8Array(32), contract: null, facts: null, evidence: [] } as const;
 * await ledger.append([entry, entry, entry]);
 * const { size, root } = ledger.head();
 * const { leaf } = await ledger.get(2);
 * expect(verifyInclusion({ leaf, index: 2, size, root, proof: await ledger.inclusionProof(2) }, suite.sha256)).toBe(true);
 * ```
 */
export async function openLedger(init: LedgerInit): Promise<Ledger> {
  const { store, journal, signer, suite, log = 0, onProgress } = init
  const hasher = new TreeHasher(suite.sha256)
  const ledger = new StoreLedger(
    init,
    hasher,
    await recover({ store, journal, hasher, log, key: signer.publicKey, ...(onProgress ? { onProgress } : {}) }),
  )
  await ledger.finishTail()
  if (init.suspect) await ledger.check(onProgress ? { onProgress } : {})
  return ledger
}

/** A key that is never there. */
const NO_KEY = '-'

class StoreLedger implements Ledger {
  readonly key: Uint8Array
  readonly log: number
  readonly #init: LedgerInit
  readonly #hasher: TreeHasher
  #found: Recovered
  #appender: Appender | undefined
  readonly #reader: Reader
  #lost: readonly Gap[] = []
  #conflicts: readonly number[] = []
  #healed = 0
  #closed = false
  /** Set while entries are put back: appends wait for it. */
  #restoring: Promise<unknown> | undefined

  constructor(init: LedgerInit, hasher: TreeHasher, found: Recovered) {
    const { store, journal } = init
    this.key = init.signer.publicKey
    this.log = init.log ?? 0
    this.#init = init
    this.#hasher = hasher
    this.#reader = new Reader({ store, journal, hasher })
    this.#found = this.#take(found)
  }

  /** Goes on from what opening, or restoring, found. */
  #take(found: Recovered): Recovered {
    const { store, journal, random } = this.#init
    this.#lost = found.lost
    this.#conflicts = found.conflicts
    this.#healed += found.healedRecords + found.healedFrames
    this.#appender =
      found.frontier && new Appender({ store, journal, hasher: this.#hasher, random, log: this.log, frontier: found.frontier })
    return found
  }

  /** Appends what a restoring that was cut short had set aside. */
  async finishTail(): Promise<void> {
    if (this.#appender) await appendTail(this.#appender, this.#init.store)
  }

  get size(): number {
    return this.#appender?.frontier.size ?? this.#found.size
  }

  async append(entries: readonly Entry[]): Promise<number> {
    this.#check()
    // Nothing is awaited when nothing is being put back: so an append asked for before a restoring is among what the restoring waits for.
    while (this.#restoring) await this.#restoring.catch(() => undefined)
    if (this.#appender?.failure) await this.#openAnew(this.#appender.failure)
    if (this.#appender === undefined) {
      throw new HaggleError(
        'E_LEDGER_DAMAGED',
        'Cannot append to the ledger: its last entries are lost, and another entry in their place would rewrite it',
        {
          details: { lost: this.#lost.length },
          next: 'fetch them from counterparties, or start a successor: haggle ledger succeed',
        },
      )
    }
    return entries.length === 0 ? this.size : await this.#appender.append(entries)
  }

  head(): Head {
    const frontier = this.#appender?.frontier
    return { log: this.log, size: this.size, root: frontier ? frontier.root() : this.#found.root }
  }

  async rootAt(size: number): Promise<Uint8Array> {
    this.#check()
    this.#within(size, this.size)
    return await this.#reader.root(size)
  }

  async inclusionProof(index: number, size: number = this.size): Promise<Uint8Array[]> {
    this.#check()
    this.#within(size, this.size)
    this.#within(index, size - 1)
    return await this.#reader.proof(inclusionSpans(index, size))
  }

  async consistencyProof(from: number, to: number = this.size): Promise<Uint8Array[]> {
    this.#check()
    this.#within(to, this.size)
    this.#within(from, to)
    return await this.#reader.proof(consistencySpans(from, to))
  }

  async get(index: number): Promise<StoredEntry> {
    this.#check()
    this.#within(index, this.size - 1)
    return await this.#reader.entry(index)
  }

  async *entries({ from = 0, to = this.size, signal }: ScanOptions = {}): AsyncGenerator<StoredEntry> {
    this.#check()
    this.#within(to, this.size)
    this.#within(from, to)
    yield* this.#reader.entries(from, to, signal)
  }

  async *bySubject(key: Uint8Array, options: { readonly reverse?: boolean; readonly limit?: number } = {}): AsyncGenerator<StoredEntry> {
    this.#check()
    for await (const { index } of readRows(this.#init.store, peerPrefix(key), { ...options, heal: this.#healIndex }))
      yield await this.#reader.entry(index)
  }

  async *summaries(key: Uint8Array, from: number = 0): AsyncGenerator<Summary & { readonly index: number }> {
    this.#check()
    yield* summariesOf(this.#init.store, key, { from, heal: this.#healIndex })
  }

  async *byContract(id: Uint8Array): AsyncGenerator<StoredEntry> {
    this.#check()
    for await (const { index } of readRows(this.#init.store, contractPrefix(id), { heal: this.#healIndex }))
      yield await this.#reader.entry(index)
  }

  /** Writes the index again: what is damaged there stands in the entries too. */
  readonly #healIndex = async (): Promise<void> => {
    this.#healed += await rebuildIndex(this.#init.store, this.size)
  }

  status(): LedgerStatus {
    const state = this.#closed
      ? 'closed'
      : this.#appender?.failure
        ? 'failed'
        : this.#lost.length + this.#conflicts.length > 0
          ? 'damaged'
          : 'ok'
    return { state, size: this.size, healed: this.#healed, cutBytes: this.#found.cutBytes, lost: this.#lost, conflicts: this.#conflicts }
  }

  async check(options: { readonly onProgress?: (index: number) => void; readonly signal?: AbortSignal } = {}): Promise<CheckReport> {
    this.#check()
    const { store, journal } = this.#init
    const { size, root } = this.head()
    const frontier = new Frontier(this.#hasher)
    const { tally, ...report } = await merge({
      store,
      journal,
      hasher: this.#hasher,
      frontier,
      offset: HEADER_BYTES,
      end: size,
      ...options,
    })
    this.#lost = report.lost
    this.#conflicts = report.conflicts
    const healedRows = (await tallyRows(store, size))?.equals(tally) ? 0 : await rebuildIndex(store, size)
    this.#healed += report.healedRecords + report.healedFrames + healedRows
    const same = report.whole && frontier.root().every((byte, i) => byte === root[i])
    if (report.whole && !same) this.#conflicts = [...report.conflicts, size - 1]
    return { ...report, healedRows, conflicts: this.#conflicts, ok: same && this.#conflicts.length === 0 }
  }

  async restore(target: { readonly size: number; readonly root: Uint8Array }, kept: readonly KeptEntry[]): Promise<LedgerStatus> {
    this.#check()
    while (this.#restoring) await this.#restoring.catch(() => undefined)
    this.#restoring = this.#restore(target, kept).finally(() => (this.#restoring = undefined))
    await this.#restoring
    return this.status()
  }

  /** After a refused write: what of it reached journal and database is sorted out as at an opening. Throws `failure` while that can't be done. */
  async #openAnew(failure: HaggleError): Promise<void> {
    const { store, journal } = this.#init
    const opening = async (): Promise<void> => {
      await this.#appender?.idle()
      // A write that was refused may be in the database all the same, once that was opened anew: before the next one it says what it has.
      await store.write([{ key: NO_KEY, value: null }])
      this.#found = this.#take(await recover({ store, journal, hasher: this.#hasher, log: this.log, key: this.key }))
      await this.finishTail()
    }
    this.#restoring = opening().finally(() => (this.#restoring = undefined))
    await this.#restoring.catch((cause: unknown) => {
      throw new HaggleError(failure.code, failure.message, { cause, ...(failure.next === undefined ? {} : { next: failure.next }) })
    })
  }

  async #restore(target: { readonly size: number; readonly root: Uint8Array }, kept: readonly KeptEntry[]): Promise<void> {
    await this.#appender?.idle()
    const { store, journal } = this.#init
    const base = { store, journal, hasher: this.#hasher, log: this.log }
    await restore({ ...base, size: this.size, target, kept })
    this.#found = this.#take(await recover({ ...base, key: this.key }))
    if (this.#appender) await finishRestore(this.#appender, { store, target, kept })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#restoring?.catch(() => undefined)
    await this.#appender?.idle()
  }

  #check(): void {
    if (this.#closed) throw new HaggleError('E_LEDGER_CLOSED', 'Cannot use the ledger: it is closed')
  }

  #within(value: number, max: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) {
      throw new HaggleError('E_LEDGER_RANGE', `Cannot read the ledger at ${value}: must be 0 to ${max}`, { details: { value, max } })
    }
  }
}

export type { StoredEntry } from './_reader.ts'
export type { KeptEntry } from './_restore.ts'
export type { Summary } from './summary.ts'
