// One run: two nodes, a bad link, moody owners, and the properties that must hold whatever happens.

import {
  aheadOf,
  type Effect,
  isEnd,
  type Machine,
  type Move,
  owedFor,
  paysAhead,
  type Role,
  type State,
  type Terms,
  type ThreadMessage,
  TOLERANCE_MS,
  viewOf,
} from '@haggle/contract'
import { toHex } from '@haggle/wire'
import { type DriverFaults, type FaultPoint, NO_FAULTS, NodeModel } from './node_model.ts'
import { providersWish, rentersWish, type Temper, whim } from './owners.ts'
import { judge } from './judge.ts'
import { type Rng, rng } from './rng.ts'
import { timeline } from './timeline.ts'
import { link, type Weather } from './wire_model.ts'

/** What one run is made of. */
export interface RunInit {
  readonly seed: number
  readonly machine: Machine
  readonly faults?: Partial<DriverFaults>
  /** Called for each row of the machine's table that was taken. */
  readonly onMove: (role: Role, move: Move) => void
  readonly onFault: (point: FaultPoint, died: boolean) => void
}

/** What became of one run. */
export interface RunResult {
  readonly steps: number
  /** Broken properties; none in a right machine. */
  readonly wrong: readonly string[]
  readonly outcome: string
}

/** What the properties are judged by, besides the nodes themselves. */
export interface Record {
  /** Everything that was ever sent, by role and seq. */
  readonly sent: { readonly [R in Role]: ThreadMessage[][] }
  /** First moment at which each message was taken by the other side, by id. */
  readonly takenAt: Map<string, number>
  /** Moment at which the renter signed each ACCEPT, by seq. */
  readonly signedAt: Map<number, number>
  /** First moment of sending, by id. */
  readonly sentAt: Map<string, number>
  /** Money and bond of each side at its own end. */
  readonly ended: { [R in Role]: { readonly owed: bigint; readonly bound: boolean; readonly atMs: number } | null }
  readonly wrong: string[]
}

const KEYS = { renter: new Uint8Array(32).fill(1), provider: new Uint8Array(32).fill(2) }
const HORIZON_MS = 420_000
/** More steps than this in one run is a storm. */
const MAX_STEPS = 6_000

function termsOf(chance: Rng): Terms {
  const free = chance.chance(0.8)
  return {
    renter: KEYS.renter,
    provider: KEYS.provider,
    offerDigest: new Uint8Array(32).fill(5),
    devices: [],
    runner: 'deno',
    isolation: 'bubblewrap',
    rail: free ? 'free' : 'evm:1:00',
    meters: [{ unit: 'ms', price: BigInt(chance.pick([0, 7, 3_333])), per: BigInt(chance.pick([1_000, 3_600])) }],
    cap: BigInt(chance.pick([5, 40, 100_000])),
    tickMs: chance.pick([400, 1_000, 2_500]),
    graceMs: chance.pick([1_000, 3_000]),
    stagingMs: chance.pick([2_000, 6_000]),
    idleMs: chance.pick([2_000, 8_000]),
    maxMs: chance.pick([2_000, 5_000, 20_000]),
    limits: { cpuMilli: 1, memMiB: 1, diskMiB: 1, outMiB: 1, pids: 1 },
    net: null,
    sla: null,
    visibility: 'private',
    extends: null,
  }
}

function weatherOf(chance: Rng): Weather {
  const bad = chance.chance(0.6)
  return {
    lossRate: bad && chance.chance(0.4) ? chance.pick([0.02, 0.1, 0.3]) : 0,
    repeatRate: bad && chance.chance(0.4) ? 0.15 : 0,
    minDelayMs: chance.pick([1, 10, 60]),
    maxDelayMs: chance.pick([60, 120, 400]),
    stragglerRate: bad && chance.chance(0.5) ? chance.pick([0.02, 0.1]) : 0,
    reorders: bad && chance.chance(0.4),
    breakEveryMs: bad && chance.chance(0.5) ? chance.pick([1_500, 4_000, 15_000]) : 0,
  }
}

