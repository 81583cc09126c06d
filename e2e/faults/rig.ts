// Plays one case: two processes, one of which dies at its fault point and comes back with the same home, and then the verdict from both disks.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Phase } from '@haggle/contract'
import type { FaultPoint } from '@haggle/negotiate'
import { judge, type Judgement, readHome } from './judge.ts'
import type { Asked, Fault, Phases, Role, Said, SideOptions } from './side.ts'

/** What the sides play. `walk` passes every message; the others are a market's own. */
export type ScriptName = 'walk' | 'exit' | 'renter cancels' | 'provider cancels' | 'rejected' | 'quote'

/** One case. Without a fault it is a dry run, which tells the points that the script passes. */
export interface Case {
  readonly script: ScriptName
  readonly fault: ({ readonly role: Role } & Fault) | null
  /** A second death, of the process that came back. */
  readonly again?: FaultPoint
  /** How long the dead one stays away, ms. `alone`: until the other side has come to an end without it, by its timeouts. */
  readonly away: number | 'alone'
}

/** How a case went. */
export interface Played {
  readonly case: Case
  readonly ok: boolean
  readonly wrong: readonly string[]
  readonly outcomes: readonly string[]
  /** How often each side's processes passed each point, deaths included. */
  readonly passed: Readonly<Record<Role, Readonly<Record<string, number>>>>
  /** The first moment of each phase that each side was in. */
  readonly phases: Readonly<Record<Role, Phases>>
  /** The phases in which somebody died, in their order: one, or two with `again`. */
  readonly deaths: readonly { readonly role: Role; readonly point: FaultPoint; readonly phase: Phase }[]
  readonly seconds: number
}

/** A process that takes longer to be ready is not coming. Ms. */
const READY_MS = 120_000
/** A side that is alone ends within this: every deadline of a contract, one after the other. Ms. */
const ALONE_MS = 240_000
/** Longest time of one case. Ms. */
const CASE_MS = 2 * ALONE_MS
/** How often the sides are asked whether they are at rest. Ms. */
const POLL_MS = 500
/** A case in which nothing happens for this long is looked at on disk. Ms. */
const QUIET_MS = 1_500

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One side: its home, and the process that has it now. */
class Side {
  readonly role: Role
  readonly home: string
  readonly problems: string[] = []
  readonly passed: Record<string, number> = {}
  readonly deaths: Played['deaths'][number][] = []
  phases: Phases = {}
  ledger: readonly string[] = []
  #child: ChildProcess | undefined
  #said: Said[] = []
  #wake: () => void = () => undefined

  constructor(role: Role, home: string) {
    this.role = role
    this.home = home
  }

