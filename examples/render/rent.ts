// Renders the picture on other people's machines: finds providers, signs a contract with each, hands out tiles one by one, and takes
// back the tiles of a provider that is lost.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Job, JobEnd, Market, OfferRow, RunRequest } from '@haggle/market'
import { compileScene, type Scene } from './job/scene.ts'
import { decodeTile, tileCount } from './job/tile.ts'
import type { WorkerLine } from './job/worker.ts'
import { createPicture, type Picture, putTile } from './picture.ts'
import { createTileQueue, type TileQueue } from './tile_queue.ts'

/** Tiles that a worker has at once: one it renders and one that waits, so that it never idles for a round trip. */
const AHEAD = 2
/** A job that has nothing left to do gets this long to close its contract, ms: then it counts as lost. */
const CLOSING_MS = 15_000
/** Pause between two looks at the market while too few providers are known, ms. */
const LOOK_AGAIN_MS = 250

/** What the renter wants. */
export interface RenderRequest {
  /** Text of the scene file. */
  readonly scene: string
  /** Providers to rent at once. */
  readonly workers: number
  readonly where: string
  /** Most that one contract may cost. */
  readonly budget: string
  /** Give up looking for more providers after this, ms; begin with those there are. */
  readonly searchMs: number
  readonly signal?: AbortSignal
}

/** What happens meanwhile, for whoever shows it. */
export type RenderEvent =
  | { readonly event: 'offers'; readonly fits: number; readonly seen: number; readonly ms: number; readonly rows: readonly OfferRow[] }
  | {
      readonly event: 'signed'
      readonly provider: string
      readonly contract: string
      readonly cap: string
      readonly pricePerHour: string
      readonly unit: string
    }
  | { readonly event: 'refused'; readonly provider: string; readonly reason: string }
  | { readonly event: 'ready'; readonly provider: string; readonly device: string; readonly engine: 'webgpu' | 'cpu' }
  | { readonly event: 'tile'; readonly provider: string; readonly tile: number; readonly done: number; readonly total: number }
  | { readonly event: 'lost'; readonly provider: string; readonly reason: string; readonly tiles: readonly number[] }
  | { readonly event: 'rendered'; readonly ms: number }
  | { readonly event: 'ended'; readonly provider: string; readonly owed: string }

/** One contract of the picture, once it is over. */
export interface RentedWork {
  readonly job: Job
  readonly price: string
  readonly engine: 'webgpu' | 'cpu' | null
  /** Tiles of the picture that came from it. */
  readonly tiles: number
  /** Null when the provider was lost. */
  readonly end: JobEnd | null
  readonly lost: string | null
  readonly durationMs: number
}

/** What came of it. */
export interface Rendered {
  readonly scene: Scene
  readonly picture: Picture
  /** Encoded tile and who rendered it, on what. */
  readonly tiles: readonly { readonly bytes: Uint8Array; readonly provider: string; readonly engine: 'webgpu' | 'cpu' }[]
  readonly work: readonly RentedWork[]
}

/** A software adapter (llvmpipe) does not count: it is the CPU with a detour, and four times as slow as the CPU's own path. */
const GPU = 'gpu.kind==gpu'

interface Candidate extends OfferRow {
  readonly hasGpu: boolean
}

interface Worker {
  readonly job: Job
  readonly row: Candidate
  readonly held: Set<number>
  readonly startedAt: number
  engine: 'webgpu' | 'cpu' | null
  lost: string | null
  isClosed: boolean
}

