// A parked shell that becomes a job: started and counted before there is one, so that a start costs no fork of this process and no wait for cgroups.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Cgroup } from './cgroup.ts'
import type { Fifos } from './fifos.ts'
import { ENV_FD, envOctets, keptCommand } from './keeper.ts'
import type { LaunchPlan } from './runner.ts'

/** File descriptors of a stub, beside 0, 1 and 2. They are closed or used up before the job's own program runs. */
const SECCOMP_FD = 3
/** What bubblewrap, or whoever keeps the job without it, is told. */
const OPTIONS_FD = ENV_FD
const STATUS_FD = 5
const SCRIPT_FD = 6

/** bubblewrap tells of its first process within milliseconds; one that has not by then hangs. */
const SETUP_MS = 2000

/** What a stub is told when it becomes a job. */
export interface StubOrder {
  readonly plan: LaunchPlan
  /** False: stdin is closed from the start. */
  readonly stdin: boolean
  /** rlimits that hold where no cgroup does: data MiB per process, file MiB, tasks. */
  readonly rlimits: { readonly dataMiB: number | null; readonly fileMiB: number | null; readonly pids: number | null }
}

/** What a stub is parked with. */
export interface ParkOptions {
  readonly fifos: Fifos
  /** File with the system call filter. */
  readonly filter: string
  readonly cgroup: Cgroup | null
  /** False only in tests: the launcher's own environment is left in. */
  readonly clearEnv: boolean
  /** Path of `setpriv`, which makes the stub and the job that it becomes die with the launcher; null where there is none. */
  readonly setpriv: string | null
}

/** How the process ended, and whether the sandbox came up at all. */
export interface StubExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ranProgram: boolean
}

/** A waiting shell with pipes for a job's stdio, in a cgroup of its own where there are any. */
export class Stub {
  readonly process: ChildProcess
  readonly cgroup: Cgroup | null
  readonly stdin: Socket
  readonly stdout: Socket
  readonly stderr: Socket
  readonly exited: Promise<StubExit>
  readonly #script: number
  /** The first process of the sandbox, as this machine counts; null before it is known. */
  #insidePid: number | null = null
  #sandboxed = false
  #killed = false

