// Kills either side, or cuts the connection, at every fault point of every script, and sees both come to the same end.

import { type ContractView, isEnd } from '@haggle/contract'
import { afterAll, describe, expect, it } from 'vitest'
import { FAULT_POINTS, type FaultPoint } from './fault_point.ts'
import { beginScript, follow, type Script } from './_test_script.ts'
import { type Side, World } from './_test_sides.ts'

const SCRIPTS: readonly Script[] = [
  { path: 'take', end: 'exit', runMs: 2_500, tickMs: 1_000 },
  { path: 'take', end: 'rejected', runMs: 0, tickMs: 1_000 },
  { path: 'take', end: 'renter cancels', runMs: 60_000, tickMs: 1_000 },
  { path: 'take', end: 'provider cancels', runMs: 60_000, tickMs: 1_000 },
  { path: 'walk', end: 'exit', runMs: 4_500, tickMs: 1_000 },
]
/** Back at once, back when an ACCEPT is long over, and back when the job was ended for its renter's absence. */
const AWAY_MS = [50, 7_000, 25_000]
type Who = 'renter' | 'provider'

/** What goes wrong, at which point of whose way, and for how long. */
interface Fault {
  readonly kind: 'death' | 'cut'
  readonly who: Who
  readonly point: FaultPoint
  readonly awayMs: number
}

interface Played {
  readonly world: World
  readonly id: string
  readonly passed: Readonly<Record<Who, ReadonlySet<FaultPoint>>>
}

/** Plays a script; the fault happens the first time that its side passes its point. */
async function play(script: Script, fault?: Fault): Promise<Played> {
  const world = new World()
  const passed = { renter: new Set<FaultPoint>(), provider: new Set<FaultPoint>() }
  let isBroken = false
  const away = (run: () => void): void => void world.clock.after(fault?.awayMs ?? 0, run)
  const die = (side: Side, point: FaultPoint): Promise<void> => {
    const kill = (): void => {
      side.kill()
      away(() => void side.restart())
    }
    // What was handed over before it died has left the machine.
    if (point.startsWith('after-send')) setImmediate(kill)
    else kill()
    return new Promise(() => undefined)
  }
  const cut = (): void => {
    const [a, b] = [world.renter.identity.peerId, world.provider.identity.peerId]
    world.network.cut(a, b)
    away(() => world.network.heal(a, b))
  }
  for (const who of ['renter', 'provider'] as const) {
    world[who].onFault = (point) => {
      passed[who].add(point)
      if (isBroken || fault === undefined || who !== fault.who || point !== fault.point) return undefined
      isBroken = true
      return fault.kind === 'death' ? die(world[who], point) : cut()
    }
  }
  await world.start()
  const jobs = follow(world, script)
  let id = ''
  const begin = world.renter.threads.begin.bind(world.renter.threads)
  world.renter.threads.begin = (target) => {
    const thread = begin(target)
    id = thread.id
    return thread
  }
  void beginScript(world, script)
  await world.playOut()
  for (const job of jobs.values()) expect(job.endedMs).not.toBeNull()
  return { world, id, passed }
}

/** What must hold of any two sides that have come to rest. */
async function judge({ world, id }: Played): Promise<ContractView['outcome'] | undefined> {
  const { renter, provider } = world
  const [ours, theirs] = [await renter.threads.get(id), await provider.threads.get(id)]
  for (const side of [renter, provider]) {
    expect(side.seen.effects.filter(({ kind }) => kind === 'evidence')).toEqual([])
    expect(side.seen.failed).toEqual([])
  }
  if (ours === undefined || theirs === undefined) {
    const outcome = (ours ?? theirs)?.view().outcome
    expect(outcome?.bound ?? false).toBe(false)
    expect(outcome?.owed ?? 0n).toBe(0n)
    return outcome
  }
  const [a, b] = [ours.view(), theirs.view()]
  expect([isEnd(a.phase), isEnd(b.phase)]).toEqual([true, true])
  expect(b.outcome).toEqual(a.outcome)
  const bytes = (messages: readonly { bytes: Uint8Array }[]): string[] => messages.map((m) => Buffer.from(m.bytes).toString('hex'))
  expect(bytes(theirs.chains().theirs)).toEqual(bytes(ours.chains().own))
  expect(bytes(ours.chains().theirs)).toEqual(bytes(theirs.chains().own))
  if (!a.outcome.bound) return a.outcome
  for (const side of [renter, provider]) {
    expect(side.ledger.some(({ kind }) => kind === 'opened')).toBe(true)
    expect(side.ledger.findLast(({ kind }) => kind === 'closed')).toMatchObject({ outcome: a.outcome })
  }
  return a.outcome
}

const died = new Set<FaultPoint>()

describe.each(SCRIPTS)('when they $path and it ends with "$end"', (script) => {
  it.each(['death', 'cut'] as const)(
    'a %s at any fault point leaves both with the same end',
    async (kind) => {
      const whole = await play(script)
      await judge(whole)
      await whole.world.close()
      const points = (['renter', 'provider'] as const).flatMap((who) => [...whole.passed[who]].map((point) => ({ who, point })))
      for (const [at, { who, point }] of points.entries()) {
        const awayMs = AWAY_MS[at % AWAY_MS.length] ?? 0
        const run = await play(script, { kind, who, point, awayMs })
        if (kind === 'death') died.add(point)
        await judge(run).catch((error: unknown) => {
          throw new Error(`${kind} of the ${who} at ${point} for ${awayMs} ms`, { cause: error })
        })
        await run.world.close()
      }
    },
    120_000,
  )
})

afterAll(() => {
  expect(FAULT_POINTS.filter((point) => !died.has(point))).toEqual([])
})
