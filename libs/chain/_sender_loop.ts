// The work of a transaction sender: looks at the chain again and again, and does for each transaction the next thing that it needs.

import { errorCode, HaggleError } from '@haggle/wire'
import { type Block, DEV_CHAIN_ID } from './chain.ts'
import { encodeIntent, type Intent, intentKey } from './_intent.ts'
import { type Fate, TransactionDesk } from './_transaction_desk.ts'
import { DEV_POLL_MS, type Mined, POLL_MS, RAISE_MS, type SenderInit, type SenderStatus } from './sending.ts'

/** Longest wait between looks at a chain that can't be reached. */
const MAX_WAIT_MS = 60_000

interface Waiter {
  readonly resolve: (mined: Mined) => void
  readonly reject: (reason: unknown) => void
}

interface Live {
  intent: Intent
  readonly waiters: Set<Waiter>
  /** Block of its receipt, while that has too few confirmations. */
  minedAt: number | null
  /** True from the moment that it gets a nonce: it can't be taken back. */
  launched: boolean
  /** Monotonic time of the newest attempt. */
  sentAtMs: number
}

/** See the file's comment. */
export class SenderLoop {
  readonly #init: SenderInit
  readonly #desk: TransactionDesk
  readonly #pollMs: number
  readonly #raiseMs: number
  readonly #live = new Map<number, Live>()
  readonly #stop = new AbortController()
  #waiting: SenderStatus['waiting'] = null
  #failures = 0
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #again = false

  constructor(init: SenderInit, intents: readonly Intent[]) {
    this.#init = init
    this.#desk = new TransactionDesk(init)
    this.#pollMs = init.pollMs ?? (init.chain.id === DEV_CHAIN_ID ? DEV_POLL_MS : POLL_MS)
    this.#raiseMs = init.raiseMs ?? RAISE_MS
    for (const intent of intents) this.#enter(intent)
    if (intents.length > 0) this.#kick()
  }

  withKey(key: string): Intent | undefined {
    return [...this.#live.values()].find(({ intent }) => intent.key === key)?.intent
  }

  throwIfStopped(): void {
    if (this.#stop.signal.aborted) throw stopped()
  }

  add(intent: Intent): void {
    this.#enter(intent)
    this.#kick()
  }

  outcomeOf({ order }: Intent, signal: AbortSignal | undefined): Promise<Mined> {
    const live = this.#live.get(order)
    if (live === undefined) return Promise.reject(stopped())
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (mined) => leave(() => resolve(mined)),
        reject: (reason) => leave(() => reject(reason)),
      }
      const onAbort = (): void => {
        waiter.reject(signal?.reason)
        if (!live.launched && live.waiters.size === 0) void this.#forget(order).catch(() => undefined)
      }
      const leave = (settle: () => void): void => {
        live.waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      live.waiters.add(waiter)
      if (this.#stop.signal.aborted) waiter.reject(stopped())
      else if (signal?.aborted) onAbort()
      else signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  status(): SenderStatus {
    const pending = [...this.#live.values()].map(({ intent, minedAt }) => ({
      key: intent.key,
      state: intent.nonce === null ? ('queued' as const) : minedAt === null ? ('sent' as const) : ('mined' as const),
      nonce: intent.nonce,
      hash: intent.attempts.at(-1)?.hash ?? null,
      raised: Math.max(0, intent.attempts.length - 1),
      sinceS: intent.sinceS,
    }))
    return { pending, waiting: this.#waiting }
  }

  async stop(): Promise<void> {
    this.#stop.abort(stopped())
    this.#cancel?.()
    await this.#running
    for (const { waiters } of this.#live.values()) for (const waiter of [...waiters]) waiter.reject(stopped())
  }

  #enter(intent: Intent): void {
    const sentAtMs = this.#init.clock.monotonicMs()
    this.#live.set(intent.order, { intent, waiters: new Set(), minedAt: null, launched: intent.nonce !== null, sentAtMs })
  }

  /** Looks now, or once more when a look is under way. */
  #kick(): void {
    if (this.#stop.signal.aborted) return
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    this.#running = this.#look().finally(() => {
      this.#running = undefined
      if (this.#stop.signal.aborted || this.#live.size === 0) return
      if (this.#again && this.#failures === 0) {
        this.#again = false
        this.#kick()
      } else this.#cancel = this.#init.clock.after(this.#waitMs(), () => this.#kick())
    })
  }

  #waitMs(): number {
    return this.#failures === 0 ? this.#pollMs : Math.min(this.#pollMs * 2 ** this.#failures, MAX_WAIT_MS)
  }

  async #look(): Promise<void> {
    const signal = this.#stop.signal
    this.#again = false
    try {
      const head = await this.#init.chain.head({ signal })
      const nonces = await this.#desk.nonces(head, signal)
      this.#waiting = null
      let pressed = false
      let next = nonces.used
      for (const live of this.#inOrder()) {
        const { nonce } = live.intent
        if (nonce === null) {
          next = await this.#launch(live, head, next)
        } else {
          next = Math.max(next, nonce + 1)
          if (nonce < nonces.used) await this.#settle(live, head, nonce < nonces.firm)
          else {
            // Those behind the lowest nonce wait for it: only its fee matters.
            await this.#press(live, head, !pressed)
            pressed = true
          }
        }
      }
      this.#failures = 0
    } catch (error) {
      if (signal.aborted) return
      this.#failures++
      this.#waiting = { code: errorCode(error), why: error instanceof Error ? error.message : String(error) }
    }
  }

