// Follows the events of contracts: only those with enough confirmations, in order, each exactly once, through reorganisations, outages and restarts.

import { type Clock, errorCode, HaggleError } from '@haggle/wire'
import type { Store, Write } from '@haggle/store'
import type { Address, Hex } from 'viem'
import { type Block, type Chain, DEV_CHAIN_ID, lie, MAX_REORG } from './chain.ts'
import { type ChainLog, decodeMark, encodeMark, fetchLogs, type Mark, markKey, MARKS } from './_logs.ts'
import { DEV_POLL_MS, POLL_MS } from './sending.ts'

export type { ChainLog } from './_logs.ts'

/** What a follower gives, one batch after another. */
export interface LogBatch {
  /** New events, in the order of the chain. */
  readonly logs: readonly ChainLog[]
  /**
   * Events given before, whose blocks the chain has replaced after they had enough confirmations: newest first, taken back before `logs` is given. A
   * transaction that is in the new blocks too comes again in `logs`.
   */
  readonly undone: readonly ChainLog[]
  /** Height of the block up to which everything is given. */
  readonly block: number
}

/** What {@link followLogs} needs. */
export interface FollowerInit {
  readonly chain: Chain
  /** Contracts that are followed. */
  readonly addresses: readonly Address[]
  /** First topics (event types, then indexed values) as `eth_getLogs` takes them. Left out: all events. Must not change for one store. */
  readonly topics?: readonly (Hex | readonly Hex[] | null)[]
  /** A store or sub-store of its own: it holds this consumer's cursor. */
  readonly store: Store
  readonly clock: Clock
  /** Where to begin when the store has no cursor. Default: after the newest confirmed block. */
  readonly fromBlock?: number
  /**
   * Takes a batch. The next comes when it has resolved. What it returns is written with the cursor in one batch, so a consumer that keeps its state in the
   * same store has each event exactly once whatever dies; any other has the last batch again after a crash. When it rejects, the batch comes again. Its
   * keys must not begin with `mark!`.
   */
  readonly consume: (batch: LogBatch) => Promise<readonly Write[] | void> | readonly Write[] | void
  /** Milliseconds between looks. Default as of a sender. */
  readonly pollMs?: number
}

/** A running follower. */
export interface Follower {
  /** The block up to which everything is consumed, or undefined before the first. */
  readonly block: number | undefined
  /** Why it stands still, or null. */
  readonly waiting: { readonly code: string; readonly why: string } | null
  /** Resolves when everything up to the newest confirmed block of this moment is consumed. Rejects with `E_FOLLOWER_STOPPED`, and with the signal's reason. */
  caughtUp(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Ends it. Resolves when nothing is consumed any more. */
  stop(): Promise<void>
}

/** Blocks in one question. Nodes refuse ranges that give too many events; a smaller one is asked for then. */
const RANGE = 2000
/** Longest wait between looks at a chain that can't be reached. */
const MAX_WAIT_MS = 60_000

/** What one question gave: marks of the blocks that it covers, and their events. */
interface Read {
  readonly marks: readonly Mark[]
  readonly logs: readonly ChainLog[]
}

const NOTHING: Read = { marks: [], logs: [] }

/** Begins to follow. */
export function followLogs(init: FollowerInit): Follower {
  return new LogFollower(init)
}

class LogFollower implements Follower {
  readonly #init: FollowerInit
  readonly #pollMs: number
  readonly #stop = new AbortController()
  readonly #waiters = new Set<{ readonly from: number; resolve: () => void; reject: (reason: unknown) => void }>()
  /** Newest consumed blocks, oldest first; undefined until they are read. */
  #marks: Mark[] | undefined
  /** Marks of replaced blocks, still written. */
  #dropped: readonly Mark[] = []
  #looks = 0
  #failures = 0
  #waiting: Follower['waiting'] = null
  #cancel: (() => void) | undefined
  #running: Promise<void>

  constructor(init: FollowerInit) {
    this.#init = init
    this.#pollMs = init.pollMs ?? (init.chain.id === DEV_CHAIN_ID ? DEV_POLL_MS : POLL_MS)
    this.#running = this.#run()
  }

  get block(): number | undefined {
    return this.#marks?.at(-1)?.number
  }

  get waiting(): Follower['waiting'] {
    return this.#waiting
  }

  caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter = {
        // A look that is under way may have asked for the newest block already.
        from: this.#looks + 1,
        resolve: () => (leave(), resolve()),
        reject: (reason: unknown) => (leave(), reject(reason)),
      }
      const onAbort = (): void => waiter.reject(signal?.reason)
      if (this.#stop.signal.aborted) return reject(this.#stop.signal.reason)
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      this.#cancel?.()
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new HaggleError('E_FOLLOWER_STOPPED', 'Cannot follow the chain: the follower has stopped'))
    this.#cancel?.()
    await this.#running
    for (const waiter of [...this.#waiters]) waiter.reject(this.#stop.signal.reason)
  }

  async #run(): Promise<void> {
    const signal = this.#stop.signal
    while (!signal.aborted) {
      const look = ++this.#looks
      try {
        await this.#look(signal)
        this.#failures = 0
        this.#waiting = null
        for (const waiter of [...this.#waiters]) if (waiter.from <= look) waiter.resolve()
        if (this.#waiters.size > 0) continue
      } catch (error) {
        if (signal.aborted) return
        this.#failures++
        this.#waiting = { code: errorCode(error), why: error instanceof Error ? error.message : String(error) }
      }
      await this.#wait()
    }
  }

  /** Until the next look is due, someone asks for one, or it stops. */
  #wait(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    const ms = this.#failures === 0 ? this.#pollMs : Math.min(this.#pollMs * 2 ** this.#failures, MAX_WAIT_MS)
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#cancel = undefined
        resolve()
      }
      const cancel = this.#init.clock.after(ms, done)
      this.#cancel = done
    })
  }

