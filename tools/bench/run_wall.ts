// `haggle run -- echo x` as a person types it, beside `ssh` to a user whose shell is dash, over loopback, in the same run.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createChildren } from './_children.ts'
import { timed } from './_floor.ts'
import { alternate, type BenchOptions, type BenchRow, rowOf } from './row.ts'

const TIMES = 7
const HAGGLE = join(import.meta.dirname, '../../node_modules/.bin/haggle')
const USER = 'haggle-bench'

/** Runs a command to its end and times it as a whole; throws when it fails. */
async function wall(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return timed(async () => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${text.slice(-500)}`)
  })
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) samples.push(await once())
  return samples
}

const quiet = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** A free port; the server that had it is closed. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const at = server.address()
      server.close(() => resolve(typeof at === 'object' && at ? at.port : 0))
    })
  })
}

interface Ssh extends AsyncDisposable {
  /** Arguments before the command. */
  readonly cold: readonly string[]
  readonly kept: readonly string[]
}

/** An sshd of our own on loopback with a key made for it, and a user whose shell is dash. Null where we may not. */
async function startSsh(folder: string): Promise<Ssh | null> {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return null
  if (
    !existsSync('/usr/sbin/sshd') &&
    !quiet('apt-get', 'install', '-y', '-q', '--no-install-recommends', 'openssh-server', 'openssh-client')
  )
    return null
  const made = !quiet('id', USER)
  if (made && !quiet('useradd', '--create-home', '--shell', '/bin/dash', USER)) return null
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const file = (name: string): string => join(folder, name)
  for (const name of ['host', 'user']) quiet('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file(name))
  const keys = `/home/${USER}/.ssh`
  quiet('install', '-d', '-o', USER, '-m', '700', keys)
  quiet('install', '-o', USER, '-m', '600', file('user.pub'), `${keys}/authorized_keys`)
  const port = await freePort()
  writeFileSync(
    file('config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host')}`,
      'UsePAM no',
      'PasswordAuthentication no',
      `AllowUsers ${USER}`,
      `PidFile ${file('pid')}`,
    ].join('\n'),
  )
  // A user without a password counts as locked for sshd without PAM.
  if (made) quiet('usermod', '-p', '*', USER)
  const server = spawn('/usr/sbin/sshd', ['-D', '-f', file('config')], { stdio: 'ignore' })
  const cold = [
    '-p',
    String(port),
    '-i',
    file('user'),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    `UserKnownHostsFile=${file('known')}`,
    '-o',
    'LogLevel=ERROR',
    `${USER}@127.0.0.1`,
  ]
  const kept = ['-S', file('control'), ...cold]
  const master = ['-M', '-N', '-f', ...kept]
  let tries = 0
  while (!quiet('ssh', ...cold, 'true')) {
    tries += 1
    if (tries > 40) throw new Error('sshd does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  quiet('ssh', ...master)
  return {
    cold,
    kept,
    async [Symbol.asyncDispose]() {
      quiet('ssh', '-O', 'exit', ...kept)
      const gone = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await gone
      if (made) quiet('userdel', '--remove', USER)
    },
  }
}

export async function* rows({ wants }: BenchOptions): AsyncGenerator<BenchRow, void> {
  await using children = createChildren()
  const provider = await children.start('_provider_node.ts', `${children.folder}/provider`, 'bench', '2', '-')
  const home = join(children.folder, 'renter')
  const env = {
    ...process.env,
    HAGGLE_HOME: home,
    HAGGLE_NETWORK: 'bench',
    HAGGLE_BOOTSTRAP: String(provider.first['address']),
    HAGGLE_MDNS: 'off',
    PATH: `${join(HAGGLE, '..')}:${process.env['PATH'] ?? ''}`,
  }
  const run = (): Promise<number> => wall(HAGGLE, ['run', '--', 'echo', 'x'], env)
  const down = (): Promise<number> => wall(HAGGLE, ['down'], env)
  const ssh = await startSsh(children.folder)
  if (!ssh) {
    const note = 'no sshd here (needs root on Debian): nothing to compare with'
    yield { name: 'run-wall', value: await run(), unit: 'ms', floor: null, ratio: null, p95: null, samples: 1, note }
    return
  }
  try {
    await repeat(2, run)
    const typed = (args: readonly string[]): Promise<number[]> => repeat(TIMES, () => wall('ssh', [...args, 'echo', 'x'], env))
    if (wants('run-wall')) {
      const warm = await alternate({ subject: () => repeat(TIMES, run), floor: () => typed(ssh.cold) })
      yield rowOf('run-wall', 'ms', warm, { aim: { atMost: 1 }, note: 'agent running; floor: ssh, cold' })
    }
    if (wants('run-wall-kept')) {
      const kept = await alternate({ subject: () => repeat(TIMES, run), floor: () => typed(ssh.kept) })
      yield rowOf('run-wall-kept', 'ms', kept, { aim: { atMost: 1 }, note: 'agent running; floor: ssh over a kept connection' })
    }
    if (wants('run-wall-no-agent')) {
      const fromNothing = async (): Promise<number> => {
        await down()
        return run()
      }
      const cold = await alternate({ subject: () => repeat(3, fromNothing), floor: () => typed(ssh.cold), pairs: 2 })
      yield rowOf('run-wall-no-agent', 'ms', cold, { aim: { atMost: 1 }, note: 'no agent running; floor: ssh, cold' })
    }
  } finally {
    await down().catch(() => undefined)
    rmSync(home, { recursive: true, force: true })
    await ssh[Symbol.asyncDispose]()
  }
}
