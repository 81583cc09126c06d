// `npm run cover:contracts -- --json`: which branches, lines and functions of the contracts their tests reach. Fails on a branch that none does, unless it
// stands in REASONS.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { namedCommand } from '../named_command.ts'
import { forge, needForge } from './forge.ts'
import { type FileCoverage, readLcov } from './lcov.ts'

/** Branches that no test can reach, as `Channels.sol:120`, and why. */
const REASONS: Readonly<Record<string, string>> = {}

async function measure(): Promise<FileCoverage[]> {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-cover-'))
  try {
    const path = join(folder, 'lcov.info')
    // Coverage needs code that was not optimised: it has a cache of its own.
    const env = { FOUNDRY_OUT: 'out/forge-cover/artifacts', FOUNDRY_CACHE_PATH: 'out/forge-cover/cache' }
    const args = ['coverage', '--no-match-contract', 'Invariants', '--report', 'lcov', '--report-file', path]
    const { code, stdout, stderr } = await forge(args, { env })
    if (code !== 0) throw new Error(`forge coverage ended with ${code}: ${stderr || stdout}`)
    return readLcov(readFileSync(path, 'utf8')).filter(({ file }) => /^libs\/chain\/contracts\/[^/]+$/.test(file))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function cover() {
  await needForge()
  const files = await measure()
  const unreached: string[] = []
  const report = files.map(({ file, branches, lines, functions }) => {
    const name = basename(file)
    unreached.push(...branches.missed.map((line) => `${name}:${line}`))
    console.error(
      `${name}: branches ${branches.hit}/${branches.all}, lines ${lines.hit}/${lines.all}, functions ${functions.hit}/${functions.all}`,
    )
    return {
      contract: name,
      branches: `${branches.hit}/${branches.all}`,
      lines: `${lines.hit}/${lines.all}`,
      functions: `${functions.hit}/${functions.all}`,
    }
  })
  const bare = unreached.filter((place) => REASONS[place] === undefined)
  for (const place of bare) console.error(`no test reaches a branch of ${place}`)
  const ok = files.length > 0 && bare.length === 0
  return { ok, contracts: report, unreached: bare, reasons: REASONS }
}

await namedCommand({ name: 'cover:contracts', what: 'which branches of the contracts their tests reach', options: {}, run: cover })
