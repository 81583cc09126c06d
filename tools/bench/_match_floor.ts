// The floor of matching: the same offers in node:sqlite, in memory, flat and well indexed, asked by prepared statements.
//
// One row for each GPU of a machine (one without GPU, values null), with everything about the machine beside it: what an engineer who wants these
// answers from SQL would lay out. Every sensible composite index is there, none has a value of a demand in it, and for each demand the index that
// answers it soonest is chosen by trying them all.

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { conjuncts, type Expr, type Listing, mentionsGpu, offerSubject, type Query } from '@haggle/offer'

/** Columns of the flat table: `name` of the language -> column. */
const COLUMNS: Readonly<Record<string, string>> = {
  'price.hour': 'price',
  'gpu.vram': 'vram',
  'gpu.cc': 'cc',
  'gpu.cuda': 'cuda',
  'gpu.rocm': 'rocm',
  'gpu.bench.f16': 'f16',
  'gpu.bench.mem': 'mem_speed',
  'gpu.bench.f16.source': 'f16_source',
  'gpu.model': 'model',
  'gpu.free': 'free',
  'gpu.count': 'gpus',
  'cpu.cores': 'cores',
  memory: 'memory',
  disk: 'disk',
  'net.down': 'down',
  'net.up': 'up',
  'slots.free': 'slots',
  'provider.score': 'score',
  'provider.rtt': 'rtt',
}

/** Composite indexes; the price, then the offer, ends each, so that the cheapest come first without a sort wherever the plan allows it. */
const INDEXES: readonly string[] = [
  'price, id',
  'price, id, vram, cc, cuda, f16, slots, down, free, gpus',
  'price, id, cores, memory, disk, up',
  'model, price, id',
  'model, country, price, id',
  'model, country, slots, price, id',
  'model, gpus, country, price, id',
  'country, price, id',
  'vram, price, id',
  'vram, gpus, price, id',
  'cores, memory, price, id',
  'score, price, id',
  'rtt, price, id',
  'rocm, up, price, id',
  'gpus, price, id',
  'best_f16 desc, price, id, vram, slots',
  'best_mem desc, price, id, f16_source, f16',
  'f16_source, best_mem desc, price, id, f16',
  'gvisor, vram, f16, price, id',
  'vram, best_f16 desc, price, id',
]

/** A market in SQLite. */
export class MatchFloor {
  private readonly db: DatabaseSync = new DatabaseSync(':memory:')

  /** Loads listings, the n-th under the id `ids[n]`, and builds the indexes. Ids are in the order of the providers' keys, which breaks ties. */
  constructor(listings: Iterable<Listing>, ids: Uint32Array) {
    const { db } = this
    db.exec('PRAGMA cache_size = -2000000')
    db.exec(
      'CREATE TABLE flat (id INTEGER, price INTEGER, region TEXT, country TEXT, cores INTEGER, memory INTEGER, disk INTEGER, down INTEGER, up INTEGER, slots INTEGER, score INTEGER, rtt INTEGER, gpus INTEGER, gvisor INTEGER, best_f16 INTEGER, best_mem INTEGER, kind TEXT, model TEXT, vram INTEGER, cc INTEGER, cuda INTEGER, rocm INTEGER, f16 INTEGER, mem_speed INTEGER, f16_source TEXT, free INTEGER)',
    )
    db.exec('BEGIN')
    const insert = db.prepare(`INSERT INTO flat VALUES (${Array.from({ length: 26 }, () => '?').join(',')})`)
    let at = 0
    for (const listing of listings) {
      const id = ids[at++] ?? 0
      for (const row of flatRows(listing)) insert.run(id, ...row)
    }
    db.exec('COMMIT')
    for (const [at, columns] of INDEXES.entries()) db.exec(`CREATE INDEX i${at} ON flat (${columns})`)
    db.exec('CREATE INDEX by_id ON flat (id)')
    db.exec('ANALYZE')
  }

  /** The fastest statement for a query, found by trying every index (or only `hint`, the choice at another size). */
  prepare(
    query: Query,
    limit: number,
    options: { readonly hint?: readonly (number | undefined)[] } = {},
  ): { readonly run: () => number[]; readonly index: number | undefined } {
    const tried = options.hint ?? [undefined, ...INDEXES.keys()]
    let best: { statement: StatementSync; ms: number; index: number | undefined } | undefined
    for (const index of tried) {
      const statement = this.statement(query, limit, index)
      if (statement === undefined) continue
      const ms = fastest(statement, best?.ms ?? Infinity)
      if (best === undefined || ms < best.ms) best = { statement, ms, index }
    }
    if (best === undefined) throw new Error('no plan')
    const { statement } = best
    return { run: () => (statement.all() as { id: number }[]).map((row) => row.id), index: best.index }
  }

  /** One statement that counts, for each constraint, how many offers fail it, and how many fit without it: what an explanation needs. */
  explain(query: Query): () => unknown {
    const parts = conjuncts(query.where)
    const sql = [
      `SELECT count(*) FROM (SELECT DISTINCT id FROM flat WHERE ${whereOf(parts)})`,
      ...parts.map(
        (part) => `SELECT count(DISTINCT id) - (SELECT count(*) FROM (SELECT DISTINCT id FROM flat WHERE ${whereOf([part])})) FROM flat`,
      ),
      ...parts.map(
        (part) =>
          `SELECT count(*), min(price) FROM (SELECT id, min(price) price FROM flat WHERE ${whereOf(parts.filter((p) => p !== part))} GROUP BY id)`,
      ),
    ]
    const statements = sql.map((text) => this.db.prepare(text))
    return () => statements.map((statement) => statement.all())
  }

