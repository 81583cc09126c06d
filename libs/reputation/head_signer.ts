// Signing the heads of my own log: only when somebody has shown me the last one I signed, and never two that contradict each other.

import { type Clock, equalBytes, errorCode, HaggleError, open, seal, type Signer, type Suite } from '@haggle/wire'
import type { Store } from '@haggle/store'
import { checkpointMessage, type CheckpointReason, type SignedHead } from './checkpoint.ts'
import { contradiction } from './evidence.ts'
import type { Ledger } from './ledger.ts'
import { emptyRoot } from './rfc9162.ts'

/** New entries after which a checkpoint is due. */
export const CHECKPOINT_ENTRIES = 256

/** Milliseconds after which a checkpoint is due when anything changed. */
export const CHECKPOINT_MS: number = 10 * 60 * 1000

/** Seconds that a head's envelope is fresh: its type's maximum. */
const LIFETIME_S = 600

/**
 * - `unconfirmed`: since it was opened nobody has shown the last head that this log signed: a restored backup would look just like this.
 * - `ok`: heads may be signed.
 * - `behind`: somebody has a later head of this log than the last one signed here, and the log doesn't come to it: entries are lost here.
 * - `forked`: somebody has a head of this log that contradicts one signed here: only a successor can go on.
 * - `damaged`: the ledger itself isn't whole.
 */
export type HeadState = 'unconfirmed' | 'ok' | 'behind' | 'forked' | 'damaged'

/** How the word of this log stands, for `status` and `doctor`. */
export interface HeadStatus {
  /** Whether heads may be signed, and why not. */
  readonly state: HeadState
  /** Size of the last head signed here, 0 when none was. */
  readonly signedSize: number
  /** The largest head that somebody has shown, when the log doesn't come to it. */
  readonly target: SignedHead | undefined
}

/** What {@link openHeadSigner} needs. */
export interface HeadSignerInit {
  /** The log that is signed for. */
  readonly ledger: Ledger
  /** A store or sub-store of its own, kept for ever. */
  readonly store: Store
  /** The owner's key. */
  readonly signer: Signer
  /** Checks what others show. */
  readonly suite: Suite
  /** Wall time for envelopes, monotonic time for what is due. */
  readonly clock: Clock
  /** The network that its envelopes name. */
  readonly network: Uint8Array
}

/** Signs and remembers the heads of one log. */
export interface HeadSigner {
  /** How the word of this log stands. */
  status(): HeadStatus
  /** The last head signed here. */
  last(): SignedHead | undefined
  /** Why a checkpoint is due now, or undefined. */
  due(): CheckpointReason | undefined
  /**
   * Says what somebody showed as my last head, or null when they know none. `null` confirms only a log that has signed nothing, or nothing that anybody
   * was brought (`unseen`): whoever calls has asked everybody it could reach. Heads of other keys, or with a bad signature, are refused with the codes
   * of `open`.
   */
  shown(envelope: Uint8Array | null, options?: { readonly unseen?: boolean }): Promise<HeadStatus>
  /**
   * Signs the log's head now and keeps it, synced, before it is given out. The same size is never signed twice: the old bytes are given again.
   * Throws `E_HEAD_UNCONFIRMED`, `E_HEAD_BEHIND`, `E_HEAD_FORKED` or `E_LEDGER_DAMAGED`.
   */
  sign(reason: CheckpointReason, options?: { readonly block?: number | null }): Promise<SignedHead>
  /** Every head signed here of more than `size` entries, smallest first. */
  since(size: number): AsyncIterable<SignedHead>
}

/** The key of a signed head, in order of size. */
function headKey(size: number): string {
  return `k${size.toString(16).padStart(8, '0')}`
}

/**
 * Reads what was signed before. A log that signs for the first time after an opening has to be confirmed first.
 * Throws `E_LEDGER_NETWORK` or `E_LEDGER_OTHER` when what is there was signed for another network, or with another key.
 */
export async function openHeadSigner(init: HeadSignerInit): Promise<HeadSigner> {
  const { store, ledger } = init
  let last: SignedHead | undefined
  for await (const [, bytes] of store.range({ gte: 'k', lt: 'l', reverse: true, limit: 1 })) last = ownHead(bytes, init)
  const keeper = new StoreHeadSigner(init, last)
  // What I signed myself is the first witness: a store older than the heads beside it is behind.
  if (last && (last.body.size > ledger.size || !equalBytes(await ledger.rootAt(last.body.size), last.body.root)))
    await keeper.shown(last.bytes)
  return keeper
}

function ownHead(bytes: Uint8Array, { network, suite, signer }: HeadSignerInit): SignedHead {
  let head: SignedHead
  try {
    head = open(bytes, checkpointMessage, { network, suite })
  } catch (cause) {
    if (errorCode(cause) !== 'E_ENVELOPE_NETWORK') throw cause
    throw new HaggleError('E_LEDGER_NETWORK', 'Cannot open the ledger: it was kept on another network', {
      next: 'name that network, or use another home for this one: --network NAME, --home DIR',
      cause,
    })
  }
  if (equalBytes(head.signer, signer.publicKey)) return head
  throw new HaggleError('E_LEDGER_OTHER', 'Cannot open the ledger: it was kept with another key', {
    next: 'put that key back, or begin in another home: --home DIR',
  })
}

