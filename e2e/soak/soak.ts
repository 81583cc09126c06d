// A soak: a market of real processes trades for a while, is measured all the time, and is judged by what grew.

import { setTimeout as pause } from 'node:timers/promises'
import { openWorld, rolesOf, type SoakJob, type SoakRole, type SoakWorld } from './soak_world.ts'
import { judge, meanSeries, type Point, quantile, settled, type Trend, trendOf, type Verdict } from './trend.ts'
import { diskBytes, usageOf } from './usage.ts'

/** How a soak is run. */
export interface SoakOptions {
  readonly minutes: number
  readonly nodes: number
  /** Demands a second, of all renters together; in the first third, which is for warming up, four times as many. */
  readonly rate: number
  readonly seed: number
  /** Ends it early, with nothing left behind. */
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
}

/** Growth of resident memory that passes for none, MiB an hour. */
const MOST_MIB_PER_HOUR = 1
/** Growth of open handles of a process that passes for none, an hour. */
const MOST_HANDLES_PER_HOUR = 1
/** Growth of the time of a job that passes for none, of its mean, an hour. */
const MOST_LATENCY_SHARE_PER_HOUR = 0.1
/**
 * Octets that a contract may leave on one side's disk for good: both chains with terms and spec (4 KiB), ledger entries, their indexes, the journal,
 * and what a database has not compacted yet.
 */
const MOST_BYTES_PER_CONTRACT = 24 * 1024
/** Jobs that may go wrong, of all. */
const MOST_WRONG_SHARE = 0.001
const SAMPLE_MS = 5_000
/** Counting a home takes longer than reading /proc. */
const DISK_EVERY_SAMPLES = 6

/** What grew, and whether it may. */
export interface SoakTrend extends Partial<Trend> {
  readonly of: string
  readonly unit: string
  readonly verdict: Verdict
}

/** The figures of a soak. */
export interface SoakResult {
  readonly ok: boolean
  readonly minutes: number
  readonly nodes: Readonly<Record<SoakRole, number>>
  readonly seed: number
  readonly jobs: number
  readonly perSecond: number
  readonly wrong: readonly string[]
  readonly wrongCount: number
  /** Jobs whose end was told before both had signed the receipt, and the longest that both signatures took from then on. */
  readonly lateReceipts: { readonly count: number; readonly mostMs: number }
  readonly firstOutputMs: { readonly p50: number; readonly p95: number }
  readonly endMs: { readonly p50: number; readonly p95: number }
  readonly trends: readonly SoakTrend[]
  /** Octets on one side's disk for each contract of the last two thirds. */
  readonly diskBytesPerContract: number
  /** Octets held after a collection, for each contract of the last two thirds and each side. */
  readonly heldBytesPerContract: number
  /** Mean resident MiB by role, at the start of the last two thirds and at the end. */
  readonly residentMiB: Readonly<Record<string, { readonly from: number; readonly to: number }>>
  readonly problems: readonly string[]
}

interface Series {
  readonly role: SoakRole
  readonly resident: Point[]
  readonly handles: Point[]
}

