// Kills either side at every fault point of every script, starts it again, and sees both come to the same end.

import { type ContractView, isEnd } from '@haggle/contract'
import { afterAll, describe, expect, it } from 'vitest'
import { FAULT_POINTS, type FaultPoint } from './fault_point.ts'
import { beginScript, follow, type Script } from './_test_script.ts'
import { type Side, World } from './_test_sides.ts'

const SCRIPTS: readonly Script[] = [
  { path: 'take', end: 'exit', runMs: 2_500 },
  { path: 'take', end: 'rejected', runMs: 0 },
  { path: 'take', end: 'renter cancels', runMs: 60_000 },
  { path: 'take', end: 'provider cancels', runMs: 60_000 },
  { path: 'walk', end: 'exit', runMs: 4_500 },
]
/** Back at once, back when an ACCEPT is long over, and back when the job was ended for its renter's absence. */
const AWAY_MS = [50, 7_000, 25_000]
type Who = 'renter' | 'provider'

/** Plays a script; `who` dies when it passes `point` for the `nth` time, and comes back. */
async function play(
  script: Script,
  death?: { who: Who; point: FaultPoint; nth: number; awayMs: number },
): Promise<{ world: World; id: string; passed: Record<Who, Map<FaultPoint, number>> }> {
  const world = new World()
  const passed = { renter: new Map<FaultPoint, number>(), provider: new Map<FaultPoint, number>() }
  const died = Promise.withResolvers<void>()
  let isDead = false
  const watch = (who: Who, side: Side): void => {
    side.onFault = (point) => {
      const count = (passed[who].get(point) ?? 0) + 1
      passed[who].set(point, count)
      if (isDead || death === undefined || who !== death.who || point !== death.point || count !== death.nth) return undefined
      isDead = true
      const kill = (): void => {
        side.kill()
        died.resolve()
      }
      // What was handed over before it died has left the machine.
      if (point.startsWith('after-send')) setImmediate(kill)
      else kill()
      return new Promise(() => undefined)
    }
  }
  watch('renter', world.renter)
  watch('provider', world.provider)
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
  if (death !== undefined) {
    void died.promise.then(async () => {
      await new Promise<void>((resolve) => void world.clock.after(death.awayMs, resolve))
      await world[death.who].restart()
    })
  }
  await world.playOut()
  await world.settle(1_000)
  for (const job of jobs.values()) expect(job.endedMs).not.toBeNull()
  return { world, id, passed }
}

/** What must hold of any two sides that have come to rest. */
async function judge(world: World, id: string): Promise<ContractView['outcome'] | undefined> {
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

const visited = new Map<string, number>()

describe.each(SCRIPTS)('when they $path and it ends with "$end"', (script) => {
  it('every fault point that a side passes may be its death: both come to the same end', async () => {
    const { world, id, passed } = await play(script)
    await judge(world, id)
    await world.close()
    const points = (['renter', 'provider'] as const).flatMap((who) => [...passed[who].keys()].map((point) => ({ who, point })))
    for (const [at, { who, point }] of points.entries()) {
      const run = await play(script, { who, point, nth: 1, awayMs: AWAY_MS[at % AWAY_MS.length] ?? 0 })
      visited.set(`${who} ${point}`, (visited.get(`${who} ${point}`) ?? 0) + 1)
      await judge(run.world, run.id).catch((error: unknown) => {
        throw new Error(`${who} died at ${point}`, { cause: error })
      })
      await run.world.close()
    }
  }, 120_000)
})

afterAll(() => {
  expect(FAULT_POINTS.filter((point) => !visited.has(`renter ${point}`) && !visited.has(`provider ${point}`))).toEqual([])
})
