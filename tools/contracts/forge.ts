// Runs forge over the contracts and reads what it says. Its home, its cache and its output are this checkout's or a temporary folder's, never the user's.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './solc.ts'

/** How one Solidity test ended. */
export interface SolidityTest {
  /** `ChannelsTest`. */
  readonly contract: string
  /** `test_open_records_all_of_a_channel`. */
  readonly name: string
  readonly ok: boolean
  /** Why it failed; empty when it passed. */
  readonly reason: string
  /** Of a test with invariants: calls that were made. */
  readonly calls: number
}

/** What a run of forge needs to know. */
export interface ForgeOptions {
  /** Folder whose contracts are meant; default the checkout. */
  readonly root?: string
  /** Environment over the default one, such as `FOUNDRY_INVARIANT_RUNS`. */
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** What a process said, and how it ended. */
export interface ForgeRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Forge of npm: a script that starts the binary of this platform's package. */
const BINARY = createRequire(import.meta.url).resolve('@foundry-rs/forge/bin.mjs')

/** Runs `forge …args`. Throws only when it can't be started. */
export async function forge(args: readonly string[], { root = ROOT, env = {}, signal }: ForgeOptions = {}): Promise<ForgeRun> {
  const home = mkdtempSync(join(tmpdir(), 'haggle-forge-'))
  try {
    return await new Promise<ForgeRun>((resolve, reject) => {
      const child = spawn(process.execPath, [BINARY, ...args], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: home,
          FOUNDRY_CONFIG: 'libs/chain/foundry.toml',
          FOUNDRY_DISABLE_NIGHTLY_WARNING: '1',
          NO_COLOR: '1',
          ...env,
        },
        ...(signal ? { signal } : {}),
      })
      const chunks = { stdout: '', stderr: '' }
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (chunks.stdout += chunk))
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (chunks.stderr += chunk))
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 1, ...chunks }))
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Why forge can't run on this machine, or null. */
export async function forgeMissing(): Promise<string | null> {
  const { code, stderr } = await forge(['--version'])
  return code === 0 ? null : `forge does not run here: ${stderr.trim().split('\n')[0] ?? ''}`
}

/** @throws Error when forge can't run on this machine, with the reason. */
export async function needForge(): Promise<void> {
  const missing = await forgeMissing()
  if (missing !== null) throw Object.assign(new Error(missing), { code: 'E_FORGE' })
}

type TestResults = Readonly<
  Record<string, { status: string; reason: string | null; counterexample: unknown; kind: { Invariant?: { calls: number } } }>
>

/** Runs `forge test` with more arguments, and returns every test's outcome. Throws with the compiler's words when it does not compile. */
export async function forgeTest(args: readonly string[], options: ForgeOptions = {}): Promise<SolidityTest[]> {
  const { code, stdout, stderr } = await forge(['test', '--json', ...args], options)
  const json = stdout.slice(Math.max(0, stdout.indexOf('{')))
  if (!json.startsWith('{')) throw new Error(`forge test ended with ${code}: ${stderr || stdout}`)
  const suites = JSON.parse(json) as Readonly<Record<string, { test_results: TestResults }>>
  return Object.entries(suites).flatMap(([path, suite]) =>
    Object.entries(suite.test_results).map(([signature, { status, reason, kind }]) => ({
      contract: path.split(':').at(-1) ?? path,
      name: signature.replace(/\(.*$/, ''),
      ok: status === 'Success',
      reason: status === 'Success' ? '' : (reason ?? 'failed without a reason'),
      calls: kind.Invariant?.calls ?? 0,
    })),
  )
}