class StoreHeadSigner implements HeadSigner {
  readonly #init: HeadSignerInit
  #last: SignedHead | undefined
  #confirmed = false
  #target: SignedHead | undefined
  #forked = false
  #lastAt: number
  /** Signing is one at a time: two calls at once must not sign two heads with one `seq` or one predecessor. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(init: HeadSignerInit, last: SignedHead | undefined) {
    this.#init = init
    this.#last = last
    this.#lastAt = init.clock.monotonicMs()
  }

  status(): HeadStatus {
    return { state: this.#state(), signedSize: this.#last?.body.size ?? 0, target: this.#target }
  }

  last(): SignedHead | undefined {
    return this.#last
  }

  due(): CheckpointReason | undefined {
    const { ledger, clock } = this.#init
    const fresh = ledger.size - (this.#last?.body.size ?? 0)
    if (fresh >= CHECKPOINT_ENTRIES) return 'entries'
    return fresh > 0 && clock.monotonicMs() - this.#lastAt >= CHECKPOINT_MS ? 'time' : undefined
  }

  async shown(envelope: Uint8Array | null, { unseen = false }: { readonly unseen?: boolean } = {}): Promise<HeadStatus> {
    const { ledger, suite, network, signer } = this.#init
    if (envelope === null) {
      if (this.#last === undefined || unseen) this.#confirmed = true
      return this.status()
    }
    const head = open(envelope, checkpointMessage, { network, suite })
    if (!equalBytes(head.signer, signer.publicKey))
      throw new HaggleError('E_HEAD_OTHER', 'Cannot compare the head: it is signed by another key')
    const { log, size, root } = head.body
    if (log < ledger.log) {
      // Who knows only the log that this one succeeds knows none of this one.
      if (this.#last === undefined) this.#confirmed = true
      return this.status()
    }
    if (log > ledger.log || (this.#last && contradiction(head.body, this.#last.body) !== undefined)) {
      this.#target = head
      this.#forked = true
    } else if (size > ledger.size) {
      if (this.#target === undefined || size > this.#target.body.size) this.#target = head
    } else if (equalBytes(await ledger.rootAt(size), root)) {
      this.#confirmed = true
      // A head that this store has forgotten: my last word is at least that.
      if (this.#last === undefined || size > this.#last.body.size) await this.#keep(head)
      if (this.#target && !this.#forked && (await this.#reached(this.#target))) this.#target = undefined
    } else if (size > (this.#last?.body.size ?? 0)) {
      // What was appended since the last head signed here took the places of lost entries. It stands under no head: it can go behind them.
      if (this.#target === undefined || size > this.#target.body.size) this.#target = head
    } else {
      this.#target = head
      this.#forked = true
    }
    return this.status()
  }

  async sign(reason: CheckpointReason, options: { readonly block?: number | null } = {}): Promise<SignedHead> {
    const turn = this.#turn.then(async () => await this.#sign(reason, options.block ?? null))
    this.#turn = turn.catch(() => undefined)
    return await turn
  }

  async *since(size: number): AsyncGenerator<SignedHead> {
    const { store, suite, network } = this.#init
    for await (const [, bytes] of store.range({ gt: headKey(size), lt: 'l' })) yield open(bytes, checkpointMessage, { network, suite })
  }

  async #sign(reason: CheckpointReason, block: number | null): Promise<SignedHead> {
    const { ledger, suite, signer, clock, network } = this.#init
    this.#refuseUnlessOk()
    const head = ledger.head()
    const previous = this.#last
    if (previous && head.size <= previous.body.size) return previous
    const iat = Math.floor(clock.now() / 1000)
    const draft = {
      network,
      audience: null,
      thread: null,
      seq: Math.max((previous?.seq ?? -1) + 1, iat),
      prev: null,
      ack: null,
      iat,
      exp: iat + LIFETIME_S,
      body: { ...head, prevSize: previous?.body.size ?? 0, prevRoot: previous?.body.root ?? emptyRoot(suite.sha256), block, reason },
    }
    const signed = seal(checkpointMessage, draft, signer, suite)
    await this.#keep(signed)
    return signed
  }

  async #keep(head: SignedHead): Promise<void> {
    await this.#init.store.write([{ key: headKey(head.body.size), value: head.bytes }])
    this.#last = head
    this.#lastAt = this.#init.clock.monotonicMs()
  }

  async #reached({ body: { size, root } }: SignedHead): Promise<boolean> {
    const { ledger } = this.#init
    return size <= ledger.size && equalBytes(await ledger.rootAt(size), root)
  }

  #state(): HeadState {
    if (this.#forked) return 'forked'
    if (this.#target) return 'behind'
    if (this.#init.ledger.status().state !== 'ok') return 'damaged'
    return this.#confirmed ? 'ok' : 'unconfirmed'
  }

  #refuseUnlessOk(): void {
    const state = this.#state()
    if (state === 'ok') return
    const size = this.#target?.body.size ?? 0
    const [code, why, next] = {
      unconfirmed: ['E_HEAD_UNCONFIRMED', 'no counterparty has shown the last one yet', 'wait until one is reached'],
      behind: [
        'E_HEAD_BEHIND',
        `a head of ${size} entries was signed before, and not all of them are here`,
        'haggle ledger fetch, or haggle ledger succeed',
      ],
      forked: ['E_HEAD_FORKED', `a head of ${size} entries that was signed before says something else`, 'haggle ledger succeed'],
      damaged: ['E_LEDGER_DAMAGED', 'the ledger is not whole', 'haggle ledger check'],
    }[state] as [string, string, string]
    throw new HaggleError(code, `Cannot sign a head: ${why}`, { next, details: { size } })
  }
}
