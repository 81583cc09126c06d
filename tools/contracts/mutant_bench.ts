// A copy of the contracts and their tests in a temporary folder, where one change at a time is made, compiled and tested.

import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { forge, type ForgeOptions, forgeTest, type SolidityTest } from './forge.ts'
import { CONTRACTS, ROOT } from './solc.ts'
import { solcServer } from './solc_server.ts'

/** One change of one contract: `find`, which stands there once, becomes `replace`. */
export interface Change {
  /** `Channels.sol`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** How the tests took a change. */
export interface Verdict {
  /** True when a test failed, or the change does not compile. */
  readonly killed: boolean
  /** The first test that failed and why, or the compiler's complaint; empty when nothing noticed. */
  readonly by: string
}

/** The bench. */
export interface MutantBench extends AsyncDisposable {
  /** Makes a change, runs `forge test` with `args`, takes the change back. */
  try(change: Change, args: readonly string[], options?: ForgeOptions): Promise<Verdict>
}

const CONTRACTS_FOLDER = 'libs/chain/contracts'

/**
 * Sets a bench up for the changes of one contract; compiles everything once. Only the tests named after the contract are on it, with what they import: the
 * fewer files, the sooner a change is compiled. Throws when the contracts do not compile as they are.
 */
export async function mutantBench(contract: string): Promise<MutantBench> {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-mutants-'))
  const copy = (path: string): void => cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  for (const path of closure(contract)) copy(`${CONTRACTS_FOLDER}/${path}`)
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
  const { code, stdout, stderr } = await forge(['build'], base)
  if (code !== 0) {
    await dispose()
    throw new Error(`the contracts do not compile: ${stderr || stdout}`)
  }
  return {
    async try({ file, find, replace }, args, { env = {}, signal } = {}) {
      const path = join(folder, CONTRACTS_FOLDER, file)
      const before = readFileSync(path, 'utf8')
      const parts = before.split(find)
      if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places like this, not one: ${find}`)
      // What forge remembers of an earlier failure would be found again before anything is tried.
      rmSync(join(folder, 'out/forge/failures'), { recursive: true, force: true })
      writeFileSync(path, parts.join(replace))
      try {
        return verdictOf(await forgeTest(args, { ...base, env: { ...base.env, ...env }, ...(signal ? { signal } : {}) }))
      } catch (error) {
        if (!/Compiler run failed/.test(String(error))) throw error
        return { killed: true, by: 'the compiler' }
      } finally {
        writeFileSync(path, before)
      }
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/** The contract, the tests named after it, and every source of ours that they import: paths below the folder of contracts. */
function closure(contract: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const queue = [`${contract}.sol`, ...globSync(`test/${contract}*.sol`, { cwd: CONTRACTS })]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const [, specifier = ''] of readFileSync(join(CONTRACTS, path), 'utf8').matchAll(/^import .* from "(\.[^"]+)";$/gm)) {
      queue.push(posix.join(posix.dirname(path), specifier))
    }
  }
  return seen
}

function verdictOf(tests: readonly SolidityTest[]): Verdict {
  const failed = tests.find(({ ok }) => !ok)
  return failed ? { killed: true, by: `${failed.contract} ${failed.name}: ${failed.reason}` } : { killed: false, by: '' }
}
