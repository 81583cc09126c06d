// What the machine can run: Deno, bubblewrap with user namespaces, and the hardware that would be offered.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { probeSandbox, readHostFacts } from '@haggle/runners'
import { denoBinary } from './deno_binary.ts'
import type { Finding } from './doctor_checks.ts'
import { describe } from './failure.ts'
import { foundOf, lookAround } from './hardware.ts'

/** A binary that does not say its version in this time is broken. */
const VERSION_MS = 5000

/** Looks at the machine. */
export async function machineFindings(): Promise<Finding[]> {
  return [denoFinding(), await sandboxFinding(), await hardwareFinding()]
}

function denoFinding(): Finding {
  const deno = denoBinary()
  if (deno === undefined) return { name: 'deno', state: 'bad', detail: 'missing: no deno jobs can run here', fix: 'npm install deno' }
  try {
    const version = execFileSync(deno, ['--version'], { timeout: VERSION_MS, encoding: 'utf8' }).split('\n')[0] ?? ''
    return { name: 'deno', state: 'ok', detail: version.replace(/^deno /, '').replace(/ \(.*$/, '') }
  } catch (error) {
    return {
      name: 'deno',
      state: 'bad',
      detail: `${deno} does not run: ${describe(error).message.split('\n')[0]}`,
      fix: 'npm install deno',
    }
  }
}

async function sandboxFinding(): Promise<Finding> {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-doctor-'))
  try {
    const facts = readHostFacts({ skeleton: folder, deno: denoBinary(), bwrap: undefined })
    const report = await probeSandbox({ facts, enforces: { memory: 'watchdog', pids: 'rlimit', cpu: 'none' } })
    const missing = report.missing.find(({ isolation }) => isolation === 'bubblewrap')
    if (missing === undefined) return { name: 'sandbox', state: 'ok', detail: 'bubblewrap with user namespaces: exec and deno jobs' }
    const left =
      report.runners.length === 0
        ? 'nothing can run here'
        : `exec is off, and deno runs with its permissions${report.landlock ? ' and Landlock' : ' only'}`
    return { name: 'sandbox', state: 'bad', detail: `${missing.reason}: ${left}`, ...(missing.next === null ? {} : { fix: missing.next }) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function hardwareFinding(): Promise<Finding> {
  try {
    const found = foundOf(await lookAround(tmpdir()))
    const [note] = found.notes
    if (note === undefined) return { name: 'hardware', state: 'ok', detail: found.text }
    return { name: 'hardware', state: 'weak', detail: `${found.text}; ${note.problem}`, ...(note.next === null ? {} : { fix: note.next }) }
  } catch (error) {
    const { message, code } = describe(error)
    return { name: 'hardware', state: 'bad', detail: `${message} (${code})` }
  }
}
