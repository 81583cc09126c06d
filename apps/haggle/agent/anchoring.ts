// When the head of a ledger, or of the heads of others, goes on chain: after so many entries, after so many hours, or when somebody asks; one at a time.

import { ANCHOR_EVERY_MS, type Anchored, type ChainAnchor, type Head } from '@haggle/reputation'
import type { Clock } from '@haggle/wire'

/** A head that has grown by this many entries is anchored at once. */
export const ANCHOR_EVERY_ENTRIES = 1000
/** Between two looks at the ledger: also how soon an anchor is tried again after the chain refused one. */
const LOOK_MS = 60_000

/** The ledger as anchoring sees it. */
export interface Heads {
  /** Which log is written to, and its entries. */
  now(): Promise<{ readonly log: number; readonly size: number }>
  /** Signs the head of now: a proof stands under a signed head, and only that one is worth anchoring. Throws what a node throws that may not sign. */
  sign(): Promise<Head>
  /** When an entry was written, unix ms; null when there is none of that index. */
  entryAtMs(index: number): Promise<number | null>
}

/** What anchoring is made of. */
export interface AnchoringInit {
  readonly heads: Heads
  readonly anchors: ChainAnchor
  readonly clock: Clock
  /** Told of an anchor that was set, and of one that could not be: it is tried again. */
  readonly onAnchored?: (anchored: Anchored) => void
  readonly onProblem?: (error: unknown) => void
}

/** How far the chain is behind the ledger. */
export interface AnchorState {
  readonly log: number
  /** Entries of the ledger. */
  readonly size: number
  readonly anchored: Anchored | null
  /** Entries that no anchor covers. */
  readonly pending: number
  /** Unix ms when the next anchor is due by itself; null while nothing is pending. */
  readonly nextAtMs: number | null
}

/** Keeps the chain's anchor of one ledger fresh. */
export class Anchoring {
  readonly #init: AnchoringInit
  #cancel: (() => void) | undefined
  #running: Promise<Anchored | null> | undefined
  #stopped = false

  constructor(init: AnchoringInit) {
    this.#init = init
  }

  /** Begins to look. */
  start(): void {
    this.#cancel = this.#init.clock.after(LOOK_MS, () => {
      this.#look()
        .catch((error: unknown) => this.#init.onProblem?.(error))
        .finally(() => {
          if (!this.#stopped) this.start()
        })
    })
  }

  /** Ends looking, and waits for an anchor that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#running?.catch(() => undefined)
  }

  /** Anchors the newest head. Null: there is nothing new to anchor. Calls at once share one transaction. */
  now(): Promise<Anchored | null> {
    this.#running ??= this.#anchor().finally(() => (this.#running = undefined))
    return this.#running
  }

  /** How far the chain is behind. */
  async state(): Promise<AnchorState> {
    const { heads, anchors } = this.#init
    const head = await heads.now()
    const anchored = head.size === 0 ? null : await anchors.latest(head.log)
    const pending = head.size - (anchored?.size ?? 0)
    const oldest = pending > 0 ? await heads.entryAtMs(anchored?.size ?? 0) : null
    const due = pending >= ANCHOR_EVERY_ENTRIES ? this.#init.clock.now() : oldest === null ? null : oldest + ANCHOR_EVERY_MS
    return { log: head.log, size: head.size, anchored, pending: Math.max(0, pending), nextAtMs: due }
  }

  async #look(): Promise<void> {
    const { nextAtMs } = await this.state()
    if (nextAtMs !== null && nextAtMs <= this.#init.clock.now()) await this.now()
  }

  async #anchor(): Promise<Anchored | null> {
    const { heads, anchors, onAnchored } = this.#init
    const { log, size } = await heads.now()
    if (size === 0 || ((await anchors.latest(log))?.size ?? 0) >= size) return null
    const anchored = await anchors.anchor(await heads.sign())
    onAnchored?.(anchored)
    return anchored
  }
}
