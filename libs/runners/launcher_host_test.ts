import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileRef } from '@haggle/job'
import { type JobHostSetup, testJobHost, type TestProgram } from '@haggle/job/testing'
import { afterAll, describe, it } from 'vitest'
import { type LauncherHost, startLauncher } from './mod.ts'
import { noSandbox, testDeno, titleOf } from './_test_machine.ts'

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())

const deno = testDeno()
const why = noSandbox()
const whyDeno = deno === undefined ? 'deno is not installed' : null

/** Three runners side by side on two cores: a slow machine is no failure. */
const kit = { it: (title: string, run: () => Promise<void>): void => it(title, run, 60_000) }

const COMMANDS: Record<TestProgram, string> = {
  say: 'printf %s "$1"',
  cat: 'exec cat',
  fail: 'printf oops >&2; exit "$1"',
  forever: 'printf ready; exec sleep 1000',
  flood: 'head -c "$1" /dev/zero | tr "\\0" x',
  result: 'mkdir out; printf %s "$1" > out/result.txt; printf %s "$1" > beside.txt',
  show: 'cat "$1"',
}

const MODULE = `const [program, arg = ''] = Deno.args
const write = async (text: string) => { const bytes = new TextEncoder().encode(text); for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at)) }
if (program === 'say') await write(arg)
if (program === 'cat') for await (const chunk of Deno.stdin.readable) await Deno.stdout.write(chunk)
if (program === 'fail') { await Deno.stderr.write(new TextEncoder().encode('oops')); Deno.exit(Number(arg)) }
if (program === 'forever') { await write('ready'); await new Promise((resolve) => setTimeout(resolve, 1e9)) }
if (program === 'flood') for (let left = Number(arg); left > 0; left -= 65536) await write('x'.repeat(Math.min(left, 65536)))
if (program === 'result') { await Deno.mkdir('out'); await Deno.writeTextFile('out/result.txt', arg); await Deno.writeTextFile('beside.txt', arg) }
if (program === 'show') await write(await Deno.readTextFile(arg))
`

/** One launcher for all tests of a suite: each test leaves it without jobs. */
function setups(isolation: string, spec: JobHostSetup['spec']): () => Promise<JobHostSetup> {
  let started: Promise<{ home: string; host: LauncherHost }> | null = null
  afterAll(async () => {
    const running = await started
    await running?.host.shutdown()
    if (running !== undefined && running !== null) rmSync(running.home, { recursive: true })
  })
  return async () => {
    started ??= (async () => {
      const home = mkdtempSync(join(tmpdir(), 'haggle-launcher-'))
      return { home, host: await startLauncher({ home, ...(deno === undefined ? {} : { deno }) }) }
    })()
    const { host } = await started
    const close = async (): Promise<void> => {
      for (const { id } of await host.list()) await host.remove(id)
    }
    return { host, files: host.files, isolation, sha256, spec, close }
  }
}

const execSpec: JobHostSetup['spec'] = (program, ...args) => ({ runner: 'exec', args: ['sh', '-c', COMMANDS[program], 'sh', ...args] })
const denoSpec: JobHostSetup['spec'] = (program, ...args) => {
  const bytes = new TextEncoder().encode(MODULE)
  const file: FileRef = { path: 'main.ts', size: bytes.length, sha256: sha256(bytes), executable: false }
  return { runner: 'deno', args: ['main.ts', program, ...args], files: [file], inline: [{ file: 0, bytes }] }
}

describe.skipIf(why !== null)(titleOf('exec in bubblewrap', why), () => {
  testJobHost('startLauncher()', setups('bubblewrap', execSpec), kit)
})
describe.skipIf((why ?? whyDeno) !== null)(titleOf('deno in bubblewrap', why ?? whyDeno), () => {
  testJobHost('startLauncher()', setups('bubblewrap', denoSpec), kit)
})
describe.skipIf(whyDeno !== null)(titleOf('deno with permissions only', whyDeno), () => {
  testJobHost('startLauncher()', setups('permissions', denoSpec), kit)
})
