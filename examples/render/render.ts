// The renter of the example: joins a market, renders the picture on three providers, checks every receipt, renders one tile again.
//
//   node --conditions=@haggle/source examples/render/render.ts --bootstrap ADDR [--out DIR] [--json]

import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { evmRail } from '@haggle/chain'
import { walletFile } from '@haggle/chain/node'
import type { Deployment } from '@haggle/chain/testing'
import { verifyTranscript } from '@haggle/contract'
import { nodeSuite } from '@haggle/identity/node'
import { formatAmount } from '@haggle/wire'
import { joinMarket, type OpenRail } from '@haggle/market'
import { compileScene, type SceneFile } from './job/scene.ts'
import { decodeTile, encodeTile, tileRect } from './job/tile.ts'
import { createTracer } from './job/tracer.ts'
import { denoise, develop } from './picture.ts'
import { encodePng } from './png.ts'
import { type Rendered, type RenderEvent, renderOnMarket } from './rent.ts'

/** One contract in the result. */
export interface ContractLine {
  readonly id: string
  readonly provider: string
  readonly path: string
  readonly isolation: string
  readonly device: string
  /** What rendered: the GPU through WebGPU, or the CPU. */
  readonly engine: string
  readonly termsHash: string
  readonly pricePerHour: string
  readonly firstOutputMs: number | null
  readonly durationMs: number
  readonly cost: string
  readonly unit: string
  readonly tiles: number
  /** File with the transcript. */
  readonly transcript: string
  /** What a stranger's check of the transcript says. */
  readonly verified: boolean
  readonly outcome: string
  readonly signedBy: string
  /** Why its provider was lost; null when it was not. */
  readonly lost: string | null
}

/** The result: the last line that `--json` prints. */
export interface RenderResult {
  readonly ok: boolean
  readonly picture: string
  readonly width: number
  readonly height: number
  readonly contracts: readonly ContractLine[]
  /** The tile that was rendered here once more. */
  readonly recheck: { readonly tile: number; readonly provider: string; readonly engine: string; readonly same: boolean }
}

/** How far a GPU's light may be from the CPU's, of the tile's mean: single precision takes other paths at edges. */
const GPU_TOLERANCE = 0.03

const pathOf = (path: Rendered['work'][number]['job']['path']): string => (path.kind === 'relay' ? `relay ${path.relay}` : path.kind)

/** Writes one contract's transcript and checks it as a stranger would: from the file alone. */
async function contractLine(
  { job, price, engine, tiles, end, lost, durationMs }: Rendered['work'][number],
  out: string,
): Promise<ContractLine> {
  const file = join(out, `${job.contract.slice(0, 12)}.haggle`)
  const bytes = await job.transcript()
  await writeFile(file, bytes)
  const verdict = verifyTranscript(await readFile(file), nodeSuite())
  return {
    id: job.contract,
    provider: job.provider,
    path: pathOf(job.path),
    isolation: job.isolation,
    device: job.device,
    engine: engine ?? 'none',
    termsHash: job.termsHash,
    pricePerHour: price,
    firstOutputMs: job.firstOutputMs === null ? null : Math.round(job.firstOutputMs),
    durationMs,
    // What was paid is in the transcript, whatever became of the provider.
    cost: end?.owed ?? formatAmount(verdict.owed),
    unit: job.unit,
    tiles,
    transcript: file,
    verified: verdict.ok,
    outcome: end?.receipt?.outcome ?? 'open',
    signedBy: end?.receipt?.signedBy ?? 'nobody',
    lost,
  }
}