/** Renders the whole picture. Rejects only when no provider at all can be had, or the signal fires. */
export async function renderOnMarket(
  market: Market,
  request: RenderRequest,
  onEvent: (event: RenderEvent) => void = () => undefined,
): Promise<Rendered> {
  const scene = compileScene(request.scene)
  const total = tileCount(scene.file)
  const picture = createPicture(scene.file.width, scene.file.height)
  const tiles: Rendered['tiles'][number][] = []
  const queue = createTileQueue(total, middleFirst(total))
  const rows = await findProviders(market, request, onEvent)
  const spare = rows.slice(request.workers)
  const workers: Worker[] = []
  const all = Promise.withResolvers<void>()
  all.promise.catch(() => undefined) // it may be rejected before it is awaited
  const reasons = new Set<string>()
  const settle = (): void => {
    if (queue.finished === total) all.resolve()
  }

  const deal = async (worker: Worker): Promise<void> => {
    while (!worker.isClosed && worker.lost === null && worker.held.size < AHEAD) {
      const tile = queue.take(worker.row.provider)
      if (tile === undefined) return
      worker.held.add(tile)
      await worker.job.write(`${tile}\n`)
    }
  }
  const dealAll = (): void => {
    for (const worker of workers) deal(worker).catch((error: unknown) => lose(worker, reasonOf(error)))
  }
  const lose = (worker: Worker, reason: string): void => {
    if (worker.lost !== null || worker.isClosed) return
    worker.lost = reason
    reasons.add(reason)
    onEvent({ event: 'lost', provider: worker.row.provider, reason, tiles: queue.lost(worker.row.provider) })
    dealAll()
    void replace()
  }
  const replace = async (): Promise<void> => {
    const row = spare.shift()
    const started = row === undefined ? undefined : await hire(row)
    if (started !== undefined) return
    if (row !== undefined) return replace()
    if (workers.every(({ lost }) => lost !== null)) all.reject(new Error(`no provider is left: ${[...reasons].join('; ')}`))
  }
  const hire = async (row: Candidate): Promise<Worker | undefined> => {
    try {
      const startedAt = performance.now()
      const job = await market.run(runRequest(row, request))
      const worker: Worker = { job, row, held: new Set(), startedAt, engine: null, lost: null, isClosed: false }
      workers.push(worker)
      onEvent({
        event: 'signed',
        provider: row.provider,
        contract: job.contract,
        cap: job.cap,
        pricePerHour: job.pricePerHour,
        unit: job.unit,
      })
      void follow(worker)
      job.done
        .then((end) => lose(worker, lossOf(end) ?? 'its job ended before the picture was done'))
        .catch((error: unknown) => lose(worker, reasonOf(error)))
      deal(worker).catch((error: unknown) => lose(worker, reasonOf(error)))
      return worker
    } catch (error) {
      request.signal?.throwIfAborted()
      reasons.add(reasonOf(error))
      onEvent({ event: 'refused', provider: row.provider, reason: reasonOf(error) })
      return undefined
    }
  }
  const follow = async (worker: Worker): Promise<void> => {
    try {
      for await (const text of worker.job.lines()) await hear(worker, JSON.parse(text) as WorkerLine)
      if (!worker.isClosed) lose(worker, 'its job ended before the picture was done')
    } catch (error) {
      lose(worker, reasonOf(error))
    }
  }
  const hear = async (worker: Worker, line: WorkerLine): Promise<void> => {
    const { provider } = worker.row
    if (line.kind === 'error') throw new Error(line.message)
    if (line.kind === 'ready') {
      worker.engine = line.engine
      onEvent({ event: 'ready', provider, device: line.device, engine: line.engine })
      return
    }
    if (queue.finished < total) {
      const bytes = await worker.job.readFile(line.path)
      const hash = createHash('sha256').update(bytes).digest('hex')
      if (hash !== line.sha256) throw new Error(`tile ${line.tile} is not what it announced`)
      if (queue.done(provider, line.tile)) {
        putTile(picture, decodeTile(bytes))
        tiles[line.tile] = { bytes, provider, engine: worker.engine ?? 'cpu' }
        onEvent({ event: 'tile', provider, tile: line.tile, done: queue.finished, total })
      }
    }
    worker.held.delete(line.tile)
    settle()
    if (queue.finished < total) await deal(worker)
  }

  const begun = performance.now()
  await Promise.all(rows.slice(0, request.workers).map(hire))
  if (workers.length === 0) await replace()
  await orAborted(all.promise, request.signal)
  onEvent({ event: 'rendered', ms: Math.round(performance.now() - begun) })
  const work = await Promise.all(workers.map((worker) => close(worker, queue, onEvent)))
  return { scene, picture, tiles, work }
}

