// From demand to the first byte of output, beside what nobody can save: connected, over a long link, not connected, and from a cold process.

import { spawnSync } from 'node:child_process'
import type { Market, RunRequest } from '@haggle/market'
import { joinMarket } from '@haggle/market'
import { type Child, type Children, createChildren } from './_children.ts'
import { createFloors, type Floors, HELLO_PATH, pause, sum } from './_floor.ts'
import { alternate, type BenchOptions, type BenchRow, rowOf } from './row.ts'

const TIMES = 12
/** One way; the round trip of the long link is twice that. */
const LINK_MS = 30
const NETWORK = 'bench'
/** A cold renter has its first output so soon after its process is up. */
const COLD_MS = 250

const EXEC: RunRequest = { command: ['echo', 'x'] }
const DENO: RunRequest = { deno: HELLO_PATH }

/** One run to its end; the milliseconds to its first output. */
async function firstOutput(market: Market, request: RunRequest): Promise<number> {
  await pause()
  const job = await market.run(request)
  for await (const _ of job.stdout) break
  const { exitCode } = await job.done
  if (exitCode !== 0 || job.firstOutputMs === null)
    throw new Error(`the job ended with ${exitCode} and ${job.firstOutputMs === null ? 'no' : 'some'} output`)
  return job.firstOutputMs
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) samples.push(await once())
  return samples
}

const portOf = (address: unknown): string => /\/tcp\/(\d+)/.exec(String(address))?.[1] ?? '0'

/** A renter that reaches the provider through a link of ours. */
async function through(children: Children, provider: Child, oneWayMs: number): Promise<Market> {
  const link = await children.start('_delay_node.ts', '127.0.0.1', portOf(provider.first['address']), String(oneWayMs))
  const address = String(provider.first['address']).replace(/\/tcp\/\d+/, `/tcp/${link.first['port']}`)
  return joinMarket({ network: NETWORK, listen: [], peers: [address] })
}

async function warm(market: Market, floors: Floors, runner: 'exec' | 'deno'): Promise<BenchRow> {
  const request = runner === 'exec' ? EXEC : DENO
  await repeat(3, () => firstOutput(market, request))
  const measured = await alternate({
    subject: () => repeat(TIMES, () => firstOutput(market, request)),
    floor: () => sum(TIMES, floors.roundTrip, floors.bookkeeping, () => floors.sandbox(runner)),
  })
  return rowOf(`first-output-warm-${runner}`, 'ms', measured, { aim: { atMost: 1.5 } })
}

async function wan(children: Children, provider: Child, echo: string, floors: Floors): Promise<BenchRow> {
  const market = await through(children, provider, LINK_MS)
  const link = await children.start('_delay_node.ts', '127.0.0.1', portOf(echo), String(LINK_MS))
  const far = await createFloors(`${children.folder}/wan`, echo.replace(/\/tcp\/\d+/, `/tcp/${link.first['port']}`))
  try {
    await repeat(3, () => firstOutput(market, EXEC))
    const measured = await alternate({
      subject: () => repeat(TIMES, () => firstOutput(market, EXEC)),
      floor: () => sum(TIMES, far.roundTrip, floors.bookkeeping, () => floors.sandbox('exec')),
    })
    return rowOf('first-output-wan', 'ms', measured, { aim: { atMost: 1.3 }, note: `link of ${LINK_MS * 2} ms round trip` })
  } finally {
    await far[Symbol.asyncDispose]()
    await market.close()
  }
}

/** The provider is known and its connection was cut: the kernel drops it before each run. */
async function known(provider: Child, floors: Floors): Promise<BenchRow> {
  const port = portOf(provider.first['address'])
  const cut = (): boolean => spawnSync('ss', ['-K', 'dst', '127.0.0.1', 'dport', '=', port], { stdio: 'ignore' }).status === 0
  const market = await joinMarket({ network: NETWORK, listen: [], peers: [String(provider.first['address'])] })
  try {
    await repeat(3, () => firstOutput(market, EXEC))
    const once = async (): Promise<number> => {
      if (!cut()) throw new Error('ss -K may not close connections here')
      return firstOutput(market, EXEC)
    }
    const measured = await alternate({
      subject: () => repeat(TIMES, once),
      floor: () => sum(TIMES, floors.dial, floors.bookkeeping, () => floors.sandbox('exec')),
    })
    return rowOf('first-output-known', 'ms', measured, { aim: { atMost: 1.5 } })
  } finally {
    await market.close()
  }
}

/** Fresh processes, each timed by itself from when its modules are loaded. */
async function cold(children: Children, provider: Child, echo: string, floors: Floors): Promise<BenchRow> {
  const once = async (script: string, ...args: string[]): Promise<number> => {
    const child = await children.start(script, ...args)
    await child.exited
    return Number(child.first['firstMs'])
  }
  const measured = await alternate({
    subject: () => repeat(5, () => once('_cold_renter_node.ts', NETWORK, String(provider.first['address']))),
    floor: () =>
      sum(
        5,
        () => once('_bare_node.ts', 'cold', echo),
        floors.bookkeeping,
        () => floors.sandbox('exec'),
      ),
  })
  return rowOf('first-output-cold', 'ms', measured, {
    aim: { atMost: 3 },
    limit: COLD_MS,
    note: 'from when the process is up; floor: a bare node told the address, to its first echo, and what a job costs',
  })
}

export async function* rows({ wants }: BenchOptions): AsyncGenerator<BenchRow, void> {
  await using children = createChildren()
  const echo = String((await children.start('_bare_node.ts', 'serve')).first['address'])
  const provider = await children.start('_provider_node.ts', `${children.folder}/provider`, NETWORK, '2', '-')
  await using floors = await createFloors(children.folder, echo)
  const runners = (['exec', 'deno'] as const).filter((runner) => wants(`first-output-warm-${runner}`))
  if (runners.length > 0) {
    await using market = await joinMarket({ network: NETWORK, listen: [], peers: [String(provider.first['address'])] })
    for (const runner of runners) yield await warm(market, floors, runner)
  }
  if (wants('first-output-wan')) yield await wan(children, provider, echo, floors)
  if (wants('first-output-known')) yield await known(provider, floors)
  if (wants('first-output-cold')) yield await cold(children, provider, echo, floors)
}
