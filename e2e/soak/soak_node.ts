// A node of the soak as a process of its own: `soak_node.ts OPTIONS`, one JSON argument. A provider sells with a real launcher and sandbox; a renter rents by
// chance, one job after the other. Says what happens as lines of JSON; does what stdin says.

import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyTranscript } from '@haggle/contract'
import { nodeSuite } from '@haggle/identity/node'
import type { Job, Market } from '@haggle/market'
import { startLauncher } from '@haggle/runners'
import { collectInTime } from 'haggle/agent-flags'
import { chance } from '../torture/ledger_entries.ts'
import { untilSignedByBoth } from './signed_by_both.ts'

/** How a node is started. */
export interface SoakNodeOptions {
  readonly role: 'provider' | 'renter'
  readonly home: string
  readonly network: string
  readonly bootstrap: readonly string[]
  readonly deno: string
  /** Providers of the whole mesh. */
  readonly providers: number
  /** Renters: mean time from one demand to the next, ms. */
  readonly everyMs: number
  readonly seed: number
}

/** What a node says. */
export type SoakSaid =
  | { readonly event: 'ready'; readonly peerId: string; readonly launcher: number | null }
  /**
   * A job as its renter saw it. `wrong` is null when it went as it must. `lateMs`: how long after its end the receipt had both signatures, when the renter was
   * told of the end before that; 0 when it had them then.
   */
  | {
      readonly event: 'job'
      readonly provider: string
      readonly firstMs: number
      readonly endMs: number
      readonly lateMs: number
      readonly wrong: string | null
    }
  /** Memory that is held after a collection, octets. */
  | { readonly event: 'held'; readonly bytes: number }
  | { readonly event: 'problem'; readonly message: string }
  /** Its job is over, and it begins no other one. */
  | { readonly event: 'rested' }
  | { readonly event: 'closed' }

/** What a node is told. */
export type SoakAsked = 'trade' | 'steady' | 'rest' | 'held' | 'close'

/** Before it is told to go steady, a renter rents so many times as often: what Node compiles only after it has run a few hundred times is compiled then. */
const WARM_TIMES = 4

/** Jobs that are over and stay on a provider's disk: few, so that a short soak sees them go. */
const KEEP_JOBS = 16

const say = (said: SoakSaid): void => void process.stdout.write(`${JSON.stringify(said)}\n`)

/** The kinds of jobs, each as often as the others: a word, a lot of output, a file, a wait, a failure. */
const JOBS: readonly { readonly script: string; readonly code: number; readonly bytes: number; readonly file?: string }[] = [
  { script: 'echo a word', code: 0, bytes: 7 },
  { script: 'head -c 200000 /dev/zero', code: 0, bytes: 200_000 },
  { script: 'mkdir out; head -c 100000 /dev/zero > out/file; echo done', code: 0, bytes: 5, file: 'out/file' },
  { script: 'echo one; sleep 0.5; echo two', code: 0, bytes: 8 },
  { script: 'echo failing; exit 9', code: 9, bytes: 8 },
]

async function rent(market: Market, random: () => number): Promise<void> {
  const job = JOBS[Math.floor(random() * JOBS.length)] ?? JOBS[0]
  if (job === undefined) return
  const started = performance.now()
  let [provider, firstMs] = ['', 0]
  try {
    const running = await market.run({ command: ['sh', '-c', job.script], memMiB: 64, diskMiB: 8, outMiB: 1, budget: '0.1' })
    provider = running.provider
    let bytes = 0
    for await (const chunk of running.stdout) bytes += chunk.length
    const { exitCode, receipt } = await running.done
    firstMs = running.firstOutputMs ?? 0
    const file = job.file === undefined ? null : await running.readFile(job.file)
    const endMs = performance.now() - started
    const signers = receipt?.signedBy === 'both' ? 'both' : await untilSignedByBoth(() => signersOf(running))
    const lateMs = receipt?.signedBy === 'both' ? 0 : performance.now() - started - endMs
    const good = exitCode === job.code && bytes === job.bytes && signers === 'both' && (file === null || file.length === 100_000)
    const wrong = good ? null : `exit ${exitCode}, ${bytes} octets, receipt by ${signers}, file ${file?.length}`
    say({ event: 'job', provider, firstMs, endMs, lateMs, wrong })
  } catch (error) {
    say({ event: 'job', provider, firstMs, endMs: performance.now() - started, lateMs: 0, wrong: String(error) })
  }
}

/** Whose receipts there are, as anybody finds it who is given both chains. */
async function signersOf(running: Job): Promise<string> {
  return verifyTranscript(await running.transcript(), nodeSuite()).outcome.signedBy
}

async function main(options: SoakNodeOptions): Promise<void> {
  const { role, home, network, bootstrap, deno, providers, everyMs, seed } = options
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const launcher = role === 'provider' ? await startLauncher({ home, deno }) : undefined
  // The launcher is started from a small process, as the agent does it.
  const [{ joinMarket }, { TEST_MACHINE }] = await Promise.all([import('@haggle/market'), import('@haggle/market/testing')])
  const market = await joinMarket({
    home,
    network,
    bootstrap,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    onProblem: (error) => say({ event: 'problem', message: String(error) }),
    ...(launcher === undefined ? {} : { launcher, machine: TEST_MACHINE }),
  })
  if (launcher !== undefined) await market.provide({ price: '0.36', slots: 4, for: 'anyone', keepJobs: KEEP_JOBS })
  say({ event: 'ready', peerId: market.peerId, launcher: launcher?.pid ?? null })

  collectInTime()
  const random = chance(seed)
  let times = WARM_TIMES
  let [trading, round]: [AbortController | null, Promise<void>] = [null, Promise.resolve()]
  const trade = async ({ signal }: AbortController): Promise<void> => {
    // Trading begins when the mesh is there: how a cold renter finds it is measured elsewhere.
    while (!signal.aborted && (await market.offers().catch(() => null))?.rows.length !== providers) await pause(1_000)
    while (!signal.aborted) {
      // Demands come by chance: the time between them is exponential.
      await pause((-Math.log(1 - random()) * everyMs) / times, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await rent(market, random)
    }
  }
  const rest = async (): Promise<void> => {
    trading?.abort()
    trading = null
    await round
  }
  const tasks: Readonly<Record<SoakAsked, () => Promise<void> | void>> = {
    trade() {
      if (role === 'renter') round = trade((trading ??= new AbortController()))
    },
    steady() {
      times = 1
    },
    async rest() {
      await rest()
      say({ event: 'rested' })
    },
    held() {
      // Twice: the first collection runs finalizers, whose objects the second one takes.
      for (let i = 0; i < 2; i++) globalThis.gc?.()
      const { heapUsed, external } = process.memoryUsage()
      say({ event: 'held', bytes: heapUsed + external })
    },
    async close() {
      await rest()
      await market.close()
      await launcher?.shutdown()
      say({ event: 'closed' })
      process.exit(0)
    },
  }
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    Promise.resolve(tasks[line as SoakAsked]()).catch((error: unknown) => say({ event: 'problem', message: String(error) }))
  })
  // Whoever started this is gone, however it went.
  lines.once('close', () => void tasks.close())
}

await main(JSON.parse(process.argv[2] ?? 'null') as SoakNodeOptions)
