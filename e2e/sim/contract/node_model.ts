// A node as the simulator has it: the machine, a disk that survives, a launcher that survives, and a driver that may die at any step.

import {
  type Command,
  type Effect,
  type Event,
  isEnd,
  LIFETIME_S,
  type LedgerEntry,
  type Machine,
  type Move,
  type Role,
  type SignEffect,
  type State,
  type ThreadInit,
  type ThreadMessage,
} from '@haggle/contract'
import { errorCode, toHex } from '@haggle/wire'
import type { Rng } from './rng.ts'
import type { Timeline } from './timeline.ts'
import type { Frame, Link } from './wire_model.ts'

/** A place in the driver where a process may die. */
export type FaultPoint =
  | `${'before' | 'after'}-${'write' | 'send'}:${string}`
  | `before-read:${string}`
  | `after-read:${string}`
  | `effect:${string}`
  | 'idle'

/** A wrong driver, for planting. All false is the right one. */
export interface DriverFaults {
  /** Sends first and writes later. */
  readonly sendsBeforeWriting: boolean
  /** Carries out what follows from an own message before that message is on disk. */
  readonly startsBeforeWriting: boolean
  /** Signs again after a restart without having SYNCed. */
  readonly signsBeforeSync: boolean
  /** Does not remember that it had ended. */
  readonly forgetsEnds: boolean
  /** Does not sync what it writes: a crash loses the last message. */
  readonly writesUnsynced: boolean
}

/** The right driver. */
export const NO_FAULTS: DriverFaults = {
  sendsBeforeWriting: false,
  startsBeforeWriting: false,
  signsBeforeSync: false,
  forgetsEnds: false,
  writesUnsynced: false,
}

/** What the launcher knows of the one job: it survives the driver. */
export interface HostJob {
  readonly startedAt: number
  /** It never gets a process: RESULT without READY. */
  readonly failsToStart: boolean
  readonly readyAt: number
  /** When it ends by itself. */
  readonly exitAt: number
  stoppedAt: number | null
}

/** What survives a crash. */
export interface Disk {
  own: ThreadMessage[]
  peer: ThreadMessage[]
  /** Read but not yet synced: a crash may lose it. */
  unsynced: ThreadMessage[]
  /** Read while a signature was open: goes to disk behind it. */
  waiting: ThreadMessage[]
  readonly ledger: Map<string, LedgerEntry>
  /** This side had ended: written when its last effects are carried out. */
  ended: boolean
}

/** What the world gives a node. */
export interface NodeInit {
  readonly thread: ThreadInit
  readonly machine: Machine
  readonly time: Timeline
  readonly chance: Rng
  readonly link: () => Link
  readonly faults: DriverFaults
  /** Chance of dying at any one fault point. */
  readonly crashRate: number
  readonly onMove: (role: Role, move: Move) => void
  readonly onFault: (point: FaultPoint, died: boolean) => void
  readonly onSent: (role: Role, message: ThreadMessage) => void
  readonly onEffect: (node: NodeModel, effect: Effect) => void
  readonly onStep: (node: NodeModel, before: State | null) => void
  readonly onEnd: (node: NodeModel) => void
  /** The node died; the world says when, if ever, it comes back. */
  readonly onCrash: (node: NodeModel) => void
  readonly id: () => Uint8Array
  readonly wrong: (what: string) => void
}

class Crash extends Error {}

/** One node. */
export class NodeModel {
  readonly role: Role
  readonly disk: Disk = { own: [], peer: [], unsynced: [], waiting: [], ledger: new Map(), ended: false }
  job: HostJob | null = null
  state: State | null
  /** Steps that the machine took. */
  steps = 0
  reserved = false
  /** Link epoch in which this side last sent SYNC. */
  syncedEpoch = -1
  /** Grows with every start of the process. */
  life = 0
  rolledBack = false
  /** When the process started last, ms of the timeline. */
  startedAt = 0
  readonly #init: NodeInit
  #offsetMs: number
  #skewS: number
  #wake = 0
  #dueAtMs: number | null = null
  #woken: { readonly atMs: number; readonly lateMs: number } | undefined

  constructor(init: NodeInit) {
    this.#init = init
    this.role = init.thread.role
    this.#offsetMs = init.chance.int(0, 1_000_000)
    this.#skewS = init.chance.int(-2, 2)
    this.state = init.machine.begin(init.thread, { atMs: this.monotonicMs })
  }

  get monotonicMs(): number {
    return this.#init.time.nowMs + this.#offsetMs
  }

