// An aggregator: takes in the heads of others' logs, has them anchored under one root, and gives each owner its anchor file (spec/proof.md, Anchor).

import type { Store } from '@haggle/store'
import { bytes, type Clock, decodeAs, encodeAs, equalBytes, fields, open, type Suite, toHex, uint } from '@haggle/wire'
import { AGGREGATE_LOG, type AggregateAnchor, openAggregate } from './aggregate.ts'
import { ANCHOR_EVERY_MS, type Anchored, type ChainAnchor } from './anchor.ts'
import { checkpointMessage, type Head, type SignedHead } from './checkpoint.ts'
import { contradiction, forkEvidence } from './evidence.ts'
import type { HeadBook } from './head_book.ts'
import { HASH_BYTES } from './rfc9162.ts'

/**
 * Heads of owners that the head book does not know, taken in between two anchors. Fewer than make an anchor due at once: strangers alone can't have
 * this node pay for transactions more often than every 6 hours.
 */
export const MAX_STRANGERS = 256

/** Logs whose heads are looked through at the start. What changes later is heard of one by one. */
const MAX_LOGS = 65_536

const MS_PER_S = 1000

/** What {@link openAggregator} needs. */
export interface AggregatorInit {
  /** A store or sub-store of its own. */
  readonly store: Store
  /** Heads of others: their newest are taken in, and what contradicts them convicts. */
  readonly book: HeadBook
  /** Hashes and verifies. */
  readonly suite: Suite
  /** When heads were taken in. */
  readonly clock: Clock
  /** The network that heads must name, 32 bytes. */
  readonly network: Uint8Array
  /** Where the root goes. */
  readonly anchors: ChainAnchor
  /** Id of that chain. */
  readonly chain: number
  /** Told of evidence that a head brought to light. */
  readonly onEvidence?: (evidence: Uint8Array) => void
  /** Default: {@link MAX_STRANGERS}. */
  readonly maxStrangers?: number
}

/**
 * - `taken`: it is in the tree, and under the next anchor.
 * - `known`: it was in before, or one of its owner waits for the next anchor: one of each owner does.
 * - `full`: too many strangers wait for the next anchor.
 * - `fork`: its owner lied; the evidence.
 */
export type Brought = { readonly kind: 'taken' | 'known' | 'full' } | { readonly kind: 'fork'; readonly evidence: Uint8Array }

/** A running aggregator. It is a ledger of heads to whoever anchors by time and number: `now`, `sign` and `entryAtMs`. */
export interface Aggregator {
  /** The chain, through which this aggregator learns what is anchored: anchor with this. */
  readonly anchors: ChainAnchor
  /** Logs of which a head was taken in. */
  readonly logs: number
  /** Takes in the newest head of each log of which none waits. Resolves with the number that the tree is anchored under, and the heads in it. */
  now(): Promise<{ readonly log: number; readonly size: number }>
  /** Takes in every newest head. Resolves with what is to be anchored. */
  sign(): Promise<Head>
  /** When a head was taken in, unix ms; null when there is none at that place. */
  entryAtMs(index: number): Promise<number | null>
  /** Takes a head that its owner brings. Throws the codes of `open` for a bad envelope. */
  bring(envelope: Uint8Array): Promise<Brought>
  /** The anchor file of the newest head of an owner that is anchored; null when none is. */
  fileOf(owner: Uint8Array): Promise<Uint8Array | null>
  /** Unix seconds by which the head of an owner that waits is to be anchored; null when none waits. */
  dueAtS(owner: Uint8Array): Promise<number | null>
  /** Takes in nothing more. */
  close(): Promise<void>
}

/** What is known to be anchored, as it is kept. */
const NOTE = fields({ chain: uint(), account: bytes({ length: 20 }), size: uint(), root: bytes({ length: HASH_BYTES }) })

/** Opens the aggregator that is kept in `store`. Nothing is anchored by itself: whoever opens it does that, through {@link Aggregator.anchors}. */
export async function openAggregator(init: AggregatorInit): Promise<Aggregator> {
  const { store, suite } = init
  const tree = await openAggregate({ store: store.sub('tree'), suite })
  const kept = await store.get('anchored')
  const note = kept === undefined ? undefined : decodeAs(NOTE, kept)
  const here = note !== undefined && note.chain === init.chain && equalBytes(note.account, init.anchors.account)
  const aggregator = new OpenAggregator(init, tree, here ? note : undefined)
  await aggregator.start()
  return aggregator
}

class OpenAggregator implements Aggregator {
  readonly anchors: ChainAnchor
  readonly #init: AggregatorInit
  readonly #tree: Awaited<ReturnType<typeof openAggregate>>
  /** Newest heads that are not in the tree yet, by log. */
  readonly #changed = new Map<string, SignedHead>()
  #anchored: AggregateAnchor | undefined
  /** Heads of strangers since the last anchor. */
  #strangers = 0
  #turn: Promise<unknown> = Promise.resolve()
  #unfollow: () => void = () => undefined

  constructor(init: AggregatorInit, tree: Awaited<ReturnType<typeof openAggregate>>, anchored: AggregateAnchor | undefined) {
    this.#init = init
    this.#tree = tree
    this.#anchored = anchored
    const { anchors } = init
    this.anchors = {
      account: anchors.account,
      latest: async (log, options) => await this.#note(await anchors.latest(log, options)),
      anchor: async (head, options) => {
        const anchored = await anchors.anchor(head, options)
        await this.#note(anchored)
        return anchored
      },
      check: (...claim) => anchors.check(...claim),
    }
  }

