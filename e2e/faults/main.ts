// `npm run torture:faults -- [--all] [--only REGEXP] [--jobs N] --json`: kills either side of a negotiation, a real process, at every fault point and in every
// state, starts it again with the same home, and compares what both have on disk in the end. With --all every script visits all of its points.

import { type Phase, STATES } from '@haggle/contract'
import type { FaultPoint } from '@haggle/negotiate'
import { flag, namedCommand, text, UsageError, whole } from '@haggle/tools/named-command'
import { aloneCasesOf, casesOf, nameOf, pointsOf, SCRIPTS } from './cases.ts'
import { type Case, play, type Played } from './rig.ts'
import type { Role } from './side.ts'

/** Back at once, and back when an ACCEPT is long over. */
const AWAY_MS: readonly number[] = [200, 6_000]
/** Cases in which one side waits for its deadlines that are played in the place of one that works. */
const ALONE_PER_JOB = 4

/** Plays cases, so many at a time. */
async function playAll(cases: readonly Case[], jobs: number, told: (played: Played) => void): Promise<Played[]> {
  const waiting = [...cases]
  const all: Played[] = []
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const one = next
      const failed = (error: unknown): Played => ({
        case: one,
        ok: false,
        wrong: [String(error)],
        outcomes: [],
        passed: { renter: {}, provider: {} },
        phases: { renter: {}, provider: {} },
        deaths: [],
        seconds: 0,
      })
      const played = await play(one).catch(failed)
      all.push(played)
      told(played)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return all
}

/** How often each point was passed, and how often somebody died there, by side. */
function hitsOf(all: readonly Played[]): { point: FaultPoint; side: Role; passed: number; deaths: number }[] {
  const deaths = all.flatMap((one) => one.deaths)
  return (['renter', 'provider'] as const).flatMap((side) =>
    pointsOf(side).map((point) => ({
      point,
      side,
      passed: all.reduce((sum, one) => sum + (one.passed[side][point] ?? 0), 0),
      deaths: deaths.filter((death) => death.role === side && death.point === point).length,
    })),
  )
}

/** How often somebody died in each state of the machine, and how often the other side then ended without it. */
function statesOf(all: readonly Played[]): { side: Role; state: Phase; deaths: number; alone: number }[] {
  // A provider to whom nobody has said a word has no thread that could die.
  return STATES.filter(({ role, phase }) => role !== 'provider' || phase !== 'idle').map(({ role: side, phase: state }) => {
    const died = all.filter(({ deaths }) => deaths.some((death) => death.role === side && death.phase === state))
    return { side, state, deaths: died.length, alone: died.filter(({ case: one }) => one.away === 'alone').length }
  })
}

/** Plays all that is wanted, and says what was hit. */
async function torture({ only, jobs, all: isAll }: { readonly only: string; readonly jobs: number; readonly all: boolean }) {
  const pattern = patternOf(only)
  const began = performance.now()
  let done = 0
  const tell = (of: number) => (played: Played) => {
    done++
    const verdict = played.ok ? played.outcomes.join(', ') || 'nothing was said' : `WRONG: ${played.wrong.join('; ')}`
    process.stderr.write(`${done}/${of} ${nameOf(played.case)}: ${verdict} (${played.seconds.toFixed(1)} s)\n`)
  }
  const dry = await playAll(
    SCRIPTS.map((script) => ({ script, fault: null, away: 0 })),
    jobs,
    tell(SCRIPTS.length),
  )
  dry.sort((a, b) => SCRIPTS.indexOf(a.case.script) - SCRIPTS.indexOf(b.case.script))
  done = 0
  const wanted = (one: Case): boolean => pattern.test(nameOf(one))
  const cases = casesOf(dry, { all: isAll, awayMs: AWAY_MS }).filter(wanted)
  const alone = aloneCasesOf(dry).filter(wanted)
  const played = [
    ...(await playAll(cases, jobs, tell(cases.length + alone.length))),
    // Whoever is alone mostly waits.
    ...(await playAll(alone, jobs * ALONE_PER_JOB, tell(cases.length + alone.length))),
  ]
  const all = [...dry, ...played]
  const points = hitsOf(all)
  const states = statesOf(all)
  const missed = [
    ...points.filter(({ deaths }) => deaths === 0).map(({ point, side }) => `${side} ${point}`),
    ...states.filter(({ deaths, alone: ended }) => deaths === 0 || ended === 0).map(({ side, state }) => `${side} in ${state}`),
  ]
  const outcomes: Record<string, number> = {}
  for (const one of played) for (const outcome of one.outcomes) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  const wrong = all.filter(({ ok }) => !ok).map((one) => ({ case: nameOf(one.case), wrong: one.wrong }))
  const ok = wrong.length === 0 && (only !== '' || missed.length === 0)
  const seconds = Math.round((performance.now() - began) / 100) / 10
  return {
    ok,
    cases: played.length,
    deaths: played.reduce((sum, one) => sum + one.deaths.length, 0),
    seconds,
    outcomes,
    states,
    points,
    missed,
    wrong,
  }
}

function patternOf(only: string): RegExp {
  try {
    return new RegExp(only)
  } catch {
    throw new UsageError(`--only takes a regular expression, not ${JSON.stringify(only)}`)
  }
}

await namedCommand({
  name: 'torture:faults',
  what: 'kills either side of a contract at every point between two writes, and starts it again',
  options: {
    all: flag('every script visits all of its points'),
    only: text('regular expression: the cases to play'),
    jobs: whole('cases at a time', 2, { most: 64 }),
  },
  run: torture,
})