  get unixS(): number {
    return 1_800_000_000 + Math.floor(this.#init.time.nowMs / 1_000) + this.#skewS
  }

  /** A command of this node's owner. Returns false when the phase does not allow it. */
  command(command: Command): boolean {
    if (this.state === null) return false
    try {
      this.#run({ type: 'command', command, atMs: this.monotonicMs })
      return true
    } catch (error) {
      if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
      return false
    }
  }

  receive(frame: Frame): void {
    if (this.state === null) return
    this.#mayDie(() => {
      if (frame.kind === 'sync') return this.#takeSync(frame)
      const { message } = frame
      this.#faultPoint(`before-read:${message.type}`)
      this.#run({ type: 'message', message, atMs: this.monotonicMs, unixS: this.unixS })
    })
  }

  /** A new connection stands. */
  connected(): void {
    if (this.state !== null) this.#sendSync()
  }

  /** The process dies now. */
  crash(): void {
    if (this.state === null) return
    this.state = null
    this.life++
    const { chance } = this.#init
    for (const message of this.disk.unsynced) {
      if (chance.chance(0.5)) break
      this.disk.peer.push(message)
    }
    this.disk.unsynced = []
    this.disk.waiting = []
    if (this.#init.faults.writesUnsynced) this.disk.own.pop()
    this.reserved = false
    this.#init.onCrash(this)
  }

  /** The process starts again from its disk. */
  restart(): void {
    const { machine, thread, chance, faults } = this.#init
    this.#offsetMs = chance.int(0, 1_000_000) - this.#init.time.nowMs
    this.life++
    this.startedAt = this.#init.time.nowMs
    this.syncedEpoch = -1
    const { own, peer } = this.disk
    const { state, effects, moves } = machine.restore(
      thread,
      { own, peer },
      { nowMs: this.monotonicMs, nowS: this.unixS, ended: this.disk.ended && !faults.forgetsEnds },
    )
    this.state = faults.signsBeforeSync ? { ...state, synced: true, need: null } : state
    this.steps++
    this.#init.onStep(this, null)
    for (const move of moves) this.#init.onMove(this.role, move)
    this.#mayDie(() => this.#carryOut(effects))
  }

  /** Feeds the machine whatever it has not got of both chains, at the end of a run. */
  learn(messages: readonly ThreadMessage[]): void {
    if (this.state === null) return
    const { machine } = this.#init
    for (const message of messages) {
      this.state = machine.step(this.state, { type: 'message', message, atMs: this.monotonicMs, unixS: this.unixS }).state
    }
  }

  /** Polls the launcher: READY and RESULT follow from what it says. */
  pollJob(): void {
    const { job, state } = this
    if (job === null || state === null || this.role !== 'provider') return
    const now = this.#init.time.nowMs
    if (job.failsToStart) {
      if (now >= job.readyAt) this.command({ do: 'result', exit: { kind: 'lost', code: null, word: null }, usage: [0n], output: null })
      return
    }
    if (now >= job.readyAt && (job.stoppedAt === null || job.stoppedAt > job.readyAt) && !state.mine.ready) this.command({ do: 'ready' })
    const endedAt = Math.min(job.exitAt, job.stoppedAt ?? Infinity)
    if (this.state === null || now < endedAt || this.state.over !== null || this.state.mine.result !== null || isEnd(this.state.phase))
      return
    const exit =
      endedAt === job.exitAt ? ({ kind: 'exit', code: 0, word: null } as const) : ({ kind: 'killed', code: null, word: 'stopped' } as const)
    this.command({ do: 'result', exit, usage: [this.ranMs()], output: null })
  }

  /** Milliseconds that the job has run. */
  ranMs(): bigint {
    const { job } = this
    if (job === null) return 0n
    const until = Math.min(this.#init.time.nowMs, job.exitAt, job.stoppedAt ?? Infinity)
    return BigInt(Math.max(0, Math.floor(until - job.readyAt)))
  }

  #mayDie(run: () => void): void {
    try {
      run()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      this.crash()
    }
  }

  #faultPoint(point: FaultPoint): void {
    const dies = this.#init.crashRate > 0 && this.#init.chance.chance(this.#init.crashRate)
    this.#init.onFault(point, dies)
    if (dies) throw new Crash()
  }

  #takeSync(frame: Extract<Frame, { kind: 'sync' }>): void {
    const { disk } = this
    const link = this.#init.link()
    // What the other side signed itself and has lost comes first: the rest may acknowledge it.
    for (const message of disk.peer.filter(({ seq }) => seq >= frame.mine)) link.send(this.role, { kind: 'envelope', message })
    for (const message of disk.own.slice(frame.yours)) this.#send(message)
    const held = this.state?.peer.next ?? 0
    if (this.syncedEpoch !== link.epoch || frame.mine > held) this.#sendSync()
    this.#run({ type: 'sync', mine: frame.mine, yours: frame.yours, atMs: this.monotonicMs })
  }

  /** The other side gave back an own message: it is stored after what it may acknowledge. */
  #takeBack(message: ThreadMessage): void {
    this.disk.peer.push(...this.disk.unsynced)
    this.disk.unsynced = []
    this.disk.own.push(message)
  }

  #send(message: ThreadMessage): void {
    this.#init.onSent(this.role, message)
    this.#init.link().send(this.role, { kind: 'envelope', message })
  }

  #sendSync(): void {
    const { state } = this
    if (state === null) return
    const link = this.#init.link()
    this.syncedEpoch = link.epoch
    link.send(this.role, { kind: 'sync', mine: state.own.next, yours: state.peer.next })
  }

  #run(event: Event): void {
    const before = this.state
    if (before === null) return
    const { state, effects, moves } = this.#init.machine.step(before, event)
    this.state = state
    this.steps++
    this.#init.onStep(this, before)
    for (const move of moves) this.#init.onMove(this.role, move)
    this.#mayDie(() => {
      if (event.type === 'message' && state.peer.next > before.peer.next) {
        ;(before.signing ? this.disk.waiting : this.disk.unsynced).push(event.message)
        this.#faultPoint(`after-read:${event.message.type}`)
      }
      if (event.type === 'message' && state.own.next > before.own.next) this.#takeBack(event.message)
      this.#carryOut(effects)
    })
    if (this.state !== null && isEnd(this.state.phase) && this.state.outbox.length === 0 && !this.disk.ended) {
      this.disk.ended = true
      this.#init.onEnd(this)
    }
  }

  #carryOut(effects: readonly Effect[]): void {
    const link = this.#init.link()
    for (const effect of effects) {
      switch (effect.kind) {
        case 'sign':
          this.#sign(effect)
          break
        case 'resend':
          for (const seq of effect.seqs) {
            const message = this.disk.own[seq]
            if (message !== undefined) this.#send(message)
          }
          break
        case 'sync':
          this.syncedEpoch = link.epoch
          link.send(this.role, effect)
          break
        case 'wake':
          this.#setWake(effect.atMs)
          break
        default:
          this.#faultPoint(`effect:${effect.kind}`)
          this.#init.onEffect(this, effect)
      }
      if (this.state === null) return
    }
  }

  #setWake(atMs: number | null): void {
    const wake = ++this.#wake
    const { life } = this
    this.#dueAtMs = null
    if (atMs === null) return
    const lateMs = this.#init.chance.chance(0.05) ? this.#init.chance.int(1, 3_000) : 0
    this.#dueAtMs = atMs
    this.#init.time.after(atMs - this.monotonicMs + lateMs, () => {
      if (wake !== this.#wake || life !== this.life) return
      this.#woken = { atMs: this.monotonicMs, lateMs: this.overdueMs() }
      this.#run({ type: 'wake', atMs: this.monotonicMs })
    })
  }

  /** By how much the timer that this node waits for, or that fired just now, is late. */
  overdueMs(): number {
    if (this.#woken?.atMs === this.monotonicMs) return this.#woken.lateMs
    return this.#dueAtMs === null ? 0 : Math.max(0, this.monotonicMs - this.#dueAtMs)
  }

  #sign(effect: SignEffect): void {
    const { faults, chance, time } = this.#init
    const message = this.disk.own[effect.seq] ?? this.#seal(effect)
    // The write takes a while now and then; other things happen meanwhile.
    if (!chance.chance(0.1) || faults.sendsBeforeWriting) return this.#writeAndSend(message)
    const { life } = this
    time.after(chance.int(1, 30), () => {
      if (life === this.life && this.state !== null) this.#mayDie(() => this.#writeAndSend(message))
    })
  }

  #writeAndSend(message: ThreadMessage): void {
    const { faults } = this.#init
    const send = (): void => {
      this.#faultPoint(`before-send:${message.type}`)
      this.#send(message)
      this.#faultPoint(`after-send:${message.type}`)
    }
    const feed = (): Effect[] => this.#feed(message)
    const write = (): void => {
      this.#faultPoint(`before-write:${message.type}`)
      this.disk.peer.push(...this.disk.unsynced)
      this.disk.unsynced = []
      if (this.disk.own.length === message.seq) this.disk.own.push(message)
      else if (toHex(this.disk.own[message.seq]?.id ?? new Uint8Array()) !== toHex(message.id))
        this.#init.wrong(`wrote message ${message.seq} twice`)
      this.disk.unsynced = this.disk.waiting
      this.disk.waiting = []
      this.#faultPoint(`after-write:${message.type}`)
    }
    if (faults.sendsBeforeWriting) {
      send()
      write()
      this.#carryOut(feed())
    } else if (faults.startsBeforeWriting) {
      this.#carryOut(feed())
      write()
      send()
    } else {
      write()
      const effects = feed()
      send()
      this.#carryOut(effects)
    }
  }

  #feed(message: ThreadMessage): Effect[] {
    const before = this.state
    if (before === null) return []
    const { state, effects, moves } = this.#init.machine.step(before, {
      type: 'message',
      message,
      atMs: this.monotonicMs,
      unixS: this.unixS,
    })
    this.state = state
    this.steps++
    this.#init.onStep(this, before)
    for (const move of moves) this.#init.onMove(this.role, move)
    return [...effects]
  }

  #seal(effect: SignEffect): ThreadMessage {
    const iat = Math.max(this.unixS, this.disk.own.at(-1)?.iat ?? 0)
    const { type, body, seq, prev, ack } = effect
    return { id: this.#init.id(), type, signer: this.#init.thread.self, seq, prev, ack, iat, exp: iat + LIFETIME_S[type], body }
  }
}
