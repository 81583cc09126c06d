// A Market for tests of the command: jobs are local processes, nothing is signed. Never part of a run path.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { ExitStatus } from '@haggle/job'
import type {
  Job,
  JobEnd,
  JobSummary,
  MoneyRow,
  Market,
  OfferRow,
  OfferView,
  Providing,
  ProvideRequest,
  QuoteView,
  RunRequest,
} from '@haggle/market'
import { HaggleError } from '@haggle/wire'
import { localMemory } from './local_memory.ts'

const PROVIDER = '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7'
const PEER = '12D3KooWLocaLMarketDoubLe11111111111111111111111111111'.slice(0, 52)

const ROW: OfferRow = {
  provider: PROVIDER,
  digest: 'ab'.repeat(32),
  seen: 'probed',
  ageMs: 10,
  devices: 'cpu 2 cores',
  isolation: ['none'],
  runners: ['exec'],
  region: 'DE',
  freeSlots: 1,
  slots: 1,
  pricePerHour: '0.004000',
  unit: 'credits',
  prices: [{ rail: 'free', unit: 'credits', pricePerHour: '0.004000', account: null }],
  trust: 0.05,
  jobs: 0,
  path: { kind: 'memory', address: 'memory:1' },
  rttMs: 0.2,
}

const MONEY: readonly MoneyRow[] = [
  { rail: 'free', unit: 'credits', isMoney: false, earned: '0.42', unpaid: '0', claimable: '0', promised: '0' },
]

const VIEW: OfferView = { rows: [ROW], seen: 1, failures: [], unknown: [] }
const NOTHING: OfferView = {
  rows: [],
  seen: 214,
  failures: [
    {
      constraint: 'price.hour',
      count: 180,
      nearest: 'cheapest that fits otherwise: 0.34 (RTX 4090, DE)',
      relax: 'price.hour<=0.34',
      gains: 12,
    },
    { constraint: 'gpu.cuda>=12.4', count: 21, nearest: '19 have 12.2', relax: 'drop it', gains: 4 },
  ],
  unknown: [],
}

async function* tee(source: AsyncIterable<Uint8Array>, kept: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    kept.push(bytes)
    yield bytes
  }
}