/** No more tiles: the worker reads the end of its stdin, its job ends, and both sides sign the receipt. */
async function close(worker: Worker, queue: TileQueue, onEvent: (event: RenderEvent) => void): Promise<RentedWork> {
  worker.isClosed = true
  const base = { job: worker.job, price: worker.row.pricePerHour, engine: worker.engine, tiles: queue.broughtBy(worker.row.provider) }
  if (worker.lost === null) {
    const waited = Promise.withResolvers<null>()
    const timer = setTimeout(() => waited.resolve(null), CLOSING_MS)
    const end = await Promise.race([worker.job.closeStdin().then(() => worker.job.done), waited.promise]).catch((error: unknown) => {
      worker.lost = reasonOf(error)
      return null
    })
    clearTimeout(timer)
    worker.lost = end === null ? worker.lost : lossOf(end)
    if (end !== null && worker.lost === null) {
      onEvent({ event: 'ended', provider: worker.row.provider, owed: end.owed })
      return { ...base, end, lost: null, durationMs: end.usedMs }
    }
  }
  return {
    ...base,
    end: null,
    lost: worker.lost ?? 'it did not close its contract',
    durationMs: Math.round(performance.now() - worker.startedAt),
  }
}

/** Why a job that is over did not end as it should; null when its worker saw the end of its stdin and left. */
function lossOf({ exit, receipt }: JobEnd): string | null {
  if (exit.kind === 'exit') return exit.code === 0 ? null : `its job ended with code ${exit.code}`
  return `${receipt?.outcome ?? 'the contract ended'}: ${exit.kind === 'lost' ? 'it does not answer' : `the job was ended (${exit.kind})`}`
}

/** Offers that fit, one a provider, best first; waits until there are enough of them. */
async function findProviders(market: Market, request: RenderRequest, onEvent: (event: RenderEvent) => void): Promise<Candidate[]> {
  const started = performance.now()
  for (;;) {
    const view = await market.offers({ where: request.where, probe: true, ...(request.signal ? { signal: request.signal } : {}) })
    const rows = view.rows.filter(
      ({ provider, freeSlots, runners }, i) =>
        freeSlots > 0 && runners.includes('deno') && view.rows.findIndex((row) => row.provider === provider) === i,
    )
    const ms = Math.round(performance.now() - started)
    if (rows.length >= request.workers || (ms > request.searchMs && rows.length > 0)) {
      onEvent({ event: 'offers', fits: rows.length, seen: view.seen, ms, rows })
      const gpus = await market.offers({ where: `${GPU} ${request.where}` })
      return rows.map((row) => ({ ...row, hasGpu: gpus.rows.some(({ provider }) => provider === row.provider) }))
    }
    if (ms > request.searchMs) {
      const why = view.failures.map(({ constraint, count }) => `${count} fail ${constraint}`).join(', ')
      throw new Error(`no provider fits: ${view.seen} offers heard in ${Math.round(ms / 1000)} s${why ? `, ${why}` : ''}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    request.signal?.throwIfAborted()
  }
}

const folder = join(import.meta.dirname, 'job')

function runRequest({ provider, hasGpu }: Candidate, { scene, where, budget, signal }: RenderRequest): RunRequest {
  return {
    where: hasGpu ? `${GPU} ${where}` : where,
    providers: [provider],
    deno: join(folder, 'worker.ts'),
    args: hasGpu ? ['--gpu'] : [],
    files: { 'scene.json': new TextEncoder().encode(scene), ...(hasGpu ? { 'trace.wgsl': readFileSync(join(folder, 'trace.wgsl')) } : {}) },
    stdin: true,
    outputs: ['out/*.bin'],
    budget,
    memMiB: 512,
    diskMiB: 64,
    outMiB: 4,
    ...(signal ? { signal } : {}),
  }
}

/** Tiles in the middle of the picture first: there is the most to see, and the most work. */
function middleFirst(total: number): number[] {
  return Array.from({ length: total }, (_, i) => i).sort((a, b) => Math.abs(a - total / 2) - Math.abs(b - total / 2))
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
