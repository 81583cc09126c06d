// The launcher outlives the agent, jobs do not outlive the launcher, and what happened is known afterwards.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostJob } from '@haggle/job'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noSandbox, titleOf } from './_test_machine.ts'
import { createLauncher } from './launcher.ts'
import { connectLauncher, launcherFolder, type LauncherHost, startLauncher } from './launcher_host.ts'

const why = noSandbox()
let home = ''
const hosts: LauncherHost[] = []

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'haggle-life-'))
})
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close()
  const host = await connectLauncher({ home }).catch(() => null)
  await host?.shutdown()
  rmSync(home, { recursive: true, force: true })
})

async function start(): Promise<LauncherHost> {
  const host = await startLauncher({ home })
  hosts.push(host)
  return host
}

function job(id: string, script: string): HostJob {
  return {
    id: id.repeat(32),
    spec: { runner: 'exec', args: ['sh', '-c', script], env: {}, files: [], inline: [], stdin: false, outputs: [] },
    limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 16, outMiB: 1, pids: 16, maxMs: 60_000 },
    devices: [],
    isolation: 'bubblewrap',
  }
}

async function run(host: LauncherHost, one: HostJob): Promise<string> {
  await host.prepare(one)
  await host.start(one.id)
  return one.id
}

async function textOf(host: LauncherHost, id: string, follow = true): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of host.output(id, 'stdout', 0, { follow })) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

function kill(pid: number): void {
  process.kill(pid, 'SIGKILL')
}

/** Processes of this machine whose command line holds a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
    } catch {
      return false // It ended while we looked.
    }
  })
}

/** Processes whose stdio is a pipe of a launcher below a folder. */
function withPipesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        pid !== String(process.pid) &&
        ['0', '1', '2'].some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(folder))
      )
    } catch {
      return false // It ended while we looked, or is another user's.
    }
  })
}

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!done() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(done()).toBe(true)
}

