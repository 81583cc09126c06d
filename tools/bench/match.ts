// Filter and rank of 10^5 and 10^6 offers in memory, by twenty fixed demands, beside node:sqlite over the same offers.

import { readFileSync } from 'node:fs'
import { type Listing, type OfferIndex, offerIndex, parseQuery, type PreparedQuery, printQuery, type Query } from '@haggle/offer'
import { syntheticMarket } from '@haggle/offer/testing'
import { compareBytes } from '@haggle/wire'
import { MatchFloor } from './_match_floor.ts'
import { type BenchOptions, type BenchRow, quantile } from './row.ts'

/** Answers a demand asks for: a first page. */
const LIMIT = 16
/** Rounds of A-B over all demands, after one that warms up. */
const ROUNDS = 4
/** Runs of the index in its turn, each a sample. */
const RUNS = 25
/** Runs of the floor in its turn. */
const FLOOR_RUNS = 10
/** Runs of an explanation before and after its floor, which takes seconds and runs once. */
const EXPLAIN_RUNS = 3
/** Runs at the start of a turn that are no samples: the caches still hold the other side's data. */
const WARM = 2

/** Numbers of offers. */
const SIZES: readonly number[] = [1e4, 1e5, 1e6]

const progress = (line: string): void => console.error(`match: ${line}`)

interface Demand {
  readonly text: string
  readonly query: Query
}