/** Renders a tile once more and compares: byte for byte with a CPU's, closely with a GPU's. */
function recheck({ scene, tiles }: Rendered, index: number): RenderResult['recheck'] {
  const tile = tiles[index]
  if (!tile) throw new Error(`tile ${index} is missing`)
  const mine = createTracer(scene).render(tileRect(index, scene.file))
  const base = { tile: index, provider: tile.provider, engine: tile.engine }
  if (tile.engine === 'cpu') return { ...base, same: Buffer.from(encodeTile(mine)).equals(tile.bytes) }
  const theirs = decodeTile(tile.bytes).colour
  const [apart, sum] = mine.colour.reduce(([a, s], value, i) => [a + Math.abs(value - (theirs[i] ?? 0)), s + value], [0, 0])
  return { ...base, same: apart < GPU_TOLERANCE * sum }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bootstrap: { type: 'string', multiple: true },
      network: { type: 'string', default: 'haggle' },
      out: { type: 'string', default: 'out' },
      where: { type: 'string', default: 'price.hour<=0.01' },
      budget: { type: 'string', default: '0.002' },
      workers: { type: 'string', default: '3' },
      'search-ms': { type: 'string', default: '20000' },
      /** Other sizes of the same picture, for a quick try. */
      width: { type: 'string' },
      samples: { type: 'string' },
      /** Which tile to render again; by lot when not given. */
      recheck: { type: 'string' },
      json: { type: 'boolean', default: false },
      /** Pays in the token of a deployment with this wallet; credits when not given. */
      wallet: { type: 'string' },
      'wallet-passphrase-file': { type: 'string', default: '' },
      'chain-rpc': { type: 'string', default: '' },
      'chain-deployment': { type: 'string', default: '' },
    },
  })
  const say = (event: RenderEvent | { event: 'joined'; peerId: string } | { event: 'checking' }): void => {
    if (values.json) process.stdout.write(`${JSON.stringify(event)}\n`)
    else console.error(describe(event))
  }
  const sceneFile = await sceneText(values)
  await mkdir(values.out, { recursive: true })
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort(new Error(name)))

  const rails = values.wallet === undefined ? [] : [await tokenRail(values.wallet, values)]
  await using market = await joinMarket({ bootstrap: values.bootstrap ?? [], network: values.network, mdns: false, rails })
  say({ event: 'joined', peerId: market.peerId })
  const rendered = await renderOnMarket(
    market,
    {
      scene: sceneFile,
      workers: Number(values.workers),
      where: values.where,
      budget: values.budget,
      searchMs: Number(values['search-ms']),
      signal: abort.signal,
    },
    say,
  )
  say({ event: 'checking' })
  const contracts = await Promise.all(rendered.work.map((work) => contractLine(work, values.out)))
  const again = recheck(rendered, values.recheck === undefined ? randomInt(rendered.tiles.length) : Number(values.recheck))
  const { width, height } = rendered.picture
  const picture = join(values.out, 'picture.png')
  await writeFile(picture, encodePng(develop(denoise(rendered.picture), width, height), width, height))
  const done = contracts.filter(({ lost }) => lost === null)
  const ok = again.same && done.length > 0 && done.every(({ verified, signedBy }) => verified && signedBy === 'both')
  const result: RenderResult = { ok, picture, width, height, contracts, recheck: again }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  return ok ? 0 : 1
}

/** Pays each tick over a channel, with the key in a wallet's file. */
async function tokenRail(
  path: string,
  files: { readonly 'chain-rpc': string; readonly 'chain-deployment': string; readonly 'wallet-passphrase-file': string },
): Promise<OpenRail> {
  const wallet = await walletFile(path).open((await readFile(files['wallet-passphrase-file'], 'utf8')).trim())
  const addresses = JSON.parse(await readFile(files['chain-deployment'], 'utf8')) as Deployment
  return evmRail({ urls: [files['chain-rpc']], chainId: addresses.chainId, wallet, addresses })
}

async function sceneText({ width, samples }: { width?: string | undefined; samples?: string | undefined }): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'job/scene.json'), 'utf8')
  if (width === undefined && samples === undefined) return text
  const file = JSON.parse(text) as SceneFile
  const scale = width === undefined ? 1 : Number(width) / file.width
  const changed = {
    ...file,
    width: Math.round(file.width * scale),
    height: Math.round(file.height * scale),
    samples: Number(samples ?? file.samples),
  }
  compileScene(JSON.stringify(changed)) // says what is wrong before anything is spent
  return JSON.stringify(changed)
}

function describe(event: RenderEvent | { event: 'joined'; peerId: string } | { event: 'checking' }): string {
  switch (event.event) {
    case 'joined':
      return `joined as ${event.peerId}`
    case 'offers':
      return `${event.fits} of ${event.seen} offers fit, after ${(event.ms / 1000).toFixed(2)} s`
    case 'signed':
      return `signed with ${event.provider}: ${event.pricePerHour}/h, at most ${event.cap} ${event.unit}`
    case 'refused':
      return `refused by ${event.provider}: ${event.reason}`
    case 'ready':
      return `${event.provider} renders on ${event.device}`
    case 'tile':
      return `tile ${event.tile} from ${event.provider}   ${event.done}/${event.total}`
    case 'lost':
      return `lost ${event.provider} (${event.reason}): ${event.tiles.length} tiles go elsewhere`
    case 'rendered':
      return `all tiles are here after ${(event.ms / 1000).toFixed(1)} s; closing the contracts`
    case 'ended':
      return `${event.provider} is paid: ${event.owed}`
    case 'checking':
      return 'checking receipts and one tile'
  }
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    return 1
  })
}