  close(): void {
    this.db.close()
  }

  private statement(query: Query, limit: number, index: number | undefined): StatementSync | undefined {
    const from = index === undefined ? 'flat' : `flat INDEXED BY i${index}`
    const order = query.order.map((key) =>
      key.property === 'gpu.bench.f16' ? 'best_f16 DESC' : key.property === 'gpu.bench.mem' ? 'best_mem DESC' : 'price',
    )
    if (!order.includes('price')) order.push('price')
    try {
      const columns = order.map((o) => o.replace(' DESC', '')).join(', ')
      return this.db.prepare(
        `SELECT DISTINCT ${columns}, id FROM ${from} WHERE ${whereOf(conjuncts(query.where))} ORDER BY ${order.join(', ')}, id LIMIT ${limit}`,
      )
    } catch (error) {
      if (error instanceof Error && error.message.includes('no query solution')) return undefined
      throw error
    }
  }
}

/** Fastest of a few runs in ms; gives up early when it can't beat `best`. */
function fastest(statement: StatementSync, best: number): number {
  let least = Infinity
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    statement.all()
    least = Math.min(least, performance.now() - started)
    if (least > best * 4) break
  }
  return least
}

const quote = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : value === true ? '1' : value === false ? '0' : String(value)

/** The rows of one listing: the machine's values, then those of each GPU. Unknown is null. */
function* flatRows(listing: Listing): Generator<(number | string | null)[]> {
  const subject = offerSubject(listing)
  const gpus = subject.parts('gpu')
  const plain = (value: unknown): number | string | null =>
    typeof value === 'number' || typeof value === 'string' ? value : value === true ? 1 : value === false ? 0 : null
  const best = (name: string): number | null =>
    gpus.reduce<number | null>((most, gpu) => {
      const value = gpu.value(name)
      return typeof value === 'number' && (most === null || value > most) ? value : most
    }, null)
  const region = plain(subject.value('region'))
  const gvisor = listing.offer.runners.some((r) => r.runner === 'container' && r.isolation === 'gvisor') ? 1 : 0
  const machine = [
    plain(subject.value('price.hour')),
    region,
    typeof region === 'string' ? region.slice(0, 2) : null,
    ...['cpu.cores', 'memory', 'disk', 'net.down', 'net.up', 'slots.free', 'provider.score', 'provider.rtt', 'gpu.count'].map((name) =>
      plain(subject.value(name)),
    ),
    gvisor,
    best('bench.f16'),
    best('bench.mem'),
  ]
  if (gpus.length === 0) yield [...machine, null, null, null, null, null, null, null, null, null, null]
  for (const gpu of gpus) {
    yield [
      ...machine,
      ...['kind', 'model', 'vram', 'cc', 'cuda', 'rocm', 'bench.f16', 'bench.mem', 'bench.f16.source', 'free'].map((name) =>
        plain(gpu.value(name)),
      ),
    ]
  }
}

/** All constraints of a query. Those on one GPU hold for one row, so that they hold for one and the same GPU. */
function whereOf(parts: readonly Expr[]): string {
  const alone = !parts.some(mentionsGpu)
  return parts.map((part) => sqlOf(part, alone)).join(' AND ') || '1'
}

/** One constraint. `alone`: nothing else speaks of the row's GPU, so what is true of some GPU may be asked of the row. */
function sqlOf(expr: Expr, alone: boolean): string {
  switch (expr.kind) {
    case 'compare':
      return comparison(expr.property, expr.op, expr.value)
    case 'in':
      return `${expr.property === 'region' ? 'country' : columnOf(expr.property)} IN (${expr.values.map(quote).join(',')})`
    case 'has':
      return `${columnOf(expr.property)} IS NOT NULL`
    case 'any':
      return expr.over === 'runner' ? 'gvisor = 1' : onGpu(expr.where, '')
    case 'all':
      return `kind = 'gpu' AND ${alone ? `${onGpu(expr.where, '')} AND ` : ''}NOT EXISTS (SELECT 1 FROM flat d WHERE d.id = flat.id AND NOT (${onGpu(expr.where, 'd.')}))`
    case 'count':
      return `gpus >= ${expr.value} AND ${alone ? `${onGpu(expr.where, '')} AND ` : ''}(SELECT count(*) FROM flat d WHERE d.id = flat.id AND ${onGpu(expr.where, 'd.')}) >= ${expr.value}`
    default:
      throw new Error(`The floor has no SQL for ${expr.kind}`)
  }
}

function onGpu(where: Expr, table: string): string {
  return conjuncts(where)
    .map((part) => {
      if (part.kind !== 'compare') throw new Error(`The floor has no SQL for ${part.kind} on a GPU`)
      return `${table}${comparison(`gpu.${part.property}`, part.op, part.value)}`
    })
    .join(' AND ')
}

function columnOf(property: string): string {
  const column = COLUMNS[property]
  if (column === undefined) throw new Error(`The floor has no column for ${property}`)
  return column
}

function comparison(property: string, op: string, value: unknown): string {
  return `${property === 'region' ? 'country' : columnOf(property)} ${op} ${quote(value)}`
}
