// The two owners: what they want next, drawn by lot, and sometimes nothing at all.

import type { Command, Phase, Terms } from '@haggle/contract'
import type { Demand } from '@haggle/offer'
import type { Rng } from './rng.ts'

/** How an owner behaves in one run. */
export interface Temper {
  /** Chance of not reacting at all to something. */
  readonly silence: number
  /** Chance of cancelling at a whim. */
  readonly fickle: number
  /** Provider: usage is overstated by this factor, with 1 for honest. */
  readonly overstates: number
  /** Longest thinking time, ms. */
  readonly maxThinkMs: number
  /** START comes separately. */
  readonly startsLater: boolean
}

/** What a renter does when its machine is in `phase`; null: nothing. */
export function rentersWish(
  phase: Phase,
  context: {
    readonly chance: Rng
    readonly temper: Temper
    readonly terms: Terms
    readonly proposed: Terms | null
    readonly number: () => number
  },
): Command | null {
  const { chance, temper, terms, proposed, number } = context
  const specHash = temper.startsLater ? null : new Uint8Array(32).fill(7)
  if (phase !== 'idle' && chance.chance(temper.silence)) return null
  switch (phase) {
    case 'idle':
      return chance.chance(0.5)
        ? { do: 'request', demand: DEMAND, offer: null }
        : { do: 'accept', terms, specHash, number: number(), funding: null }
    case 'quoted': {
      const draw = chance.next()
      if (draw < 0.7) return { do: 'accept', terms: null, specHash, number: number(), funding: null }
      if (draw < 0.92 && proposed !== null) return { do: 'counter', terms: { ...proposed, cap: proposed.cap + BigInt(chance.int(0, 5)) } }
      return { do: 'cancel', reason: chance.pick(['user', 'elsewhere']) }
    }
    case 'staging':
      return temper.startsLater ? { do: 'start', specHash: new Uint8Array(32).fill(8) } : { do: 'staged' }
    case 'closing':
      return { do: 'receipt', reason: chance.pick([null, null, null, null, null, 'meter', 'output']) }
    default:
      return null
  }
}

/** What a provider does when its machine is in `phase`, or an extension is; null: nothing. */
export function providersWish(
  phase: Phase,
  context: {
    readonly chance: Rng
    readonly temper: Temper
    readonly terms: Terms
    readonly proposed: Terms | null
    readonly number: () => number
  },
): Command | null {
  const { chance, temper, terms, proposed, number } = context
  if (chance.chance(temper.silence)) return null
  const validMs = chance.pick([200, 1_000, 5_000, 20_000])
  const dearer = { ...(proposed ?? terms), cap: (proposed ?? terms).cap + 1n }
  switch (phase) {
    case 'asked':
    case 'countered': {
      const draw = chance.next()
      if (draw < 0.82) return { do: 'quote', terms: proposed ?? terms, holdMs: chance.pick([0, 0, 500, 5_000]), validMs }
      if (draw < 0.94) return { do: 'reject', reason: 'price', path: null, fresh: { terms: dearer, validMs } }
      return { do: 'reject', reason: chance.pick(['capacity', 'trust', 'policy', 'unsupported']), path: null, fresh: null }
    }
    case 'accepted': {
      const draw = chance.next()
      if (draw < 0.88) return { do: 'confirm', number: number() }
      if (draw < 0.96) return { do: 'reject', reason: 'price', path: null, fresh: { terms: dearer, validMs } }
      return { do: 'reject', reason: 'constraint', path: 'gpu.vram', fresh: null }
    }
    case 'closing':
      return { do: 'receipt', reason: chance.pick([null, 'meter', 'output']) }
    default:
      return null
  }
}

/** Something out of the blue: right or wrong, at any time. Wrong ones must be refused. */
export function whim(
  role: 'renter' | 'provider',
  context: { readonly chance: Rng; readonly temper: Temper; readonly inForce: Terms | null },
): Command {
  const { chance, temper, inForce } = context
  if (role === 'renter' && inForce !== null && chance.chance(0.4)) return { do: 'request', demand: DEMAND, offer: null }
  if (chance.chance(temper.fickle))
    return { do: 'cancel', reason: chance.pick(['user', 'shutdown', role === 'provider' ? 'lost' : 'user', 'reclaim']) }
  if (role === 'provider') {
    return chance.pick<Command>([
      { do: 'reclaim', inMs: 3_000 },
      { do: 'ready' },
      { do: 'confirm', number: 9 },
      { do: 'receipt', reason: 'silent' },
      { do: 'start', specHash: new Uint8Array(32) },
    ])
  }
  return chance.pick<Command>([
    { do: 'extend', cap: (inForce?.cap ?? 0n) + BigInt(chance.int(0, 50)), maxMs: (inForce?.maxMs ?? 1_000) + 1_000, funding: null },
    { do: 'extend', cap: inForce?.cap ?? 0n, maxMs: (inForce?.maxMs ?? 1_000) + 2_000, funding: null },
    { do: 'request', demand: DEMAND, offer: null },
    { do: 'grant', grantee: new Uint8Array(32).fill(3), right: 'read', until: 1_900_000_000 },
    { do: 'receipt', reason: null },
    { do: 'voucher', owed: 0n, channel: null, channelCumulative: null, evmSig: null },
    { do: 'ready' },
  ])
}

/** What every renter of the simulator asks for. */
export const DEMAND: Demand = {
  where: '',
  runner: 'deno',
  isolation: [],
  minGpus: 0,
  maxGpus: 0,
  rail: 'free',
  cap: 1_000n,
  limits: { cpuMilli: 1_000, memMiB: 512, diskMiB: 512, outMiB: 16, pids: 64, maxMs: 60_000 },
  idleMs: 10_000,
  visibility: 'private',
  sla: null,
}
