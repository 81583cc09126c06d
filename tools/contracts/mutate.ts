// `npm run mutate:contracts -- --json [--contract Channels] [--only N --seed S]`: makes every mutant of the contracts, one at a time, and runs their tests.
// A mutant that no test notices fails the run, unless SURVIVORS says why nothing can tell it from the contract.

import { list, namedCommand, SEED, whole } from '../named_command.ts'
import { needForge } from './forge.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { type MutantBench, mutantBench, type Verdict } from './mutant_bench.ts'
import { beneficiary, complainedOf, refused, schemata } from './schemata.ts'
import { SURVIVORS } from './survivors.ts'

/** Contracts whose every check has a test of its own. */
const CONTRACTS = ['Channels', 'StakeVault', 'PeerRegistry', 'HaggleSystem', 'Court'] as const

/** Beneficiary of the contract as it is. */
const ZERO = `0x${'0'.repeat(40)}`

/** What became of a contract's mutants. */
interface Outcome {
  readonly contract: string
  readonly mutants: number
  readonly killed: number
  /** Noticed by nothing, and for no reason that is written down. */
  readonly alive: readonly string[]
  /** Noticed by nothing, because nothing could: see SURVIVORS. */
  readonly excused: number
}

/** `count` of the mutants, the same ones for the same seed. */
function sample(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  let state = seed >>> 0 || 1
  const next = (): number => {
    // xorshift32
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>>= 0)
  }
  return mutants
    .map((mutant) => ({ mutant, key: next() }))
    .toSorted((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ mutant }) => mutant)
    .toSorted((a, b) => a.at - b.at)
}

/** Mutants in one source: which are in it, and which have to be tried by themselves. All others do not compile. */
interface Together {
  readonly text: string
  readonly included: ReadonlySet<number>
  readonly alone: ReadonlySet<number>
}

/** Builds all mutants in one source, without those that do not compile. */
async function buildSchemata(bench: MutantBench, contract: string, mutants: readonly Mutant[]): Promise<Together> {
  const alone = new Set([...mutants.keys()].filter((index) => mutants[index]?.body === null))
  const included = new Set([...mutants.keys()].filter((index) => mutants[index]?.body !== null))
  for (;;) {
    const text = schemata(bench.source, mutants, included)
    const complaint = await bench.build(text)
    if (complaint === '') return { text, included, alone }
    const file = `${contract}.sol`
    const before = included.size
    for (const index of refused(text, file, complaint)) included.delete(index)
    if (included.size < before) continue
    // The complaint is about the head of a function, because of what one of its bodies leaves out.
    for (const name of complainedOf(text, file, complaint)) {
      for (const index of included) {
        if (!mutants[index]?.what.startsWith(`${name}: `)) continue
        included.delete(index)
        alone.add(index)
      }
    }
    if (included.size === before) throw new Error(`the mutants of ${contract} do not compile together: ${complaint}`)
  }
}

async function mutate(contract: string, only: number, seed: number): Promise<Outcome> {
  await using bench = await mutantBench(contract, 'tests')
  const all = mutantsOf(bench.source)
  const mutants = only > 0 ? sample(all, only, seed) : all
  const { text, included, alone } = await buildSchemata(bench, contract, mutants)
  const asItIs = await bench.try(text, ['--block-coinbase', ZERO])
  if (asItIs.killed) throw new Error(`${contract} fails without any mutant: ${asItIs.by}`)
  const verdicts = new Map<number, Verdict>()
  for (const index of included) {
    verdicts.set(index, await bench.try(text, ['--block-coinbase', beneficiary(index)]))
    if (verdicts.size % 10 === 0) console.error(`${contract}: ${verdicts.size} of ${mutants.length}`)
  }
  for (const [index, { at, length, replace }] of mutants.entries()) {
    if (included.has(index)) continue
    if (!alone.has(index)) verdicts.set(index, { killed: true, by: 'the compiler' })
    else verdicts.set(index, await bench.try(bench.source.slice(0, at) + replace + bench.source.slice(at + length), []))
  }
  const alive: string[] = []
  let killed = 0
  let excused = 0
  for (const [index, { line, what }] of mutants.entries()) {
    const place = `${contract}.sol:${line} ${what}`
    const verdict = verdicts.get(index) as Verdict
    const reason = SURVIVORS[`${contract} ${what}`]
    if (verdict.killed) killed++
    else if (reason !== undefined) excused++
    else alive.push(place)
    console.error(`${verdict.killed ? 'killed' : reason === undefined ? 'ALIVE' : 'excused'}  ${place}  ${verdict.by}`)
  }
  return { contract, mutants: mutants.length, killed, alive, excused }
}

async function mutateAll({
  contracts,
  only,
  seed,
}: {
  readonly contracts: readonly string[]
  readonly only: number
  readonly seed: number
}) {
  await needForge()
  const started = performance.now()
  const outcomes: Outcome[] = []
  for (const contract of contracts) outcomes.push(await mutate(contract, only, seed))
  const ok = outcomes.every(({ mutants, alive }) => mutants > 0 && alive.length === 0)
  return { ok, seed, seconds: Math.round((performance.now() - started) / 1000), contracts: outcomes }
}

await namedCommand({
  name: 'mutate:contracts',
  what: 'changes the contracts, one place at a time; their tests notice each change',
  options: {
    contract: list('contracts to change; all unless given', CONTRACTS),
    only: whole('so many mutants of each, by chance; 0: all', 0, { least: 0 }),
    seed: SEED,
  },
  run: ({ contract, only, seed }) => mutateAll({ contracts: contract.length === 0 ? CONTRACTS : contract, only, seed }),
})