  async start(): Promise<void> {
    const { book } = this.#init
    this.#unfollow = book.follow((head) => this.#changed.set(keyOf(head), head))
    for await (const head of book.newest(MAX_LOGS)) if (await this.#isNewer(head)) this.#changed.set(keyOf(head), head)
  }

  get logs(): number {
    return this.#tree.logs
  }

  async now(): Promise<{ readonly log: number; readonly size: number }> {
    await this.#gather({ all: false })
    return { log: AGGREGATE_LOG, size: this.#tree.size }
  }

  async sign(): Promise<Head> {
    await this.#gather({ all: true })
    return { log: AGGREGATE_LOG, size: this.#tree.size, root: this.#tree.root() }
  }

  async entryAtMs(index: number): Promise<number | null> {
    const atS = await this.#tree.addedAtS(index)
    return atS === null ? null : atS * MS_PER_S
  }

  async bring(envelope: Uint8Array): Promise<Brought> {
    const { network, suite } = this.#init
    const head = open(envelope, checkpointMessage, { network, suite })
    return await this.#inTurn(() => this.#bring(head))
  }

  async fileOf(owner: Uint8Array): Promise<Uint8Array | null> {
    return this.#anchored === undefined ? null : await this.#tree.prove(owner, this.#anchored)
  }

  async dueAtS(owner: Uint8Array): Promise<number | null> {
    if (!(await this.#waits(owner))) return null
    const atS = await this.#tree.addedAtS(this.#anchoredSize)
    return atS === null ? null : atS + ANCHOR_EVERY_MS / MS_PER_S
  }

  async close(): Promise<void> {
    this.#unfollow()
    await this.#turn
  }

  async #bring(head: SignedHead): Promise<Brought> {
    const { book, onEvidence, maxStrangers = MAX_STRANGERS } = this.#init
    const convicted = await book.convicted(head.signer)
    if (convicted !== undefined) return { kind: 'fork', evidence: convicted }
    const isStranger = (await book.last(head.signer)) === undefined
    if (!isStranger) {
      const verdict = await book.consider(head.bytes)
      if (verdict.kind === 'fork') {
        onEvidence?.(verdict.evidence)
        return verdict
      }
    }
    // A stranger's heads are in no book: the tree remembers the newest.
    const evidence = await this.#contradicted(head)
    if (evidence !== undefined) return { kind: 'fork', evidence }
    if (!(await this.#isNewer(head)) || (await this.#waits(head.signer))) return { kind: 'known' }
    if (isStranger && this.#strangers >= maxStrangers) return { kind: 'full' }
    await this.#tree.add([head], this.#nowS())
    if (isStranger) this.#strangers++
    return { kind: 'taken' }
  }

  /** Takes in the newest heads that were heard of. A log that grows every few minutes has two of them in an anchor, not hundreds. */
  async #gather({ all }: { readonly all: boolean }): Promise<void> {
    if (this.#changed.size === 0) return
    await this.#inTurn(async () => {
      const taken: [key: string, head: SignedHead][] = []
      for (const [key, head] of this.#changed) if (all || !(await this.#waits(head.signer))) taken.push([key, head])
      const honest: SignedHead[] = []
      for (const [, head] of taken) if ((await this.#contradicted(head)) === undefined) honest.push(head)
      await this.#tree.add(honest, this.#nowS())
      for (const [key, head] of taken) if (this.#changed.get(key) === head) this.#changed.delete(key)
    })
  }

  /** The evidence against an owner whose head contradicts the one in the tree. */
  async #contradicted(head: SignedHead): Promise<Uint8Array | undefined> {
    const known = await this.#tree.newest(head.signer, head.body.log)
    if (known === undefined || contradiction(known.body, head.body) === undefined) return undefined
    const evidence = forkEvidence(known, head)
    await this.#init.book.accuse(evidence)
    this.#init.onEvidence?.(evidence)
    return evidence
  }

  async #isNewer({ signer, body }: SignedHead): Promise<boolean> {
    return body.size > ((await this.#tree.newest(signer, body.log))?.body.size ?? 0)
  }

  /** Does a head of this owner wait for the next anchor? */
  async #waits(owner: Uint8Array): Promise<boolean> {
    return ((await this.#tree.placeOf(owner, this.#tree.size)) ?? -1) >= this.#anchoredSize
  }

  get #anchoredSize(): number {
    return this.#anchored?.size ?? 0
  }

  /** Keeps what the chain has: files are made of it, whether the chain can be asked or not. */
  async #note(found: Anchored | null): Promise<Anchored | null> {
    if (found === null || found.log !== AGGREGATE_LOG || found.size <= this.#anchoredSize) return found
    const { size, root } = found
    const anchored = { chain: this.#init.chain, account: this.anchors.account, size, root }
    await this.#init.store.write([{ key: 'anchored', value: encodeAs(NOTE, anchored) }])
    this.#anchored = anchored
    this.#strangers = 0
    return found
  }

  #nowS(): number {
    return Math.floor(this.#init.clock.now() / MS_PER_S)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function keyOf({ signer, body }: SignedHead): string {
  return `${toHex(signer)} ${body.log}`
}