/** Runs a soak to its end. Every process it starts is gone when it returns. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { minutes, nodes, rate, seed, signal, onProgress } = options
  const jobs: { readonly atMs: number; readonly job: SoakJob }[] = []
  let startedMs = performance.now()
  await using world = await openWorld({
    nodes,
    rate,
    seed,
    onJob: (job) => jobs.push({ atMs: performance.now() - startedMs, job }),
  })
  onProgress(`${world.processes.length} processes are up`)
  startedMs = performance.now()
  world.tell('trade')
  const series = new Map<string, Series>(world.processes.map(({ name, role }) => [name, { role, resident: [], handles: [] }]))
  const disk: Point[] = []
  const endMs = minutes * 60_000
  let middle: { readonly jobs: number; readonly held: number; readonly disk: number } | null = null
  for (let at = 0; performance.now() - startedMs < endMs; at++) {
    await pause(Math.min(SAMPLE_MS, endMs / 12), undefined, { signal })
    const hours = (performance.now() - startedMs) / 3_600_000
    sample(world, series, hours)
    if (at % DISK_EVERY_SAMPLES === 0) {
      disk.push({ hours, value: diskOf(world) / 1024 / 1024 })
      onProgress(`${Math.round(hours * 60)} of ${minutes} min: ${jobs.length} jobs, ${wrongOf(jobs).length} wrong, ${residentLine(series)}`)
    }
    if (middle === null && hours * 3_600_000 >= endMs / 3) {
      middle = { jobs: jobs.length, held: await heldOf(world), disk: diskOf(world) }
      world.tell('steady')
    }
  }
  await world.rest()
  const held = await heldOf(world)
  const traded = jobs.length - (middle?.jobs ?? 0)
  const sides = 2 * Math.max(1, traded)
  await world.close()
  const trends = [...trendsOf(series), latencyOf(jobs)]
  const wrong = wrongOf(jobs)
  const diskBytesPerContract = Math.round((diskOf(world) - (middle?.disk ?? 0)) / sides)
  const good = jobs.filter(({ job }) => job.wrong === null).map(({ job }) => job)
  const late = good.map(({ lateMs }) => lateMs).filter((ms) => ms > 0)
  const spread = (values: readonly number[]): { p50: number; p95: number } => ({
    p50: Math.round(quantile(values, 0.5)),
    p95: Math.round(quantile(values, 0.95)),
  })
  const counts = rolesOf(nodes)
  return {
    ok:
      jobs.length > 0 &&
      wrong.length <= jobs.length * MOST_WRONG_SHARE &&
      trends.every(({ verdict }) => verdict !== 'grows') &&
      diskBytesPerContract <= MOST_BYTES_PER_CONTRACT &&
      world.problems.length === 0,
    minutes,
    nodes: { relay: counts.relays, provider: counts.providers, launcher: counts.providers, renter: counts.renters },
    seed,
    jobs: jobs.length,
    perSecond: Math.round((jobs.length / (minutes * 60)) * 100) / 100,
    wrong: wrong.slice(0, 20),
    wrongCount: wrong.length,
    lateReceipts: { count: late.length, mostMs: Math.round(Math.max(0, ...late)) },
    firstOutputMs: spread(good.map((job) => job.firstMs)),
    endMs: spread(good.map((job) => job.endMs)),
    trends,
    diskBytesPerContract,
    heldBytesPerContract: Math.round((held - (middle?.held ?? 0)) / sides),
    residentMiB: residentOf(series),
    problems: world.problems.slice(0, 20),
  }
}

function sample(world: SoakWorld, series: ReadonlyMap<string, Series>, hours: number): void {
  for (const { name, pid } of world.processes) {
    const usage = usageOf(pid)
    if (usage === null) continue
    series.get(name)?.resident.push({ hours, value: usage.residentMiB })
    series.get(name)?.handles.push({ hours, value: usage.handles })
  }
}

const diskOf = ({ homes }: SoakWorld): number => homes.reduce((sum, home) => sum + diskBytes(home), 0)

async function heldOf(world: SoakWorld): Promise<number> {
  return [...(await world.held()).values()].reduce((sum, bytes) => sum + bytes, 0)
}

const wrongOf = (jobs: readonly { readonly job: SoakJob }[]): string[] => jobs.flatMap(({ job }) => (job.wrong === null ? [] : [job.wrong]))

const rolesIn = (series: ReadonlyMap<string, Series>): ReadonlySet<SoakRole> => new Set([...series.values()].map(({ role }) => role))

const ofRole = (series: ReadonlyMap<string, Series>, role: SoakRole): Series[] => [...series.values()].filter((one) => one.role === role)

/** Memory and handles, the mean of each role: what all processes of a role have in common stands out of the noise of each. */
function trendsOf(series: ReadonlyMap<string, Series>): SoakTrend[] {
  return [...rolesIn(series)].flatMap((role) => {
    const all = ofRole(series, role)
    const resident = trendOf(settled(meanSeries(all.map((one) => one.resident))))
    const handles = trendOf(settled(meanSeries(all.map((one) => one.handles))))
    return [
      { of: `resident memory of a ${role}`, unit: 'MiB', ...resident, verdict: judge(resident, MOST_MIB_PER_HOUR) },
      { of: `handles of a ${role}`, unit: '', ...handles, verdict: judge(handles, MOST_HANDLES_PER_HOUR) },
    ]
  })
}

function latencyOf(jobs: readonly { readonly atMs: number; readonly job: SoakJob }[]): SoakTrend {
  const points = jobs.filter(({ job }) => job.wrong === null).map(({ atMs, job }) => ({ hours: atMs / 3_600_000, value: job.firstMs }))
  const trend = trendOf(settled(points))
  return { of: 'demand to first output', unit: 'ms', ...trend, verdict: judge(trend, MOST_LATENCY_SHARE_PER_HOUR * (trend?.mean ?? 0)) }
}

function residentOf(series: ReadonlyMap<string, Series>): SoakResult['residentMiB'] {
  const mean = (values: readonly (number | undefined)[]): number =>
    Math.round((values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / Math.max(1, values.length)) * 10) / 10
  return Object.fromEntries(
    [...rolesIn(series)].map((role) => {
      const parts = ofRole(series, role).map(({ resident }) => settled(resident))
      return [role, { from: mean(parts.map((part) => part[0]?.value)), to: mean(parts.map((part) => part.at(-1)?.value)) }]
    }),
  )
}

function residentLine(series: ReadonlyMap<string, Series>): string {
  return [...rolesIn(series)]
    .map((role) => {
      const now = ofRole(series, role).map(({ resident }) => resident.at(-1)?.value ?? 0)
      return `${role} ${Math.round(now.reduce((sum, value) => sum + value, 0) / now.length)}`
    })
    .join(', ')
    .concat(' MiB')
}
