// Kill -9 at uniformly random times while groups are appended: what was acknowledged is there afterwards, under the same roots.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chance } from './ledger_entries.ts'
import { openHome, wrongEntries } from './ledger_home.ts'

/** Kills after which the ledger is read as a whole and a new one begun, so that reading back doesn't outgrow the killing. */
const KILLS_PER_HOME = 50

/** Milliseconds within which a process is killed once it has begun to append. */
const KILL_WITHIN_MS = 60

/** One kill in so many comes while the process is still opening, which is when it may be healing. */
const OPENING_EVERY = 10

/** Milliseconds within which a process that is opening is killed. */
const OPENING_WITHIN_MS = 250

/** Roots of acknowledged sizes that each new process has to give back. */
const ROOTS_ASKED = 8

/** What the kills came to. */
export interface KillFigures {
  readonly kills: number
  /** Kills that hit a process with a group begun and not acknowledged. */
  readonly inFlight: number
  /** Kills that hit a process that was opening. */
  readonly opening: number
  readonly acknowledged: number
  /** Openings that had something to heal. */
  readonly healings: number
  /** Acknowledged entries that were gone or different, and not reported. Must be 0. */
  readonly lost: number
  /** Sizes for which a second root appeared. Must be 0. */
  readonly secondRoots: number
  /** Openings after a kill that were not in state `ok`. Must be 0: one fault is always healed. */
  readonly notOk: number
  readonly errors: readonly string[]
}

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  readonly onProgress?: (done: number) => void
}

/** Kills `kills` processes. */
export async function torturedByKills({ kills, seed, onProgress }: KillOptions): Promise<KillFigures> {
  const random = chance(seed)
  const sum = { kills: 0, inFlight: 0, opening: 0, acknowledged: 0, healings: 0, lost: 0, secondRoots: 0, notOk: 0 }
  const errors: string[] = []
  const compiled = await mkdtemp(join(tmpdir(), 'haggle-compiled-'))
  await once(childOf(compiled), 'close')
  while (sum.kills < kills) {
    const folder = await mkdtemp(join(tmpdir(), 'haggle-kill-'))
    const roots = new Map<number, string>()
    let acknowledged = 0
    for (let i = 0; i < KILLS_PER_HOME && sum.kills < kills; i++) {
      const opening = sum.kills % OPENING_EVERY === OPENING_EVERY - 1
      const asked = [...roots.keys()].slice(-ROOTS_ASKED)
      const life = await oneLife(folder, asked, {
        opening,
        ms: random() * (opening ? OPENING_WITHIN_MS : KILL_WITHIN_MS),
        compiled,
      })
      sum.kills++
      if (life.ready) sum.inFlight += life.inFlight ? 1 : 0
      else sum.opening++
      if (life.healed > 0) sum.healings++
      if (life.state !== undefined && life.state !== 'ok') sum.notOk++
      if (life.opened !== undefined && life.opened < acknowledged) {
        sum.lost += acknowledged - life.opened
        errors.push(`opened with ${life.opened} of ${acknowledged} acknowledged`)
      }
      for (const [size, root] of life.roots) {
        if ((roots.get(size) ?? root) !== root) {
          sum.secondRoots++
          errors.push(`second root for size ${size}`)
        }
        roots.set(size, root)
      }
      if (life.stderr !== '') errors.push(life.stderr.slice(0, 500))
      acknowledged = Math.max(acknowledged, life.acknowledged)
      onProgress?.(sum.kills)
    }
    sum.acknowledged += acknowledged
    await using home = await openHome(folder)
    const report = await home.ledger.check()
    const wrong = await wrongEntries(home.ledger, acknowledged)
    sum.lost += wrong.length
    if (wrong.length > 0) errors.push(`wrong entries ${wrong.slice(0, 5).join(' ')}`)
    if (!report.ok) errors.push(`check failed: ${JSON.stringify(report)}`)
    await rm(folder, { recursive: true })
  }
  await rm(compiled, { recursive: true, force: true })
  return { ...sum, errors }
}

/** The process that is killed. What it is compiled to is kept between lives in `compiled`: most of a life would be compiling otherwise. */
function childOf(compiled: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled }
  return spawn(process.execPath, ['--conditions=@haggle/source', join(import.meta.dirname, 'ledger_child.ts'), ...args], { env })
}

interface Life {
  readonly opened: number | undefined
  readonly state: string | undefined
  readonly healed: number
  readonly ready: boolean
  readonly inFlight: boolean
  readonly acknowledged: number
  readonly roots: readonly (readonly [size: number, root: string])[]
  readonly stderr: string
}

/** Starts one process, kills it after `ms` of appending (or of opening), and reads what it had said. */
async function oneLife(
  folder: string,
  asked: readonly number[],
  { opening, ms, compiled }: { opening: boolean; ms: number; compiled: string },
): Promise<Life> {
  const child = childOf(compiled, folder, asked.join(','))
  let said = ''
  let stderr = ''
  let timer: NodeJS.Timeout | undefined
  const kill = (): void => void child.kill('SIGKILL')
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (!opening && timer === undefined && said.includes('ready\n')) timer = setTimeout(kill, ms)
  })
  if (opening) timer = setTimeout(kill, ms)
  await once(child, 'close')
  clearTimeout(timer)
  const lines = said.split('\n').slice(0, -1)
  const [, size, state, healed] = lines.find((line) => line.startsWith('open '))?.split(' ') ?? []
  const groups = lines.filter((line) => line.startsWith('begin ') || line.startsWith('ack '))
  const acks = groups.filter((line) => line.startsWith('ack ')).map((line) => line.split(' '))
  const given = lines.filter((line) => line.startsWith('root ')).map((line) => line.split(' '))
  return {
    opened: size === undefined ? undefined : Number(size),
    state,
    healed: Number(healed ?? 0),
    ready: groups.length > 0,
    inFlight: groups.at(-1)?.startsWith('begin ') ?? false,
    acknowledged: Number(acks.at(-1)?.[1] ?? 0),
    roots: [...given, ...acks].map(([, at, root]) => [Number(at), root!] as const),
    stderr,
  }
}