  private constructor(parts: {
    process: ChildProcess
    cgroup: Cgroup | null
    stdin: Socket
    stdout: Socket
    stderr: Socket
    script: number
  }) {
    this.process = parts.process
    this.cgroup = parts.cgroup
    this.stdin = parts.stdin
    this.stdout = parts.stdout
    this.stderr = parts.stderr
    this.#script = parts.script
    let status = ''
    const statusStream = extraPipe(parts.process, STATUS_FD)
    statusStream.on('data', (chunk: Buffer) => {
      status += chunk.toString('latin1')
      this.#insidePid ??= Number(/"child-pid": (\d+)/.exec(status)?.[1] ?? Number.NaN) || null
      if (this.#killed && this.#insidePid !== null) kill(this.#insidePid)
    })
    statusStream.on('error', () => {}) // It ends with the process, whose exit is watched.
    this.exited = new Promise((resolve) => {
      // 'close' and not 'exit': the status of a sandbox may come after its exit.
      parts.process.once('close', (code, signal) => {
        // Not before: the shell may not have opened the script yet, and opening a pipe without a writer waits for ever.
        closeSync(this.#script)
        resolve({ code, signal, ranProgram: /"exit-code"/.test(status) })
      })
    })
  }

  /** Starts a shell that waits. `cgroup` is joined before this resolves. */
  static async park({ fifos, filter, cgroup, clearEnv, setpriv }: ParkOptions): Promise<Stub> {
    const [stdin, stdout, stderr, script] = await Promise.all([
      fifos.take({ blockingWrite: false }),
      fifos.take({ blockingWrite: true }),
      fifos.take({ blockingWrite: true }),
      fifos.take({ blockingWrite: true }),
    ])
    // Opened anew each time: bubblewrap reads the filter from the descriptor's own position.
    const seccomp = openSync(filter, 'r')
    const dying = setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--']
    const [command = '', ...args] = [...dying, '/bin/sh', '-c', `. /dev/fd/${SCRIPT_FD}`]
    const process = spawn(command, args, {
      stdio: [stdin.read, stdout.write, stderr.write, seccomp, 'pipe', 'pipe', script.read],
      ...(clearEnv ? { env: {} } : {}),
      cwd: '/',
    })
    for (const fd of [stdin.read, stdout.write, stderr.write, seccomp, script.read]) closeSync(fd)
    const stub = new Stub({
      process,
      cgroup,
      stdin: new Socket({ fd: stdin.write, readable: false, writable: true }),
      stdout: new Socket({ fd: stdout.read, readable: true, writable: false }),
      stderr: new Socket({ fd: stderr.read, readable: true, writable: false }),
      script: script.write,
    })
    for (const stream of [stub.stdin, stub.stdout, stub.stderr, extraPipe(process, OPTIONS_FD)]) {
      stream.on('error', () => {}) // A job may close any of its pipes; its exit tells the rest.
    }
    await new Promise<void>((resolve, reject) => process.once('spawn', resolve).once('error', reject))
    if (cgroup !== null && process.pid !== undefined) await cgroup.join(process.pid)
    return stub
  }

  /** Turns the shell into the job. Synchronous: when it returns, the job is on its way. */
  go(order: StubOrder): void {
    this.#sandboxed = order.plan.sandbox !== null
    const script = Buffer.from(stubScript(order))
    const options = extraPipe(this.process, OPTIONS_FD)
    const { sandbox, keeping } = order.plan
    if (sandbox !== null) options.end(Buffer.from(sandbox.options.map((option) => `${option}\0`).join('')))
    else options.end(envOctets(keeping?.env ?? {}))
    for (let at = 0; at < script.length;) at += writeSync(this.#script, script, at)
    if (!order.stdin) this.stdin.destroy()
  }

  /** Ends every process of the job. */
  kill(): void {
    this.cgroup?.processes().forEach(kill)
    if (!this.#sandboxed) return void this.process.kill('SIGKILL')
    // Its first process takes the whole namespace with it; bubblewrap outside buries it and then ends by itself. bubblewrap is not killed
    // before that process is known: it would wait for ever for what bubblewrap was about to tell it.
    this.#killed = true
    if (this.#insidePid !== null) kill(this.#insidePid)
    else setTimeout(() => this.process.kill('SIGKILL'), SETUP_MS).unref()
  }

  /** Ends a stub that did not become a job. */
  async discard(): Promise<void> {
    this.kill()
    await this.emptied()
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy()
  }

  /** Resolves when no process is left. */
  async emptied(): Promise<void> {
    await this.exited
    const inside = this.#insidePid
    if (this.cgroup !== null) await this.cgroup.end()
    else if (inside !== null) while (isAlive(inside) && kill(inside)) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/**
 * Kills what an earlier launcher left where no control group tells: processes whose stdio is a pipe of its folder. Only a sandbox that was being set up
 * when its launcher was killed can be left like that.
 */
export function endStrays(pipesFolder: string): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      if (['0', '1', '2'].some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(`${pipesFolder}/`))) kill(pid)
    } catch {
      // Another user's, or gone: not ours.
    }
  }
}

/** A pipe beyond stdio; Node's types know five of them. */
function extraPipe(process: ChildProcess, fd: number): Socket {
  return (process.stdio as readonly unknown[])[fd] as Socket
}

/** False for one that is only waiting to be buried, as where nobody looks after orphans. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false // There is no such process.
  }
}

/** False when there is no such process. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false // Gone already, which is what was wanted.
  }
}

/** The lines that turn the shell into the job. Every string of the job is quoted as a whole: a shell never reads into it. */
export function stubScript({ plan, stdin, rlimits }: StubOrder): string {
  const { sandbox } = plan
  // A hard limit below ours is fine: its complaint is not the job's.
  const lines = ['ulimit -c 0 2>/dev/null']
  if (rlimits.dataMiB !== null) lines.push(`ulimit -d ${rlimits.dataMiB * 1024} 2>/dev/null`)
  if (rlimits.fileMiB !== null) lines.push(`ulimit -f ${rlimits.fileMiB * 2048} 2>/dev/null`)
  const input = stdin ? '' : ' </dev/null'
  if (sandbox !== null) {
    const filter = sandbox.seccomp ? [`--seccomp`, String(SECCOMP_FD)] : []
    const inner =
      rlimits.pids === null
        ? plan.argv
        : ['/bin/sh', '-c', `ulimit -p ${rlimits.pids} 2>/dev/null || ulimit -u ${rlimits.pids}; exec "$@"`, 'sh', ...plan.argv]
    const command = [sandbox.path, ...filter, '--json-status-fd', String(STATUS_FD), '--args', String(OPTIONS_FD), '--', ...inner]
    lines.push(`exec ${command.map(quote).join(' ')} ${SCRIPT_FD}<&-${sandbox.seccomp ? '' : ` ${SECCOMP_FD}<&-`}${input}`)
  } else {
    const { keeping } = plan
    const command = keeping === null ? plan.argv : keptCommand(keeping, plan.argv, { env: true })
    const close = [SECCOMP_FD, STATUS_FD, SCRIPT_FD, ...(keeping === null ? [OPTIONS_FD] : [])].map((fd) => ` ${fd}<&-`).join('')
    lines.push(`cd ${quote(plan.cwd)}`, `exec ${command.map(quote).join(' ')}${close}${input}`)
  }
  // Only reached when there is nothing to become.
  return `${lines.join('\n')}\nexit 127\n`
}

/** One shell word with exactly this content. Specs have no NUL (the dialect refuses it), so there is one. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
