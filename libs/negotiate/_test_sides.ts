// Two nodes in memory that negotiate by a script, each of which may die at any moment and come back: what the tests of this library stand on.

import type { Command, ContractView, LedgerEntry, Terms } from '@haggle/contract'
import { createIdentity, type Identity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { specHash } from '@haggle/job'
import { memoryNetwork, type MemoryNetwork, type MemoryNode } from '@haggle/mesh'
import { memoryStore, type Store } from '@haggle/store'
import { type Clock, errorCode, type Message, networkId, type Random, type Signer, type Suite } from '@haggle/wire'
import { seededRandom, virtualClock, type VirtualClock } from '@haggle/wire/testing'
import type { EndFrame, OutputFrame, SpecFrame } from './control_frame.ts'
import type { OnFault } from './fault_point.ts'
import { scriptTerms } from './testing.ts'
import type { Thread } from './thread.ts'
import type { HostEffect } from './thread_context.ts'
import { createThreads } from './threads.ts'
import type { Threads, ThreadsHandler, ThreadsInit } from './threads_init.ts'
import { SALT, SPEC } from './_script_facts.ts'

export const NETWORK: Uint8Array = networkId('devnet-negotiate')
const suite: Suite = nodeSuite()

/** What happened to one side, for a test to look at. */
export interface Seen {
  readonly opened: Thread[]
  readonly resumed: Thread[]
  readonly effects: HostEffect[]
  readonly messages: Message[]
  readonly specs: SpecFrame[]
  readonly outputs: OutputFrame[]
  readonly ends: EndFrame[]
  readonly refused: string[]
  readonly failed: string[]
  readonly reachable: boolean[]
}

/** What a side does by itself. */
export type Behaviour = (side: Side, thread: Thread, event: { message?: Message; effect?: HostEffect }) => void | Promise<void>

/** One node with all that outlives its process: key, store, ledger. */
export class Side {
  readonly identity: Identity
  readonly store: Store
  readonly ledger: LedgerEntry[] = []
  /** What an entry needs before it is written. */
  enterFirst: (thread: Thread) => Promise<void> = async () => undefined
  /** How long an entry takes. */
  ledgerMs = 2
  readonly seen: Seen
  readonly world: World
  behave: Behaviour = () => undefined
  onFault: OnFault | undefined
  limits: ThreadsInit['limits']
  /** Stands before the store of the running process. */
  wrapStore: (store: Store) => Store = (store) => store
  suite: Suite = suite
  signer: Signer
  node: MemoryNode | undefined
  threads!: Threads
  #life = { isOver: false }

  constructor(world: World, seed: number) {
    this.world = world
    this.identity = createIdentity(new Uint8Array(32).fill(seed), nodeEd25519())
    this.signer = this.identity.signer
    this.store = memoryStore()
    this.seen = {
      opened: [],
      resumed: [],
      effects: [],
      messages: [],
      specs: [],
      outputs: [],
      ends: [],
      refused: [],
      failed: [],
      reachable: [],
    }
  }

  get target(): { peerId: string; addresses: string[]; key: Uint8Array } {
    return { peerId: this.identity.peerId, addresses: this.node?.addresses() ?? [], key: this.identity.publicKey }
  }

  /** Starts a process. */
  async start(): Promise<this> {
    const life = { isOver: false }
    this.#life = life
    this.node = this.world.network.join(this.identity)
    const { onFault, limits } = this
    this.threads = await createThreads({
      network: this.node,
      networkId: NETWORK,
      suite: this.suite,
      signer: this.signer,
      clock: mortal(this.world.clock, life),
      random: this.world.random,
      store: mortalStore(this.wrapStore(this.store), life),
      handler: this.#handler(life),
      ...(onFault === undefined ? {} : { onFault }),
      ...(limits === undefined ? {} : { limits }),
    })
    return this
  }

  /** Ends the process between two instructions: nothing of it acts again. */
  kill(): void {
    this.#life.isOver = true
    void this.node?.stop()
  }

  async restart(): Promise<void> {
    if (!this.#life.isOver) this.kill()
    await this.world.settle()
    await this.start()
  }

  /** What this side has of a thread, read anew. */
  async viewOf(id: string): Promise<ContractView | undefined> {
    return (await this.threads.get(id))?.view()
  }

  #handler(life: { isOver: boolean }): ThreadsHandler {
    const { seen } = this
    const act = (thread: Thread, event: { message?: Message; effect?: HostEffect }): void => {
      if (life.isOver) return
      // What a script asks for may be refused by then: the other side was faster.
      Promise.resolve(this.behave(this, thread, event)).catch((error: unknown) => seen.failed.push(errorCode(error)))
    }
    return {
      opened: (thread) => seen.opened.push(thread),
      resumed: (thread) => seen.resumed.push(thread),
      effect: (thread, effect) => {
        seen.effects.push(effect)
        if (effect.kind === 'ledger') return this.#enter(thread, effect.entry, life)
        act(thread, { effect })
        return undefined
      },
      message: (thread, message) => {
        seen.messages.push(message)
        act(thread, { message })
      },
      spec: (_, frame) => seen.specs.push(frame),
      output: (frame) => seen.outputs.push(frame),
      end: (frame) => seen.ends.push(frame),
      refused: (_, code) => seen.refused.push(code),
      reachable: (_, now) => seen.reachable.push(now),
      failed: (_, error) => seen.failed.push(errorCode(error)),
    }
  }

  /** The ledger writes a moment later, as a disk does. A dead process never hears of it. */
  async #enter(thread: Thread, entry: LedgerEntry, life: { isOver: boolean }): Promise<void> {
    await this.enterFirst(thread)
    await new Promise<void>((resolve) => void mortal(this.world.clock, life).after(this.ledgerMs, resolve))
    this.ledger.push(entry)
  }
}