  /** Brings the cursor to the newest confirmed block. */
  async #look(signal: AbortSignal): Promise<void> {
    const { chain } = this.#init
    const target = await chain.confirmed({ signal })
    this.#marks ??= await this.#load()
    if (this.#marks.length === 0) await this.#begin(target, signal)
    let undone = await this.#rewind(target, signal)
    for (;;) {
      const last = this.#marks.at(-1) as Mark
      const read = last.number < target.number ? await this.#read(last, target, signal) : NOTHING
      if (read.marks.length > 0 || undone.length > 0) await this.#advance(read, undone)
      undone = []
      if (read.marks.length === 0) return
    }
  }

  async #load(): Promise<Mark[]> {
    const marks: Mark[] = []
    for await (const [key, value] of this.#init.store.range({ gte: MARKS, lt: `${MARKS}~` })) marks.push(decodeMark(key, value))
    return marks
  }

  async #begin(target: Block, signal: AbortSignal): Promise<void> {
    const { chain, fromBlock } = this.#init
    const at = fromBlock === undefined ? target : await chain.block(Math.min(target.number, Math.max(0, fromBlock - 1)), { signal })
    if (at === undefined) throw lie('it has lost a block')
    await this.#advance({ marks: [{ number: at.number, hash: at.hash, logs: [] }], logs: [] }, [])
  }

  /** Drops the marks of blocks that the chain has replaced. Returns what was given of them, newest first. */
  async #rewind(target: Block, signal: AbortSignal): Promise<readonly ChainLog[]> {
    const marks = this.#marks as Mark[]
    // A node that lags behind what is consumed says nothing about it.
    let keep = marks.findLastIndex(({ number }) => number <= target.number)
    if (keep < 0) throw lie(`it is at block ${target.number} again, far behind what it said before`)
    const newest = keep
    while (keep >= 0) {
      const { number, hash } = marks[keep] as Mark
      if (hash === target.hash || (await this.#init.chain.block(number, { signal }))?.hash === hash) break
      keep--
    }
    if (keep < 0) throw lie(`its history differs from the one before for more than ${marks.length} blocks`)
    if (keep === newest) return []
    const dropped = marks.slice(keep + 1)
    this.#dropped = dropped
    this.#marks = marks.slice(0, keep + 1)
    return dropped.flatMap(({ logs }) => logs).toReversed()
  }

  /** The next blocks after `last`: a range of old ones as one mark, or new ones, each with its own. */
  async #read(last: Mark, target: Block, signal: AbortSignal): Promise<Read> {
    const { chain } = this.#init
    const from = last.number + 1
    const old = target.number - MAX_REORG
    if (from <= old) {
      const to = Math.min(from + RANGE - 1, old)
      const logs = await fetchLogs(chain, this.#init, { from, to }, signal)
      const end = await chain.block(to, { signal })
      if (end === undefined) throw lie('it has lost a block')
      // The events are not kept: a block so old is not replaced any more.
      return { marks: [{ number: to, hash: end.hash, logs: [] }], logs }
    }
    const blocks: Block[] = []
    for (let number = from, parent = last.hash; number <= target.number; number++) {
      const block = number === target.number ? target : await chain.block(number, { signal })
      if (block?.parentHash !== parent) throw lie(`block ${number} does not stand on block ${number - 1}`)
      blocks.push(block)
      parent = block.hash
    }
    const logs = await fetchLogs(chain, this.#init, { from, to: target.number }, signal)
    const byNumber = new Map(blocks.map(({ number, hash }) => [number, hash]))
    if (!logs.every(({ block, blockHash }) => byNumber.get(block) === blockHash)) throw lie('it gives events of other blocks')
    return { marks: blocks.map(({ number, hash }) => ({ number, hash, logs: logs.filter(({ block }) => block === number) })), logs }
  }

  /** Gives what is new to the consumer, then writes the cursor and what the consumer returns in one batch. */
  async #advance({ marks: read, logs }: Read, undone: readonly ChainLog[]): Promise<void> {
    const { store, consume } = this.#init
    const kept = this.#marks as Mark[]
    const block = (read.at(-1) ?? kept.at(-1)) as Mark
    let writes: readonly Write[] = []
    try {
      if (logs.length > 0 || undone.length > 0) writes = (await consume({ logs, undone, block: block.number })) ?? []
      const stays = [...kept, ...read].slice(-MAX_REORG)
      const gone = [...kept, ...this.#dropped].filter(({ number }) => !stays.some((mark) => mark.number === number))
      await store.write([
        ...gone.map(({ number }) => ({ key: markKey(number), value: null })),
        ...read.map((mark) => ({ key: markKey(mark.number), value: encodeMark(mark) })),
        ...writes,
      ])
      this.#marks = stays
      this.#dropped = []
    } catch (error) {
      // The next look begins from what is written.
      this.#marks = undefined
      this.#dropped = []
      throw error
    }
  }
}