/** A program that starts a launcher and a job and then waits to be killed. Says `ready` once the job runs. */
async function agent(script: string): Promise<ChildProcess> {
  const source = `import { startLauncher } from ${JSON.stringify(join(import.meta.dirname, 'mod.ts'))}
const job = ${JSON.stringify(job('aa', script))}
const host = await startLauncher({ home: ${JSON.stringify(home)} })
await host.prepare(job); await host.start(job.id)
console.log('ready'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--conditions=@haggle/source', '--input-type=module-typescript', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

describe.skipIf(why !== null)(titleOf('launcher', why), { timeout: 60_000 }, () => {
  it('a job and its output outlive an agent that is killed, and a new agent reads all of it', async () => {
    const child = await agent('echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 5')
    kill(child.pid ?? 0)
    await once(child, 'exit')
    const host = await start()
    expect((await host.list()).map(({ id, phase }) => [id, phase])).toEqual([['aa'.repeat(32), 'running']])
    writeFileSync(join(launcherFolder(home), 'jobs', 'aa'.repeat(32), 'work', 'go'), '')
    expect(await textOf(host, 'aa'.repeat(32))).toBe('one\ntwo\n')
    expect(await host.wait('aa'.repeat(32))).toEqual({ kind: 'exit', code: 5 })
  })

  it('an exit that no agent saw is kept', async () => {
    const child = await agent('echo bye; exit 3')
    kill(child.pid ?? 0)
    await once(child, 'exit')
    await until(() => existsSync(join(launcherFolder(home), 'jobs', 'aa'.repeat(32), 'exit.json')))
    const host = await start()
    const [state] = await host.list()
    expect([state?.phase, state?.exit]).toEqual(['exited', { kind: 'exit', code: 3 }])
    expect(await textOf(host, 'aa'.repeat(32))).toBe('bye\n')
  })

  it('no process of a job outlives a launcher that is killed; the job is lost, and its output is not', async () => {
    const host = await start()
    const seconds = String(200_000 + (process.pid % 10_000))
    const id = await run(host, job('bb', `echo kept; (setsid sleep ${seconds} &) ; sleep ${seconds}`))
    for await (const _ of host.output(id, 'stdout', 0, { follow: true })) break
    expect(processesWith(seconds).length).toBeGreaterThan(0)
    const waiting = host.wait(id)
    const before = host.pid
    kill(before)
    expect(await waiting).toEqual({ kind: 'lost' })
    await until(() => processesWith(`sleep\0${seconds}`).length === 0)
    expect(host.pid).not.toBe(before)
    expect(await textOf(host, id)).toBe('kept\n')
    expect((await host.state(id))?.ranMs).toBeGreaterThanOrEqual(0)
  })

  it('a job that is killed the moment it starts leaves nothing, with and without cgroups', async () => {
    for (const useCgroups of [true, false]) {
      const launcher = await createLauncher({ folder: launcherFolder(home), useCgroups })
      const host = await connectLauncher({ home })
      for (let round = 0; round < 12; round++) {
        const one = job((16 + round + (useCgroups ? 100 : 0)).toString(16), 'sleep 300')
        await host.prepare(one)
        await host.start(one.id)
        if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 3))
        await host.kill(one.id, 'at once')
        expect(await host.wait(one.id)).toEqual({ kind: 'killed', reason: 'at once' })
      }
      await host.close()
      await launcher.close()
      expect(withPipesOf(home)).toEqual([])
    }
  })

  it('a prepared job survives its launcher and can be started by the next', async () => {
    const host = await start()
    await host.prepare(job('cc', 'echo late'))
    kill(host.pid)
    await until(() => processesWith(launcherFolder(home)).length === 0)
    await host.start('cc'.repeat(32))
    expect(await textOf(host, 'cc'.repeat(32))).toBe('late\n')
  })

  it('a launcher ends every parked process and control group with itself', async () => {
    const host = await start()
    await host.shutdown()
    await until(() => processesWith(launcherFolder(home)).length === 0)
    const group = `haggle-${createHash('sha256').update(launcherFolder(home)).digest('hex').slice(0, 12)}`
    expect(execFileSync('sh', ['-c', `find /sys/fs/cgroup -type d -name ${group} 2>/dev/null; true`], { encoding: 'utf8' })).toBe('')
  })

  it('a launcher that nobody needs leaves by itself, and not before', async () => {
    const launcher = await createLauncher({ folder: launcherFolder(home), lingerMs: 500 })
    const host = await connectLauncher({ home })
    const id = await run(host, job('dd', 'sleep 1'))
    await host.close()
    await launcher.closed
    const next = await start()
    expect(await next.wait(id)).toEqual({ kind: 'exit', code: 0 })
  })

  it('a job sees nothing that its launcher was started with', async () => {
    mkdirSync(launcherFolder(home), { recursive: true })
    writeFileSync(join(home, 'open'), 'secret')
    const fd = openSync(join(home, 'open'), 'r')
    const main = join(import.meta.dirname, 'launcher_main.ts')
    const child = spawn(process.execPath, ['--conditions=@haggle/source', main, launcherFolder(home)], {
      stdio: ['ignore', 'pipe', 'inherit', fd, fd, fd, fd, fd],
    })
    closeSync(fd)
    await once(child.stdout ?? child, 'data')
    const host = await connectLauncher({ home })
    hosts.push(host)
    const id = await run(host, job('ee', 'ls /proc/$$/fd; true'))
    expect(await textOf(host, id)).toBe('0\n1\n2\n')
  })

  it('two agents that start a launcher at the same moment get the same one', async () => {
    const both = await Promise.all([start(), start(), start()])
    expect(new Set(both.map(({ pid }) => pid)).size).toBe(1)
    const [first] = both
    if (first === undefined) throw new Error('no host')
    await expect(createLauncher({ folder: launcherFolder(home) })).rejects.toMatchObject({ code: 'E_LAUNCHER_BUSY' })
    expect(await textOf(first, await run(first, job('ab', 'echo one launcher')))).toBe('one launcher\n')
  })

  it('the socket and the files of a launcher are for its user alone', async () => {
    const host = await start()
    const id = await run(host, job('ff', 'echo x'))
    await host.wait(id)
    const mode = (path: string): number => statSync(join(launcherFolder(home), path)).mode & 0o777
    expect([mode('.'), mode('launcher.sock'), mode(`jobs/${id}/stdout`), mode(`jobs/${id}/order.json`)]).toEqual([
      0o700, 0o600, 0o600, 0o600,
    ])
  })

  it('a home with a very long path works', async () => {
    const deep = join(home, 'a'.repeat(100), 'b'.repeat(60))
    mkdirSync(deep, { recursive: true })
    const host = await startLauncher({ home: deep })
    expect(await textOf(host, await run(host, job('aa', 'echo deep')))).toBe('deep\n')
    await host.shutdown()
  })

  it('connectLauncher() fails with E_LAUNCHER_DOWN when none runs', async () => {
    await expect(connectLauncher({ home })).rejects.toMatchObject({ code: 'E_LAUNCHER_DOWN' })
  })

  it('startLauncher() says where to look when the launcher can not start', async () => {
    await expect(startLauncher({ home, node: '/bin/false' })).rejects.toMatchObject({
      code: 'E_LAUNCHER_START',
      next: expect.stringContaining('launcher.log'),
    })
  })
})