  /** Those with a nonce by nonce, then the others by age. */
  #inOrder(): Live[] {
    const at = ({ intent }: Live): number => intent.nonce ?? Number.MAX_SAFE_INTEGER
    return [...this.#live.values()].toSorted((a, b) => at(a) - at(b) || a.intent.order - b.intent.order)
  }

  /** Gives it the nonce `nonce` and sends it. Returns the next free nonce. */
  async #launch(live: Live, head: Block, nonce: number): Promise<number> {
    if (!this.#live.has(live.intent.order)) return nonce
    live.launched = true
    const fate = await this.#desk.prepare(live.intent, head, this.#stop.signal).catch((error: unknown) => {
      live.launched = false
      throw error
    })
    if (fate.kind === 'refused') {
      await this.#finish(live, fate)
      return nonce
    }
    if (fate.kind === 'wait') {
      live.launched = false
      this.#waiting = { code: fate.error.code, why: fate.error.message }
      return nonce
    }
    await this.#send(live, { ...live.intent, nonce, attempts: [fate.attempt(nonce)] })
    return nonce + 1
  }

  /** Its nonce is taken: by itself, most likely. */
  async #settle(live: Live, head: Block, firm: boolean): Promise<void> {
    const fate = await this.#desk.fateOf(live.intent, head, this.#stop.signal)
    live.minedAt = fate.kind === 'mined' ? fate.block : null
    if (fate.kind === 'done' || fate.kind === 'refused') return await this.#finish(live, fate)
    if (fate.kind === 'mined' || !firm) return
    // Taken for good, and no receipt of ours. Only the sight of another transaction with this nonce proves that ours can never come true: a node that
    // just denies it would make it come true twice.
    const { attempts } = live.intent
    const taker = await this.#desk.takerOf(live.intent as Intent & { nonce: number }, head, this.#stop.signal)
    if (taker === undefined || attempts.some(({ hash }) => hash === taker)) {
      // Those behind it go on.
      this.#waiting = { code: 'E_CHAIN_LIE', why: `A node counts nonce ${live.intent.nonce} and denies its transaction` }
      return
    }
    const again: Intent = { ...live.intent, nonce: null, attempts: [] }
    await this.#init.store.write([encodeIntent(again)])
    live.intent = again
    live.launched = false
    this.#again = true
  }

  /** No block has taken it yet: makes sure that the node has it, and offers more after a while. */
  async #press(live: Live, head: Block, first: boolean): Promise<void> {
    const signal = this.#stop.signal
    live.minedAt = null
    const { clock } = this.#init
    if (first && clock.monotonicMs() - live.sentAtMs >= this.#raiseMs) {
      const fate = await this.#desk.raise(live.intent, head, signal)
      if (fate.kind === 'ready') {
        const { intent } = live
        return await this.#send(live, { ...intent, attempts: [...intent.attempts, fate.attempt(intent.nonce as number)] })
      }
      this.#waiting = { code: fate.error.code, why: fate.error.message }
    }
    if (!(await this.#desk.isKnown(live.intent, signal))) await this.#broadcast(live)
  }

  /** Writes the attempt down, then gives it to the chain: never the other way round. */
  async #send(live: Live, intent: Intent): Promise<void> {
    await this.#init.store.write([encodeIntent(intent)])
    live.intent = intent
    live.sentAtMs = this.#init.clock.monotonicMs()
    await this.#broadcast(live)
    this.#again = this.#init.chain.id === DEV_CHAIN_ID
  }

  async #broadcast(live: Live): Promise<void> {
    const refusal = await this.#desk.broadcast(live.intent, this.#stop.signal)
    if (refusal === undefined) return
    this.#waiting = { code: refusal.code, why: refusal.message }
    // A node that holds a dearer one of this nonce wants more.
    if (refusal.code === 'E_CHAIN_UNDERPRICED') live.sentAtMs = Number.NEGATIVE_INFINITY
  }

  async #finish(live: Live, fate: Extract<Fate, { kind: 'done' | 'refused' }>): Promise<void> {
    await this.#forget(live.intent.order)
    for (const waiter of [...live.waiters]) {
      if (fate.kind === 'done') waiter.resolve(fate.mined)
      else waiter.reject(fate.error)
    }
  }

  async #forget(order: number): Promise<void> {
    await this.#init.store.write([{ key: intentKey(order), value: null }])
    this.#live.delete(order)
  }
}

function stopped(): HaggleError {
  return new HaggleError('E_SENDER_STOPPED', 'Cannot wait for the transaction: the sender has stopped', { next: 'start again: it goes on' })
}