/** The demands of examples/demands.txt. */
export function demands(): Demand[] {
  return readFileSync(new URL('../../examples/demands.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((text) => ({ text, query: parseQuery(text) }))
}

/** One demand, both sides ready. */
interface Duel {
  readonly demand: Demand
  readonly mine: PreparedQuery<number>
  readonly floor: () => number[]
  readonly mineUs: number[]
  readonly floorUs: number[]
}

const timed = (run: () => unknown, into: number[]): void => {
  const started = performance.now()
  run()
  into.push((performance.now() - started) * 1000)
}

function* market(seed: number, size: number): Generator<Listing> {
  const source = syntheticMarket({ seed })
  for (let i = 0; i < size; i++) yield source.next().value
}

/** Providers' keys in order: the floor's offer ids are positions in it, so that ties break alike. */
function inKeyOrder(seed: number, size: number): Uint32Array {
  const keys = new Uint8Array(size * 32)
  let at = 0
  for (const { provider } of market(seed, size)) keys.set(provider, 32 * at++)
  const key = (i: number): Uint8Array => keys.subarray(i * 32, i * 32 + 32)
  return Uint32Array.from({ length: size }, (_, i) => i).sort((a, b) => compareBytes(key(a), key(b)))
}

interface Arena {
  readonly index: OfferIndex<number>
  readonly floor: MatchFloor
}

function build(seed: number, size: number): Arena {
  const order = inKeyOrder(seed, size)
  const idOf = new Uint32Array(size)
  for (const [id, at] of order.entries()) idOf[at] = id
  const index = offerIndex<number>({ seed })
  const started = performance.now()
  let at = 0
  for (const listing of market(seed, size)) index.put(listing, idOf[at++])
  progress(`${size}: index built, ${(((performance.now() - started) * 1000) / size).toFixed(1)} us an offer, making them included`)
  const floor = new MatchFloor(market(seed, size), idOf)
  progress(`${size}: floor built`)
  return { index, floor }
}

function prepare({ index, floor }: Arena, hints: Map<string, number | undefined>): Duel[] {
  return demands().map((demand) => {
    const known = hints.has(demand.text)
    const chosen = floor.prepare(demand.query, LIMIT, known ? { hint: [undefined, hints.get(demand.text)] } : {})
    hints.set(demand.text, chosen.index)
    const mine = index.prepare(demand.query)
    const [a, b] = [mine.find(LIMIT).map((hit) => hit.payload), chosen.run()]
    if (a.join() !== b.join()) throw new Error(`${demand.text}: the index finds [${a.join()}], SQLite [${b.join()}]`)
    return { demand, mine, floor: chosen.run, mineUs: [], floorUs: [] }
  })
}

/** Both sides in turn, demand by demand, round after round. */
function fight(duels: readonly Duel[]): void {
  for (let round = -1; round < ROUNDS; round++) {
    for (const { mine, floor, mineUs, floorUs } of duels) {
      for (let run = 0; run < WARM; run++) mine.find(LIMIT)
      for (let run = 0; run < RUNS; run++) timed(() => mine.find(LIMIT), mineUs)
      for (let run = 0; run < WARM; run++) floor()
      for (let run = 0; run < FLOOR_RUNS; run++) timed(floor, floorUs)
      if (round < 0) {
        mineUs.length = 0
        floorUs.length = 0
      }
    }
  }
}

const round = (value: number): number => Number(value.toPrecision(4))
const label = (size: number): string => `1e${Math.round(Math.log10(size))}`

/** Value and floor are both 95th percentiles. */
function row(name: string, mine: readonly number[], floor: readonly number[], more: Partial<BenchRow> = {}): BenchRow {
  const [value, under] = [quantile(mine, 0.95), quantile(floor, 0.95)]
  return {
    name,
    value: round(value),
    unit: 'us',
    floor: round(under),
    ratio: round(value / under),
    p95: round(value),
    samples: mine.length,
    ...more,
  }
}

function explained({ index, floor }: Arena, size: number): BenchRow {
  const nothing = demands().filter(({ query }) => index.find(query, { limit: 1 }).length === 0)
  const mine: number[] = []
  const under: number[] = []
  for (const { query } of nothing) {
    const ask = floor.explain(query)
    index.explain(query)
    for (let run = 0; run < EXPLAIN_RUNS; run++) timed(() => index.explain(query), mine)
    timed(ask, under)
    for (let run = 0; run < EXPLAIN_RUNS; run++) timed(() => index.explain(query), mine)
  }
  return row(`match-explain-${label(size)}`, mine, under, {
    aim: { atMost: 1 },
    note: `nothing fits, ${nothing.length} demands; floor: the counts alone, in SQL`,
  })
}

/** The rows of one size, and its samples together. */
function measure(size: number, hints: Map<string, number | undefined>, seed: number): { rows: BenchRow[]; together: number[] } {
  const arena = build(seed, size)
  const duels = prepare(arena, hints)
  progress(`${size}: both sides agree on ${duels.length} demands`)
  fight(duels)
  const together = duels.flatMap((d) => d.mineUs)
  const name = `match-${label(size)}`
  const note = `p95 of ${duels.length} demands together; floor: node:sqlite, the best index for each`
  const rows = [
    row(
      name,
      together,
      duels.flatMap((d) => d.floorUs),
      { aim: { atMost: 2 }, note },
    ),
  ]
  for (const [at, { demand, mineUs, floorUs }] of duels.entries()) {
    rows.push(row(`${name}-${String(at + 1).padStart(2, '0')}`, mineUs, floorUs, { aim: { atMost: 2 }, note: printQuery(demand.query) }))
  }
  rows.push(explained(arena, size))
  arena.floor.close()
  return { rows, together }
}

/** The sizes that a row is wanted of; the comparison of the largest with the smallest needs both. */
function wantedSizes(wants: (name: string) => boolean): readonly number[] {
  const [small, large] = [SIZES[0], SIZES.at(-1)]
  const compared = small !== undefined && large !== undefined && wants(`match-${label(large)}-to-${label(small)}`)
  const names = (size: number): string[] => {
    const demand = demands().map((_, at) => `match-${label(size)}-${String(at + 1).padStart(2, '0')}`)
    return [`match-${label(size)}`, `match-explain-${label(size)}`, ...demand]
  }
  return SIZES.filter((size) => (compared && (size === small || size === large)) || names(size).some(wants))
}

/** `match-1e5`, `match-1e6`, each demand by itself, the explanations, and how the largest compares with the smallest. */
export async function rows({ seed, wants }: BenchOptions): Promise<readonly BenchRow[]> {
  const hints = new Map<string, number | undefined>()
  const measured = wantedSizes(wants).map((size) => ({ size, ...measure(size, hints, seed) }))
  const found = measured.flatMap((m) => m.rows)
  const [small, large] = [measured[0], measured.at(-1)]
  if (small !== undefined && large !== undefined && small !== large)
    found.push(
      row(`match-${label(large.size)}-to-${label(small.size)}`, large.together, small.together, {
        aim: { atMost: 1.5 },
        note: 'the floor is the index itself with fewer offers',
      }),
    )
  return found
}
