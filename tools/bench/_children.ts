// Processes of a benchmark: started with their first line of JSON, ended at the end, whatever happens.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { createInterface } from 'node:readline'

/** A started process. */
export interface Child {
  readonly first: Readonly<Record<string, string | number | undefined>>
  readonly pid: number
  exited: Promise<number | null>
}

/** Starts processes in a folder of their own; disposing ends them and deletes it. */
export interface Children extends AsyncDisposable {
  readonly folder: string
  /** Starts a script of this folder, or one with an absolute path. */
  start(script: string, ...args: readonly string[]): Promise<Child>
}

/** After the polite signal, a process gets this long. */
const LEAVE_MS = 5000

export function createChildren(): Children {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-bench-'))
  const running: ChildProcess[] = []
  return {
    folder,
    async start(script, ...args) {
      const path = isAbsolute(script) ? script : join(import.meta.dirname, script)
      const child = spawn(process.execPath, ['--conditions=@haggle/source', path, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      running.push(child)
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
      const first = await new Promise<Child['first']>((resolve, reject) => {
        createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) =>
          resolve(JSON.parse(line) as Child['first']),
        )
        void exited.then((code) => reject(new Error(`${script} ended with ${code ?? 'a signal'} before it was ready`)))
      })
      return { first, pid: child.pid ?? 0, exited }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        running.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const gone = new Promise((resolve) => child.once('exit', resolve))
          child.kill('SIGTERM')
          const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS)
          await gone
          clearTimeout(timer)
        }),
      )
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