function temperOf(chance: Rng, role: Role): Temper {
  return {
    silence: chance.pick([0, 0, 0, 0.03, 0.2]),
    fickle: chance.pick([0, 0, 0.05, 0.4]),
    overstates: role === 'provider' && chance.chance(0.08) ? 3 : 1,
    maxThinkMs: chance.pick([20, 200, 200, 2_000, 12_000]),
    startsLater: chance.chance(0.2),
  }
}

/** Runs one seed to its end. */
export function runOnce(init: RunInit): RunResult {
  const { machine } = init
  const chance = rng(init.seed)
  const ages = rng(init.seed + 1)
  const time = timeline()
  const terms = termsOf(chance)
  const tempers = { renter: temperOf(chance, 'renter'), provider: temperOf(chance, 'provider') }
  const crashRate = chance.pick([0, 0, 0.002, 0.01, 0.04])
  const record: Record = {
    sent: { renter: [], provider: [] },
    takenAt: new Map(),
    sentAt: new Map(),
    signedAt: new Map(),
    ended: { renter: null, provider: null },
    wrong: [],
  }
  const wrong = (what: string): void => void record.wrong.push(what)
  let ids = 0
  let numbers = 0
  const nodes = {} as { [R in Role]: NodeModel }
  const net = link({
    time,
    chance,
    weather: weatherOf(chance),
    deliver: (to, frame) => nodes[to].receive(frame),
    connected: () => (chance.chance(0.5) ? nodes.renter : nodes.provider).connected(),
  })

  const react = (node: NodeModel, extension: boolean): void => {
    const temper = tempers[node.role]
    const { life } = node
    const phase = node.state?.phase
    const step = node.state?.mine.walk.phase
    time.after(chance.chance(0.7) ? chance.int(0, 30) : chance.int(0, temper.maxThinkMs), () => {
      const { state } = node
      if (state === null || life !== node.life || state.phase !== phase || state.mine.walk.phase !== step) return
      const view = viewOf(state)
      const at = extension ? (view.extension === 'none' ? null : view.extension) : state.phase
      if (at === null) return
      const context = { chance, temper, terms, proposed: view.proposed, number: () => (extension ? numberOf(state) : ++numbers) }
      const proposed =
        extension && view.terms !== null && view.termsHash !== null
          ? { ...view.terms, extends: view.termsHash, cap: view.terms.cap + 1n }
          : view.proposed
      const wish = node.role === 'renter' ? rentersWish(at, { ...context, proposed }) : providersWish(at, { ...context, proposed })
      if (wish === null) return
      node.command(extension && wish.do === 'accept' ? { ...wish, specHash: null } : wish)
    })
  }

  const onEffect = (node: NodeModel, effect: Effect): void => {
    const temper = tempers[node.role]
    switch (effect.kind) {
      case 'notify':
        return react(node, effect.extension !== 'none')
      case 'capacity':
        node.reserved = effect.action === 'reserve'
        return
      case 'job':
        return effect.action === 'start' ? startJob(node) : stopJob(node)
      case 'measure': {
        if (chance.chance(temper.silence)) return
        const usage = node.ranMs() * BigInt(temper.overstates)
        return void node.command({ do: 'meter', usage: [usage] })
      }
      case 'pay': {
        if (chance.chance(temper.silence)) return
        const evm = terms.rail !== 'free'
        const pay = (): void =>
          void node.command({
            do: 'voucher',
            owed: effect.owed,
            channel: evm ? new Uint8Array(32) : null,
            channelCumulative: evm ? effect.owed : null,
            evmSig: evm ? new Uint8Array(65) : null,
          })
        return chance.chance(0.8) ? pay() : time.after(chance.int(1, 300), pay)
      }
      case 'ledger':
        node.disk.ledger.set(`${toHex(effect.entry.contract)} ${effect.entry.kind}`, effect.entry)
        return
      default:
    }
  }

  function startJob(node: NodeModel): void {
    if (node.job === null) {
      const readyAt = time.nowMs + (chance.chance(0.8) ? chance.int(5, 60) : chance.int(60, 9_000))
      const failsToStart = chance.chance(0.04)
      const exitAt = readyAt + (failsToStart ? 0 : chance.chance(0.2) ? chance.int(1, 100) : chance.int(100, 15_000))
      node.job = { startedAt: time.nowMs, failsToStart, readyAt, exitAt, stoppedAt: null }
    }
    for (const at of [node.job.readyAt, node.job.exitAt, time.nowMs]) time.after(at - time.nowMs + 1, () => node.pollJob())
  }

  function stopJob(node: NodeModel): void {
    const { job } = node
    if (job === null) return
    if (job.stoppedAt === null && time.nowMs < job.exitAt) job.stoppedAt = time.nowMs
    if (!chance.chance(0.05)) time.after(chance.int(1, 50), () => node.pollJob())
  }

  function onStep(node: NodeModel, before: State | null): void {
    const { state } = node
    if (state === null) return
    if (before !== null && state.peer.next > before.peer.next) {
      const id = state.peer.ids.at(-1) ?? ''
      if (!record.takenAt.has(id)) record.takenAt.set(id, time.nowMs)
    }
    const accept = state.mine.accept?.seq
    if (node.role === 'renter' && accept !== undefined && !record.signedAt.has(accept)) record.signedAt.set(accept, time.nowMs)
    if (isEnd(state.phase) && state.outbox.length === 0) return
    if (node.role === 'provider') riskCheck(node, state)
    else if (before !== null && state.mine.voucher.n > before.mine.voucher.n) voucherCheck(node, state)
  }

  function onEnd(node: NodeModel): void {
    if (node.state === null) return
    const { outcome } = viewOf(node.state)
    record.ended[node.role] = { owed: outcome.owed, bound: outcome.bound, atMs: time.nowMs }
  }

  /** The renter vouches for no more than its own time and the tolerance. */
  function voucherCheck(node: NodeModel, state: State): void {
    // It begins when the ACCEPT is signed: how long the disk takes before it is sent is the renter's own affair.
    const since = record.signedAt.get(state.mine.accept?.seq ?? -1)
    const used = Number(state.mine.voucher.usage[0] ?? 0n)
    if (since === undefined) return
    // After a restart the time is known to the second only, and made too long rather than too short.
    const own = time.nowMs - since + (node.startedAt > 0 ? 2_100 : 0)
    if (used > own + Math.max(TOLERANCE_MS, own / 1_000) + 1) wrong(`the renter vouched for ${used} ms in ${own} ms of its own time`)
  }

  /** A job may run unacknowledged for one tick, and a little for stopping it; where ticks are paid ahead, never longer than it is paid for. */
  function riskCheck(node: NodeModel, state: State): void {
    const { job } = node
    unpaidCheck(node, state)
    const confirm = state.mine.confirms[0]
    if (job === null || job.stoppedAt !== null || time.nowMs >= job.exitAt) return
    if (node.rolledBack) return
    if (confirm === undefined || node.disk.own.length <= confirm.seq) return wrong('a job runs without CONFIRM on disk')
    if (!state.mine.bound && time.nowMs - Math.max(job.startedAt, node.startedAt) > terms.tickMs + 3_100)
      wrong('a job runs unacknowledged for more than a tick')
  }

  /**
   * Where a grace is no longer than a tick, nothing runs that no VOUCHER covers. What a restart forgets is the provider's own risk, and so is the time
   * by which its own timer is late.
   */
  function unpaidCheck(node: NodeModel, { mine }: State): void {
    const { job } = node
    if (!paysAhead(terms) || terms.graceMs > terms.tickMs || job === null || job.stoppedAt !== null || node.startedAt > 0) return
    if (time.nowMs >= job.exitAt || tempers.provider.overstates !== 1 || !mine.bound) return
    // Timers are whole milliseconds, and a second of rounding hides in what a tick costs.
    const rounding = BigInt(2 + node.overdueMs())
    const ran = owedFor(terms, [node.ranMs() > rounding ? node.ranMs() - rounding : 0n])
    const covered = aheadOf(terms, mine.voucher.owed)
    if (ran > covered) wrong(`a job has used ${ran} with ${covered} paid for`)
  }

  const restartLater = (node: NodeModel): void => {
    net.drop()
    if (chance.chance(0.05)) return
    const ms = chance.chance(0.7) ? chance.int(5, 2_000) : chance.int(2_000, 60_000)
    time.after(ms, () => {
      if (node.state !== null) return
      rollBack(node)
      node.restart()
      // The launcher lives on: a process that comes back asks it at once for what it missed.
      node.pollJob()
    })
  }

  /** A disk restored from an old copy: what it lost, the other side has on its own disk. The job and its figures are the launcher's, and live on. */
  function rollBack(node: NodeModel): void {
    if (nodes.renter.rolledBack || nodes.provider.rolledBack || !ages.chance(0.3)) return
    const other = nodes[node.role === 'renter' ? 'provider' : 'renter']
    const { own, peer } = node.disk
    if (own.length < 2 || other.disk.peer.length < own.length) return
    const lost = new Set(own.splice(ages.int(1, own.length - 1)).map(({ id }) => toHex(id)))
    // The copy was made before anything came that acknowledges what it lacks.
    const answered = peer.findIndex(({ ack }) => ack !== null && lost.has(toHex(ack)))
    if (answered !== -1) peer.length = answered
    node.rolledBack = true
  }

  const make = (role: Role): NodeModel =>
    new NodeModel({
      thread: { role, self: KEYS[role], peer: KEYS[role === 'renter' ? 'provider' : 'renter'] },
      machine,
      time,
      chance,
      link: () => net,
      faults: { ...NO_FAULTS, ...init.faults },
      crashRate,
      // What the other side gives back was a step when it was first taken.
      onMove: (who, move) => void (move.on === 'restore' || init.onMove(who, move)),
      onFault: init.onFault,
      onSent: (who, message) => {
        const known = (record.sent[who][message.seq] ??= [])
        const id = toHex(message.id)
        if (!known.some((sent) => toHex(sent.id) === id)) known.push(message)
        if (!record.sentAt.has(id)) record.sentAt.set(id, time.nowMs)
      },
      onEffect,
      onStep,
      onEnd,
      onCrash: restartLater,
      id: () => {
        const id = new Uint8Array(32)
        new DataView(id.buffer).setUint32(0, ++ids)
        return id
      },
      wrong,
    })
  nodes.renter = make('renter')
  nodes.provider = make('provider')
  react(nodes.renter, false)
  // Now and then the link is gone for longer than anybody waits.
  if (chance.chance(0.05)) {
    time.after(chance.int(200, 12_000), () => {
      net.cut(true)
      time.after(chance.int(61_000, 100_000), () => net.cut(false))
    })
  }

  const meddle = (node: NodeModel): void => {
    time.after(chance.int(200, 3_000), () => {
      const { state } = node
      if (state !== null && isEnd(state.phase) && time.nowMs > 30_000) return
      if (state !== null) {
        const dies = crashRate > 0 && chance.chance(crashRate * 2)
        init.onFault('idle', dies)
        if (dies) node.crash()
        else node.command(whim(node.role, { chance, temper: tempers[node.role], inForce: state.mine.inForce?.terms ?? null }))
      }
      if (time.nowMs < 60_000) meddle(node)
    })
  }
  meddle(nodes.renter)
  meddle(nodes.provider)

  const storm = (): boolean => nodes.renter.steps + nodes.provider.steps > MAX_STEPS
  const over = (): boolean => storm() || (bothEnded() && time.nowMs > 60_000)
  function bothEnded(): boolean {
    return [nodes.renter, nodes.provider].every((node) => node.state !== null && isEnd(node.state.phase))
  }
  time.run(HORIZON_MS, over)
  if (storm()) wrong('a storm of messages')
  const outcome = judge({ nodes, record, machine, terms, keys: KEYS, nowMs: time.nowMs, honest: tempers.provider.overstates === 1 })
  return { steps: nodes.renter.steps + nodes.provider.steps, wrong: record.wrong, outcome }
}

function numberOf(state: State): number {
  return (state.init.role === 'renter' ? state.mine.accept?.number : state.mine.confirms[0]?.number) ?? 0
}
