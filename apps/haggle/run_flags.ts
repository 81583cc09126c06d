// The flags that say what a job is and what it may cost: shared by run and quote.

import { dirname, resolve } from 'node:path'
import type { RunRequest } from '@haggle/market'
import type { Args } from './args.ts'
import { Failure, usage } from './failure.ts'
import { type Flag, RAIL } from './table.ts'

// As in home.ts: what every command runs does not import Node's large modules whole.
const { accessSync, constants, readFileSync, statSync } = process.getBuiltinModule('node:fs')

/** Flags of a demand. */
export const DEMAND: readonly Flag[] = [
  { name: 'where', kind: 'text', value: 'EXPR', help: "what the machine must have, such as 'gpu.vram>=24GiB region=DE'", setting: true },
  RAIL,
  { name: 'sla', kind: 'switch', help: 'buy a service level: witnesses watch, and the provider loses stake for what it misses' },
  { name: 'max-price', kind: 'amount', value: 'P', help: 'most per hour', setting: true },
  { name: 'budget', kind: 'amount', value: 'B', help: 'most in all: becomes the cap of the contract', setting: true },
  { name: 'timeout', kind: 'duration', value: 'T', help: 'longest the job may take', fallback: '10m', setting: true },
  { name: 'cores', kind: 'amount', value: 'N', help: 'cores the job needs', setting: true },
  { name: 'memory', kind: 'count', value: 'MIB', help: 'memory the job needs, MiB', setting: true },
  { name: 'disk', kind: 'count', value: 'MIB', help: 'disk the job needs, MiB', setting: true },
  { name: 'output', kind: 'count', value: 'MIB', help: 'most that the job may print, MiB', setting: true },
  { name: 'deno', kind: 'file', value: 'MAIN.TS', help: 'run this TypeScript or JavaScript module; what follows are its arguments' },
]

/** Flags of how it runs. */
export const JOB: readonly Flag[] = [
  { name: 'in', kind: 'folder', value: 'DIR', help: "copy this folder into the job's folder" },
  { name: 'out', kind: 'folder', value: 'DIR', help: 'fetch what the job leaves in its out/ folder' },
  {
    name: 'env',
    short: 'e',
    kind: 'text',
    value: 'K',
    repeat: true,
    help: 'give the job K from your environment (K=V works, but others on this machine can see it in the process list)',
  },
  { name: 'env-file', kind: 'file', value: 'F', repeat: true, help: 'give the job the K=V lines of a file' },
  { name: 'wait', kind: 'duration', value: 'T', help: 'while nothing fits, look again for this long', fallback: '0s' },
  { name: 'retry', kind: 'count', value: 'N', help: 'try N other providers when one is lost', fallback: '0', setting: true },
]

/** Refuses a path that is not there, before anything is spent. */
function present(flag: string, typed: string, kind: 'file' | 'folder'): string {
  const path = resolve(typed)
  let stat: ReturnType<typeof statSync> | undefined
  try {
    stat = statSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new Failure('E_FILE_MISSING', `Cannot read ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause })
  }
  if (stat === undefined) throw new Failure('E_FILE_MISSING', `There is no ${kind} ${typed} (${flag})`, { next: `in ${dirname(path)}` })
  if (kind === 'folder' ? !stat.isDirectory() : !stat.isFile()) throw new Failure('E_FILE_MISSING', `${typed} is not a ${kind} (${flag})`)
  return path
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Refuses a folder for results that can't be made or written to, before anything is spent. Makes nothing. */
export function writableFolder(flag: string, typed: string): string {
  const path = resolve(typed)
  const refuse = (why: string): never => {
    throw new Failure('E_FILE_MISSING', `Results can't go to ${typed}: ${why} (${flag})`)
  }
  for (let at = path; ; at = dirname(at)) {
    let stat: ReturnType<typeof statSync> | undefined
    try {
      stat = statSync(at)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'ENOENT') return refuse(code === 'ENOTDIR' ? 'a part of it is no folder' : (code ?? String(cause)))
    }
    if (stat === undefined) continue
    if (!stat.isDirectory()) return refuse(`${at} is not a folder`)
    try {
      accessSync(at, constants.W_OK | constants.X_OK)
    } catch {
      return refuse(`${at} can't be written to`)
    }
    return path
  }
}

/** The job's environment: files first, then single variables, later ones win. */
export function environmentOf(args: Args): Readonly<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const file of args.list('env-file')) {
    const lines = readFileSync(present('--env-file', file, 'file'), 'utf8').split('\n')
    for (const [at, line] of lines.entries()) {
      const text = line.trim()
      if (text === '' || text.startsWith('#')) continue
      const equals = text.indexOf('=')
      const name = text.slice(0, Math.max(0, equals)).replace(/^export\s+/, '')
      if (!NAME.test(name)) throw usage(`Line ${at + 1} of ${file} is not NAME=VALUE`)
      const value = text.slice(equals + 1)
      env[name] = /^(["']).*\1$/.test(value) && value.length > 1 ? value.slice(1, -1) : value
    }
  }
  for (const given of args.list('env')) {
    const equals = given.indexOf('=')
    const name = equals < 0 ? given : given.slice(0, equals)
    if (!NAME.test(name)) throw usage(`--env takes a variable's name, is "${name}"`)
    const value = equals < 0 ? args.env[name] : given.slice(equals + 1)
    if (value === undefined) throw usage(`--env ${name}: your environment has no ${name}`, `export ${name}=… or use --env-file`)
    env[name] = value
  }
  return env
}

/** A run request as it travels to the agent: paths are absolute, nothing is undefined. */
export function requestOf(args: Args, options: { job: boolean }): RunRequest {
  const text = (name: string): string | undefined => args.text(name)
  const deno = text('deno')
  const command = args.command ?? []
  if (options.job && deno === undefined && command.length === 0)
    throw usage('haggle run needs something to run', 'haggle run -- echo hello, or haggle run --deno main.ts')
  const cores = text('cores')
  const where = text('where')
  const maxPrice = text('max-price')
  const budget = text('budget')
  const timeoutMs = args.durationMs('timeout')
  const memMiB = args.count('memory')
  const diskMiB = args.count('disk')
  const outMiB = args.count('output')
  const inputs = options.job ? text('in') : undefined
  const env = options.job ? environmentOf(args) : {}
  return {
    ...(where === undefined ? {} : { where }),
    ...railOf(args),
    ...(args.on('sla') ? { sla: true } : {}),
    ...(maxPrice === undefined ? {} : { maxPrice }),
    ...(budget === undefined ? {} : { budget }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(cores === undefined ? {} : { cpuMilli: Math.round(Number(cores) * 1000) }),
    ...(memMiB === undefined ? {} : { memMiB }),
    ...(diskMiB === undefined ? {} : { diskMiB }),
    ...(outMiB === undefined ? {} : { outMiB }),
    ...(deno !== undefined
      ? { deno: present('--deno', deno, 'file'), args: [...command] }
      : command.length > 0
        ? { command: [...command] }
        : {}),
    ...(inputs === undefined ? {} : { inputs: present('--in', inputs, 'folder') }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(options.job ? { attempts: 1 + (args.count('retry') ?? 0) } : {}),
  }
}

/** The rail that was asked for. Nothing for credits: every node has them. */
export function railOf(args: Args): { readonly rail?: string } {
  const rail = args.text('rail')
  return rail === undefined || args.origin('rail') === 'default' ? {} : { rail }
}
