// A copy of the contracts and their tests in a temporary folder, where one change at a time is made, compiled and tested.

import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { forge, type ForgeOptions, type ForgeRun, forgeTest, type SolidityTest } from './forge.ts'
import { CONTRACTS, ROOT } from './solc.ts'
import { solcServer } from './solc_server.ts'

/** Which tests are on a bench: those of single calls, or the campaigns over sequences of them. */
export type TestKind = 'tests' | 'campaigns'

/** How the tests took a change. */
export interface Verdict {
  /** True when a test failed, or the change does not compile. */
  readonly killed: boolean
  /** The first test that failed and why, or the compiler's complaint; empty when nothing noticed. */
  readonly by: string
}

/** The bench. */
export interface MutantBench extends AsyncDisposable {
  /** Source of the contract as it is. */
  readonly source: string
  /** Runs `forge test` with `args` on the contract with another source, which stays until the next. */
  try(source: string, args: readonly string[], options?: ForgeOptions): Promise<Verdict>
  /** Compiles with another source, which stays; the compiler's complaints, empty when it has none. */
  build(source: string): Promise<string>
}

const CONTRACTS_FOLDER = 'libs/chain/contracts'

/**
 * Sets a bench up for the changes of one contract; compiles everything once. Only its own tests of one kind are on it, with what they import: the
 * fewer files, the sooner a change is compiled. Throws when the contracts do not compile as they are.
 */
export async function mutantBench(contract: string, kind: TestKind): Promise<MutantBench> {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-mutants-'))
  const copy = (path: string): void => cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  for (const path of closure(contract, kind)) copy(`${CONTRACTS_FOLDER}/${path}`)
  copy('libs/chain/foundry.toml')
  copy('node_modules/@openzeppelin/contracts')
  mkdirSync(join(folder, 'tools/contracts'), { recursive: true })
  // The stand-in finds its packages from where it is, so a line that starts the real one stands here.
  const standIn = join(ROOT, 'tools/contracts/solc_stand_in.mjs')
  writeFileSync(join(folder, 'tools/contracts/solc_stand_in.mjs'), `#!/bin/sh\nexec "${process.execPath}" "${standIn}" "$@"\n`, {
    mode: 0o755,
  })
  const server = await solcServer(join(folder, 'solc.sock'))
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
  const base = { root: folder, env: { HAGGLE_SOLC_SOCKET: server.path, FOUNDRY_OPTIMIZER: 'false' } }
  const complaint = complaintOf(await forge(['build'], base))
  if (complaint !== '') {
    await dispose()
    throw new Error(`the contracts do not compile: ${complaint}`)
  }
  const path = join(folder, CONTRACTS_FOLDER, `${contract}.sol`)
  const original = readFileSync(path, 'utf8')
  return {
    source: original,
    async build(source) {
      writeFileSync(path, source)
      return complaintOf(await forge(['build'], base))
    },
    async try(source, args, { env = {}, signal } = {}) {
      // What forge remembers of an earlier failure would be found again before anything is tried.
      rmSync(join(folder, 'out/forge/failures'), { recursive: true, force: true })
      if (readFileSync(path, 'utf8') !== source) writeFileSync(path, source)
      try {
        return verdictOf(await forgeTest(args, { ...base, env: { ...base.env, ...env }, ...(signal ? { signal } : {}) }))
      } catch (error) {
        if (!/Compiler run failed/.test(String(error))) throw error
        return { killed: true, by: 'the compiler' }
      }
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/** The contract, the tests named after it, and every source of ours that they import: paths below the folder of contracts. */
function closure(contract: string, kind: TestKind): ReadonlySet<string> {
  const seen = new Set<string>()
  const tests = globSync(`test/${contract}*.t.sol`, { cwd: CONTRACTS })
  const queue = [`${contract}.sol`, ...tests.filter((path) => path.endsWith('Invariants.t.sol') === (kind === 'campaigns'))]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const [, specifier = ''] of readFileSync(join(CONTRACTS, path), 'utf8').matchAll(/^import .* from "(\.[^"]+)";$/gm)) {
      queue.push(posix.join(posix.dirname(path), specifier))
    }
  }
  return seen
}

/** What the compiler said when it failed. Forge's script of npm ends with 0 whatever happens, so its words are what counts. */
function complaintOf({ stdout, stderr }: ForgeRun): string {
  const said = `${stdout}\n${stderr}`
  return said.includes('Compiler run failed') ? said : ''
}

function verdictOf(tests: readonly SolidityTest[]): Verdict {
  const failed = tests.find(({ ok }) => !ok)
  return failed ? { killed: true, by: `${failed.contract} ${failed.name}: ${failed.reason}` } : { killed: false, by: '' }
}