/** The clock, the network and the sides of one test. */
export class World {
  readonly clock: VirtualClock = virtualClock()
  readonly random: Random = seededRandom('negotiate')
  readonly network: MemoryNetwork
  readonly renter: Side
  readonly provider: Side

  constructor() {
    this.network = memoryNetwork()
    this.renter = new Side(this, 1)
    this.provider = new Side(this, 2)
  }

  /** Starts both. */
  async start(): Promise<this> {
    await this.provider.start()
    await this.renter.start()
    return this
  }

  /** Lets time pass, with a turn of the event loop after every timer: promises keep pace. */
  async settle(ms = 0): Promise<void> {
    const { clock } = this
    const until = clock.monotonicMs() + ms
    await turn()
    for (let next = clock.nextAt; next !== undefined && next <= until; next = clock.nextAt) {
      clock.advance(Math.max(0, next - clock.monotonicMs()))
      await turn()
    }
    clock.advance(until - clock.monotonicMs())
  }

  /** Lets time pass until no timer waits, or for so many ms at most. */
  async playOut(ms = 600_000): Promise<void> {
    const { clock } = this
    const until = clock.monotonicMs() + ms
    // Streams move in their own turns of the event loop: a moment without timers may still have something to do.
    for (let idle = 0; idle < 3;) {
      const next = clock.nextAt
      const isOver = next === undefined || next > until
      idle = isOver ? idle + 1 : 0
      await this.settle(isOver ? 0 : Math.max(0, next - clock.monotonicMs()))
    }
  }

  async close(): Promise<void> {
    this.renter.kill()
    this.provider.kill()
    await this.network.stop()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A clock whose timers die with a process. */
function mortal(clock: Clock, life: { isOver: boolean }): Clock {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms, run) =>
      clock.after(ms, () => {
        if (!life.isOver) run()
      }),
  }
}

/** A store whose calls never come back to a process that is dead. */
function mortalStore(store: Store, life: { isOver: boolean }): Store {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (life.isOver) return new Promise(() => undefined)
    const result = await work()
    return life.isOver ? new Promise(() => undefined) : result
  }
  return {
    get: (key) => alive(() => store.get(key)),
    getMany: (keys) => alive(() => store.getMany(keys)),
    write: (batch, options) => alive(() => store.write(batch, options)),
    range: (range) => store.range(range),
    sub: (prefix) => mortalStore(store.sub(prefix), life),
    close: async () => undefined,
  }
}

/** Terms that both sides of a test agree on. */
export function termsOf({ renter, provider }: World, change: Partial<Terms> = {}): Terms {
  const keys = { renter: renter.identity.publicKey, provider: provider.identity.publicKey }
  return { ...scriptTerms(keys, { tickMs: 1_000 }), ...change }
}

/** A thread in which the renter takes a standing offer, with its spec behind the ACCEPT. */
export async function takeIt(world: World, change: Partial<Terms> = {}): Promise<Thread> {
  const thread = world.renter.threads.begin(world.provider.target)
  const { number, write } = world.renter.threads.takeNumber()
  await thread.command(
    { do: 'accept', terms: termsOf(world, change), specHash: specHash(SALT, SPEC, suite), number, funding: null },
    {
      notes: { spec: SPEC, salt: SALT },
      writes: [write],
      beside: [{ kind: 'spec', thread: thread.record.thread, salt: SALT, spec: SPEC }],
    },
  )
  return thread
}

/** A command that may be refused because the thread is past it. */
export async function attempt(thread: Thread, command: Command): Promise<void> {
  await thread.command(command).catch((error: unknown) => {
    if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
  })
}
