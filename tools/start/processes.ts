// The processes of the demonstration: started with one JSON line as their sign of life, and ended with everything that they started.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A child must say that it is ready in this time. */
const READY_MS = 120_000
/** After the polite signal, a child gets this long. */
const LEAVE_MS = 8000

/** One process of the demonstration. */
export interface Member {
  readonly name: string
  readonly pid: number
  /** What it printed on stdout, line by line; the first line is taken. */
  readonly first: Readonly<Record<string, unknown>>
  readonly exited: Promise<number | null>
}

/** Starts processes and ends them all. */
export interface Troupe {
  readonly members: readonly Member[]
  /** Starts a script of the project and resolves with its first line of JSON. Its stderr goes to `log`. */
  start(name: string, script: string, args: readonly string[], log: string, onLine?: (line: string) => void): Promise<Member>
  /** Kills a member and everything below it at once, as a power cut would. */
  kill(member: Member): void
  /** Ends everything politely, then at once. Safe to call twice. */
  close(): Promise<void>
}

/** An empty troupe. `env` is what every process gets. */
export function createTroupe(env: NodeJS.ProcessEnv): Troupe {
  const members: Member[] = []
  const children = new Map<number, ChildProcess>()
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false // gone
    }
  }
  const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, name)
  }
  return {
    members,
    async start(name, script, args, log, onLine) {
      const stderr = openSync(log, 'a')
      const child = spawn(process.execPath, ['--conditions=@haggle/source', script, ...args], { stdio: ['ignore', 'pipe', stderr], env })
      closeSync(stderr)
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
      if (child.pid === undefined) throw new Error(`${name} did not start: ${script}`)
      children.set(child.pid, child)
      const first = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${name} was not ready in ${READY_MS / 1000} s; see ${log}`)), READY_MS)
        void exited.then((code) => reject(new Error(`${name} ended at once (${code ?? 'signal'}): ${lastLines(log)}`)))
        let isFirst = true
        createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
          if (!isFirst) return onLine?.(line)
          isFirst = false
          clearTimeout(timer)
          try {
            resolve(JSON.parse(line) as Record<string, unknown>)
          } catch {
            reject(new Error(`${name} said "${line.slice(0, 200)}" instead of being ready`))
          }
        })
        void exited.then(() => clearTimeout(timer))
      })
      const member = { name, pid: child.pid, first, exited }
      members.push(member)
      return member
    },
    kill(member) {
      signal([member.pid, ...descendants(member.pid)], 'SIGKILL')
    },
    async close() {
      const below = [...children.keys()].flatMap((pid) => descendants(pid))
      const living = [...children].filter(([, child]) => child.exitCode === null && child.signalCode === null)
      await Promise.all(
        living.map(async ([pid, child]) => {
          const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
          child.kill('SIGTERM')
          const timer = setTimeout(() => signal([pid], 'SIGKILL'), LEAVE_MS)
          await gone
          clearTimeout(timer)
        }),
      )
      signal(below, 'SIGKILL') // launchers outlive their agents on purpose: here nobody needs them any more
    },
  }
}

/** Every process below `pid`, by /proc; empty where there is none. */
function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const parent = Number(/^PPid:\s+(\d+)/m.exec(statusOf(entry))?.[1] ?? 0)
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
    }
  } catch {
    return [] // no /proc on this system
  }
  const found: number[] = []
  for (const queue = [pid]; queue.length > 0;) {
    const below = children.get(queue.pop() ?? 0) ?? []
    found.push(...below)
    queue.push(...below)
  }
  return found
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // it ended meanwhile
  }
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ')
}
