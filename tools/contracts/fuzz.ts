// `npm run fuzz:contracts -- --calls 100000 --seed 1 --json`: random sequences of calls against the promises of the contracts, and bugs planted to see that
// broken promises are found. Every contract under libs/chain/contracts/test whose name ends on Invariants is a campaign.

import { randomBytes } from 'node:crypto'
import { flag, namedCommand, SEED, whole } from '../named_command.ts'
import { forgeTest, needForge, type SolidityTest } from './forge.ts'
import { mutantBench } from './mutant_bench.ts'
import { plant, PLANTED } from './planted.ts'

/** Calls in one sequence. Long enough to open, claim, close and open again. */
const DEPTH = 100
/** Calls of a campaign that looks for one planted bug. */
const PLANTED_CALLS = 20_000

/** One campaign as reported. */
interface Campaign {
  readonly suite: string
  readonly calls: number
  readonly ok: boolean
  readonly reason: string
}

/** Seed of forge: 32 bytes, the same every time for the same `--seed`. */
const forgeSeed = (seed: bigint): string => `0x${seed.toString(16).padStart(64, '0')}`

const campaignEnv = (calls: number): Record<string, string> => ({
  FOUNDRY_INVARIANT_RUNS: String(Math.max(1, Math.ceil(calls / DEPTH))),
  FOUNDRY_INVARIANT_DEPTH: String(DEPTH),
})

const campaignsOf = (tests: readonly SolidityTest[]): Campaign[] =>
  tests.map(({ contract, calls, ok, reason }) => ({ suite: contract, calls, ok, reason }))

/** What became of one planted bug. */
interface Found {
  readonly bug: string
  readonly found: boolean
  readonly by: string
}

/** Tries each planted bug on its campaign. */
async function findPlanted(seed: bigint): Promise<Found[]> {
  const found: Found[] = []
  for (const [contract, bugs] of Map.groupBy(PLANTED, (one) => one.contract)) {
    await using bench = await mutantBench(contract, 'campaigns')
    for (const one of bugs) {
      const { bug } = one
      const args = ['--match-contract', `^${contract}Invariants$`, '--fuzz-seed', forgeSeed(seed)]
      const { killed, by } = await bench.try(plant(bench.source, one), args, { env: campaignEnv(PLANTED_CALLS) })
      console.error(`${killed ? 'found' : 'NOT FOUND'}: ${bug}${killed ? ` (${by})` : ''}`)
      found.push({ bug, found: killed && by !== 'the compiler', by })
    }
  }
  return found
}

async function fuzz({ calls, seed: number, isPlanted }: { readonly calls: number; readonly seed: number; readonly isPlanted: boolean }) {
  await needForge()
  const seed = BigInt(number)
  const names = new Set((await forgeTest(['--match-contract', 'Invariants$'], { env: campaignEnv(1) })).map(({ contract }) => contract))
  console.error(`seed ${seed}: ${calls} calls over ${[...names].join(', ')}`)
  const started = performance.now()
  const tests = await forgeTest(['--match-contract', 'Invariants$', '--fuzz-seed', forgeSeed(seed)], {
    env: campaignEnv(Math.ceil(calls / names.size)),
  })
  const campaigns = campaignsOf(tests)
  const seconds = Math.round((performance.now() - started) / 100) / 10
  for (const { suite, calls: made, ok, reason } of campaigns) console.error(`${ok ? 'kept' : 'BROKEN'}: ${suite}, ${made} calls ${reason}`)
  const planted = isPlanted ? await findPlanted(seed) : []
  const made = campaigns.reduce((sum, one) => sum + one.calls, 0)
  const ok = campaigns.length > 0 && campaigns.every((one) => one.ok) && made >= calls && planted.every(({ found }) => found)
  return {
    ok,
    seed: String(seed),
    calls: made,
    seconds,
    campaigns,
    planted: {
      bugs: planted.length,
      found: planted.filter(({ found }) => found).length,
      missed: planted.filter(({ found }) => !found).map(({ bug }) => bug),
    },
  }
}

await namedCommand({
  name: 'fuzz:contracts',
  what: 'calls to the contracts by chance; the invariants hold, and find every bug that was planted',
  options: {
    calls: whole('calls, of all contracts together', 100_000, { most: 100_000_000 }),
    seed: { ...SEED, what: 'seed of all chance; a new one each time unless given', default: randomBytes(4).readUInt32BE() },
    'no-planted': flag('only the calls, without the bugs that they have to find'),
  },
  run: ({ calls, seed, 'no-planted': isBare }) => fuzz({ calls, seed, isPlanted: !isBare }),
})
