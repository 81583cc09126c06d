// Entry of the launcher process. Started once per home, detached, with few imports so that it stays small: what it forks is copied.

import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { createLauncher } from './launcher.ts'
import { LAUNCHER_BUSY } from './launcher_lock.ts'

/** `O_CLOEXEC` in the flags of /proc/self/fdinfo, octal. */
const CLOSE_ON_EXEC = 0o2000000

/** Whatever the agent was started with may be open here too, and would be in every job: a terminal, a log, a database. */
function closeInherited(): void {
  if (!existsSync('/proc/self/fdinfo')) return
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (fd <= 2) continue
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
      // Node opens everything of its own close-on-exec.
      if (flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) closeSync(fd)
    } catch {
      // It was the one that listed the folder.
    }
  }
}

closeInherited()
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: launcher_main FOLDER')
// The agent's terminal is not ours: Ctrl-C there must not end the jobs.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)
process.stdout.on('error', () => {}) // The agent that started us may be gone.
const launcher = await createLauncher({ folder, log }).catch((error: unknown) => {
  if ((error as { code?: unknown }).code !== LAUNCHER_BUSY) throw error
  // Started twice at once: the other one serves both agents.
  process.stdout.write('busy\n')
  process.exit(0)
})
// Jobs of others hang on this process: what nobody foresaw is written down, and it goes on.
process.on('uncaughtException', (error) => log(error.stack ?? error.message))
process.on('SIGTERM', () => void launcher.close())
process.stdout.write('ready\n')
await launcher.closed
process.exit(0)