/** A market whose provider is this machine. `where` that contains `impossible` fits nothing; `broken(` is a syntax error at column 7. */
export function localMarket(options: { ledger?: number } = {}): Market {
  const jobs = new Map<string, { job: Job; summary: JobSummary; replay: () => Job }>()
  let providing: Providing | null = null
  const check = (request: { where?: string }): void => {
    if (request.where?.includes('broken('))
      throw new HaggleError('E_EXPR_SYNTAX', 'Cannot read the expression at column 7: expected a value', { details: { column: 7 } })
  }
  const run = async (request: RunRequest): Promise<Job> => {
    check(request)
    if (request.where?.includes('impossible'))
      throw new HaggleError('E_NOTHING_FITS', 'No offer fits: 214 seen', { next: 'relax a constraint above' })
    if (request.where?.includes('slow')) {
      await new Promise((_, fail) => request.signal?.addEventListener('abort', () => fail(new HaggleError('E_ABORTED', 'aborted'))))
    }
    const [command = 'true', ...args] = request.command ?? ['true']
    const contract = randomBytes(32).toString('hex')
    const child = spawn(command, args, {
      stdio: [request.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...request.env },
      detached: true,
    })
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('the child has no pipes')
    let exit: ExitStatus | null = null
    const closed = new Promise<void>((done) => child.on('close', () => done()))
    const done = new Promise<JobEnd>((resolve, fail) => {
      child.on('error', fail)
      child.on('exit', (code, signal) => {
        exit = signal === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal }
        const exitCode = signal === null ? (code ?? 0) : 137
        request.onProgress?.({ step: 'ended', exit })
        void closed.then(() =>
          resolve({
            exit: exit as ExitStatus,
            exitCode,
            usedMs: 5,
            owed: '0.000001',
            receipt: {
              contract,
              provider: PROVIDER,
              renter: PEER,
              termsHash: '00',
              usedMs: 5,
              owed: '0.000001',
              unit: 'credits',
              rail: 'free',
              signedBy: 'both',
              outcome: 'settled',
            },
          }),
        )
      })
    })
    done.catch(() => undefined)
    const kept: Record<'stdout' | 'stderr', Uint8Array[]> = { stdout: [], stderr: [] }
    const replay = (channel: 'stdout' | 'stderr'): AsyncIterable<Uint8Array> => ({
      async *[Symbol.asyncIterator]() {
        for (let at = 0; ; at++) {
          while (at >= kept[channel].length) {
            if (exit !== null) {
              await closed
              if (at >= kept[channel].length) return
            } else await new Promise((again) => setTimeout(again, 5))
          }
          yield kept[channel][at] as Uint8Array
        }
      },
    })
    const view = (out: AsyncIterable<Uint8Array>, err: AsyncIterable<Uint8Array>): Job => ({
      contract,
      provider: PROVIDER,
      path: { kind: 'memory', address: 'memory:1' },
      device: 'cpu 2 cores',
      sla: null,
      isolation: 'none',
      termsHash: '00'.repeat(32),
      pricePerHour: '0.004000',
      cap: '0.002000',
      unit: 'credits',
      rail: 'free',
      firstOutputMs: 1,
      stdout: out,
      stderr: err,
      lines: () => {
        throw new Error('not in this double')
      },
      write: async (chunk) => {
        if (child.stdin?.write(chunk) === false) await new Promise((drained) => child.stdin?.once('drain', drained))
      },
      closeStdin: async () => void child.stdin?.end(),
      listFiles: async () => [],
      readFile: async () => new Uint8Array(0),
      download: async () => [],
      cancel: async () => {
        if (exit === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      },
      detach: async () => {
        void (async () => {
          for await (const _ of tee(stdout, kept.stdout)) void _
        })().catch(() => undefined)
      },
      done,
      transcript: async () => new TextEncoder().encode('haggle-transcript/1\n'),
    })
    child.stdin?.on('error', () => undefined)
    const job = view(tee(stdout, kept.stdout), tee(stderr, kept.stderr))
    const summary: JobSummary = {
      contract,
      role: 'renter',
      peer: PROVIDER,
      phase: 'active',
      command,
      startedAt: Date.now(),
      usedMs: 0,
      owed: '0',
      unit: 'credits',
      sla: null,
      get exit() {
        return exit
      },
    }
    jobs.set(contract, { job, summary, replay: () => view(replay('stdout'), replay('stderr')) })
    request.onProgress?.({ step: 'signed', provider: PROVIDER, contract, cap: '0.002000', pricePerHour: '0.004000' })
    return job
  }
  const close = async (): Promise<void> => {
    for (const { job } of jobs.values()) await job.cancel()
  }
  return {
    peerId: PEER,
    memory: localMemory(PROVIDER, options),
    addresses: () => ['/ip4/127.0.0.1/tcp/4001'],
    court: () => null,
    addRail: () => undefined,
    offers: async (request = {}) => {
      check(request)
      return request.where?.includes('impossible') ? NOTHING : VIEW
    },
    quote: async (request): Promise<QuoteView> => {
      check(request)
      return request.where?.includes('impossible')
        ? { ...NOTHING, quotes: [], best: null, cap: '0', pricePerHour: '0', unit: 'credits', rail: 'free' }
        : {
            ...VIEW,
            quotes: [
              {
                provider: PROVIDER,
                refused: null,
                refusal: null,
                pricePerHour: '0.004',
                cap: '0.000667',
                termsHash: '00',
                isolation: 'none',
              },
            ],
            best: ROW,
            cap: '0.000667',
            pricePerHour: '0.004000',
            unit: 'credits',
            rail: 'free',
          }
    },
    run,
    attach: async (contract) => {
      const found = jobs.get(contract)
      if (found === undefined) throw new HaggleError('E_JOB_UNKNOWN', `No job ${contract}`)
      return found.replay()
    },
    jobs: async () => [...jobs.values()].map(({ summary }) => ({ ...summary })),
    provide: async (request: ProvideRequest) => {
      const offer = { ...ROW, pricePerHour: request.price }
      providing = {
        offer,
        status: () => ({
          running: [],
          requests: 3,
          accepted: 1,
          refusals: { price: 2 },
          earned: '0.42',
          exposure: '0',
          unit: 'credits',
          money: MONEY,
          devices: ROW.devices,
          runners: [{ runner: 'exec', isolation: 'none' }],
          roomMiB: null,
        }),
        reprice: async (price) => void Object.assign(offer, { pricePerHour: price }),
        stop: async () => void (providing = null),
      }
      return providing
    },
    money: () => MONEY,
    ping: async (target) => {
      if (!target.includes(PROVIDER))
        throw new HaggleError('E_DIAL', `Cannot reach ${target}: connection refused`, { next: 'check the address' })
      return { peerId: PROVIDER, rttMs: 0.2, path: { kind: 'memory', address: 'memory:1' } }
    },
    ledger: async ({ limit = 20 } = {}) =>
      Array.from({ length: Math.min(limit, options.ledger ?? 2) }, (_, at) => ({
        index: (options.ledger ?? 2) - 1 - at,
        kind: 'receipt',
        at: 1_760_000_000,
        peer: PROVIDER,
        summary: 'settled 0.000001',
      })),
    close,
    [Symbol.asyncDispose]: close,
  }
}