  get isAlive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  async start(options: SideOptions): Promise<Extract<Said, { event: 'ready' }>> {
    const file = options.script === 'walk' ? 'walk_side.ts' : 'market_side.ts'
    const args = ['--conditions=@haggle/source', join(import.meta.dirname, file), JSON.stringify(options)]
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.home, NO_COLOR: '1', NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
      // Linux shares processors out by session: a side's deadlines should not suffer from what runs beside it in one.
      detached: true,
    })
    this.#child = child
    this.#said = []
    // A process that dies while it is asked something does not answer; its end is heard elsewhere.
    child.stdin.on('error', () => undefined)
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as Said))
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) this.problems.push(`${this.role} ended with ${code ?? signal}: ${stderr.slice(-600)}`)
      this.#wake()
    })
    return this.next('ready', READY_MS)
  }

  ask(asked: Asked): void {
    if (this.isAlive) this.#child?.stdin?.write(`${asked}\n`)
  }

  /** The next thing of its kind that the process says. */
  async next<E extends Said['event']>(event: E, ms: number): Promise<Extract<Said, { event: E }>> {
    const until = performance.now() + ms
    for (;;) {
      const at = this.#said.findIndex((said) => said.event === event)
      const found = this.#said[at]
      if (found !== undefined) {
        this.#said.splice(at, 1)
        return found as Extract<Said, { event: E }>
      }
      const left = until - performance.now()
      if (left <= 0) throw new Error(`the ${this.role} did not say ${event} in ${ms} ms: ${this.problems.join('; ')}`)
      if (!this.isAlive) throw new Error(`the ${this.role} ended before it said ${event}: ${this.problems.join('; ')}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async report(): Promise<Extract<Said, { event: 'report' }>> {
    this.ask('report')
    const report = await this.next('report', READY_MS)
    this.ledger = report.ledger
    this.phases = { ...report.phases, ...this.phases }
    return report
  }

  async close(): Promise<void> {
    if (!this.isAlive) return
    const report = await this.report()
    this.#count(report.passed)
    this.ask('close')
    await this.next('closed', READY_MS)
    if (this.isAlive && this.#child !== undefined) await once(this.#child, 'exit')
  }

  async kill(): Promise<void> {
    if (!this.isAlive || this.#child === undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  #count(passed: Readonly<Record<string, number>>): void {
    for (const [point, count] of Object.entries(passed)) this.passed[point] = (this.passed[point] ?? 0) + count
  }

  #hear(said: Said): void {
    if (said.event === 'problem') this.problems.push(`${this.role}: ${said.message}`)
    else this.#said.push(said)
    if (said.event === 'fault') {
      this.deaths.push({ role: this.role, point: said.point, phase: said.phase })
      this.#count({ [said.point]: 1 })
    }
    this.#wake()
  }
}

/** Plays `one`. Ends every process that it starts, jobs and launchers included. */
export async function play(one: Case): Promise<Played> {
  const began = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'haggle-faults-'))
  const mark = folder.slice(-6)
  const network = `devnet-${mark}`
  const sides = { renter: new Side('renter', join(folder, 'renter')), provider: new Side('provider', join(folder, 'provider')) }
  const faultOf = (role: Role): Fault | null => (one.fault?.role === role ? one.fault : null)
  let address = ''
  const optionsOf = (role: Role, fault: Fault | null): SideOptions => ({
    role,
    home: sides[role].home,
    network,
    // The same port for every process of the provider: that is where its renter looks for it.
    listen: [role === 'provider' && address !== '' ? address.replace(/\/p2p\/.*/, '') : '/ip4/127.0.0.1/tcp/0'],
    peers: role === 'renter' ? [address] : [],
    script: one.script,
    fault,
    mark,
  })
  const { renter, provider } = sides
  const until = began + CASE_MS
  try {
    address = (await provider.start(optionsOf('provider', faultOf('provider')))).addresses[0] ?? ''
    await renter.start(optionsOf('renter', faultOf('renter')))
    renter.ask('go')
    if (one.script === 'provider cancels') setTimeout(() => provider.ask('stop'), 2_500)
    const back = async (role: Role): Promise<void> => {
      const isFirst = role === one.fault?.role && sides[role].deaths.length === 1
      if (one.away !== 'alone') await wait(one.away)
      else if (isFirst) await endsAlone(role === 'renter' ? provider : renter)
      const again = isFirst && one.again !== undefined ? { point: one.again, nth: 1 } : null
      await sides[role].start(optionsOf(role, again))
      // A renter that has nothing open any more looks for nobody, and its provider knows no address of it: in a mesh they would meet, and SYNC.
      if (one.away === 'alone' && role === 'provider') renter.ask('meet')
    }
    let judgement: Judgement = { atRest: false, wrong: [], outcomes: [] }
    while (!judgement.atRest && performance.now() < until) {
      await settle(sides, { back, until })
      await renter.close()
      await provider.close()
      judgement = judge({
        renter: { threads: await readHome(renter.home, network), ledger: renter.ledger },
        provider: { threads: await readHome(provider.home, network), ledger: provider.ledger },
      })
      if (judgement.atRest) break
      // Something is still to be said: both go on from their disks.
      await provider.start(optionsOf('provider', null))
      await renter.start(optionsOf('renter', null))
    }
    const orphans = processesOf(mark).map((line) => `left running: ${line}`)
    const late = judgement.atRest ? [] : ['not at rest in time']
    const planned = one.fault === null ? 0 : one.again === undefined ? 1 : 2
    const deaths = [...renter.deaths, ...provider.deaths]
    const missed = deaths.length < planned ? [`died ${deaths.length} times of ${planned}`] : []
    const wrong = [...judgement.wrong, ...orphans, ...late, ...missed]
    const passed = { renter: renter.passed, provider: provider.passed }
    const phases = { renter: renter.phases, provider: provider.phases }
    const ok = wrong.length === 0
    const told = ok ? [] : [...wrong, ...renter.problems, ...provider.problems]
    const seconds = (performance.now() - began) / 1000
    return { case: one, ok, wrong: told, outcomes: judgement.outcomes, passed, phases, deaths, seconds }
  } finally {
    await renter.kill()
    await provider.kill()
    for (const pid of processIds(mark)) kill(pid)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** Brings back whoever died, until both sides have nothing open any more for a moment. */
async function settle(
  sides: Readonly<Record<Role, Side>>,
  { back, until }: { readonly back: (role: Role) => Promise<void>; readonly until: number },
): Promise<void> {
  for (let quietMs = 0; quietMs < QUIET_MS && performance.now() < until; quietMs += POLL_MS) {
    await wait(POLL_MS)
    for (const role of ['renter', 'provider'] as const) {
      if (sides[role].isAlive) continue
      await back(role)
      quietMs = 0
    }
    const open = await Promise.all(
      [sides.renter, sides.provider].map((side) =>
        side.report().then(
          (report) => report.open,
          () => 1,
        ),
      ),
    )
    if (open.some((count) => count > 0)) quietMs = 0
  }
}

/** Waits until a side whose other side is dead has nothing open any more. */
async function endsAlone(side: Side): Promise<void> {
  const until = performance.now() + ALONE_MS
  let open = 1
  while (open > 0) {
    if (performance.now() > until) throw new Error(`the ${side.role} is still open ${ALONE_MS / 1000} s after it was left alone`)
    await wait(POLL_MS)
    open = (await side.report()).open
  }
}

/** Processes that have the mark of a case in their command line: jobs, and launchers of its homes. */
function processIds(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => commandOf(pid).includes(mark))
}

function processesOf(mark: string): string[] {
  return processIds(mark).map((pid) => commandOf(pid).slice(0, 120))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It ended while it was looked at.
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
