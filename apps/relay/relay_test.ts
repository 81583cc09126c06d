// haggle-relay as an operator runs it: a process that prints its address, keeps its key, says clearly what is wrong and stops when told.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinLines } from './join_line.ts'
import { exitCodeOf } from './main.ts'
import { parseOptions } from './options.ts'

const SCRIPT = join(import.meta.dirname, 'bin/haggle-relay.js')
const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']

let folder: string
let running: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'haggle-relay-'))
  running = []
})

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(...args: string[]): { child: ChildProcess; line: Promise<Record<string, unknown>>; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['--conditions=@haggle/source', '--', SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let stdout = ''
  let stderr = ''
  const first = Promise.withResolvers<Record<string, unknown>>()
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString()
    const end = stdout.indexOf('\n')
    if (end >= 0 && args.includes('--json')) first.resolve(JSON.parse(stdout.slice(0, end)) as Record<string, unknown>)
  })
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  void ended.then(({ stderr: why }) => first.reject(new Error(`the relay ended: ${why}`)))
  first.promise.catch(() => undefined)
  return { child, line: first.promise, ended }
}

describe('haggle-relay', { timeout: 60_000 }, () => {
  it('prints its address, serves health and figures, and stops cleanly on SIGTERM', async () => {
    const relay = start('--home', join(folder, 'home'), ...LOOPBACK, '--http', '0', '--json')
    const up = await relay.line
    expect(up).toMatchObject({ event: 'up', ok: true, network: 'haggle' })
    expect(up['addresses']).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3Koo/)])
    const http = String(up['http'])
    expect((await fetch(`${http}/healthz`)).status).toBe(200)
    expect((await fetch(`${http}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${http}/metrics`)).text()).toMatch(/^haggle_relay_reservations 0$/m)
    expect((await fetch(`${http}/other`)).status).toBe(404)
    relay.child.kill('SIGTERM')
    const { code, stdout } = await relay.ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({ event: 'down', ok: true })
  })

  it('keeps its key over a restart', async () => {
    const ids: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const relay = start('--home', join(folder, 'home'), ...LOOPBACK, '--json')
      ids.push((await relay.line)['peerId'])
      relay.child.kill('SIGTERM')
      await relay.ended
    }
    expect(ids[0]).toBe(ids[1])
  })

  it('says in one line with a code what is wrong', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const taken = (holder.address() as AddressInfo).port
    const home = join(folder, 'home')
    const first = start('--home', home, ...LOOPBACK, '--json')
    await first.line
    const lax = join(folder, 'lax')
    const made = start('--home', lax, ...LOOPBACK, '--json')
    await made.line
    made.child.kill('SIGTERM')
    await made.ended
    await chmod(lax, 0o755)
    const cases: [string[], number, string][] = [
      [['--home', join(folder, 'a'), '--listen', `/ip4/127.0.0.1/tcp/${taken}`], 3, 'E_PORT_TAKEN'],
      [['--home', join(folder, 'b'), ...LOOPBACK, '--http', `127.0.0.1:${taken}`], 3, 'E_PORT_TAKEN'],
      [['--home', home, ...LOOPBACK], 3, 'E_HOME_BUSY'],
      [['--home', lax, ...LOOPBACK], 3, 'E_KEY_MODE'],
      [['--home', join(folder, 'c'), '--listen', 'localhost:80'], 2, 'E_ADDRESS'],
      [['--home', join(folder, 'd'), ...LOOPBACK, '--bootstrap', '/ip4/127.0.0.1/tcp/1'], 2, 'E_ADDRESS'],
      [['--home', join(folder, 'e'), ...LOOPBACK, '--psk-file', join(folder, 'none')], 3, 'E_PSK'],
      [['--lisen', 'x'], 2, 'E_USAGE'],
      [['--http', 'nowhere'], 2, 'E_USAGE'],
      [['--network', ''], 2, 'E_USAGE'],
      [['--env-file', 'none'], 2, 'E_USAGE'],
    ]
    const results = await Promise.all(cases.map(([args]) => start(...args).ended))
    results.forEach(({ code, stderr, stdout }, i) => {
      const [args, wanted, name] = cases[i] ?? [[], 0, '']
      expect([code, stderr.includes(`(${name})`)], `${args.join(' ')}: ${stderr}`).toEqual([wanted, true])
      expect(stderr.trim().split('\n'), stderr).toHaveLength(2)
      expect(stdout).toBe('')
    })
    holder.close()
  })
})

describe('parseOptions()', () => {
  it('gives defaults when nothing was said', () => {
    expect(parseOptions([])).toMatchObject({ networkName: 'haggle', http: undefined, json: false, drainMs: 10_000 })
  })

  it('throws E_USAGE when a value does not fit', () => {
    for (const argv of [['--drain', 'soon'], ['--http', '1:2:3'], ['extra'], ['--home'], ['--network', ''], ['--listen=']]) {
      expect(() => parseOptions(argv)).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
    }
  })
})

describe('joinLines()', () => {
  it('gives nothing but the address on the public network', () => {
    expect(joinLines({ networkName: 'haggle', pskFile: undefined }, '/a')).toEqual(['others join with: haggle up --bootstrap /a'])
  })

  it('names another network as a shell takes it, and the key of a private swarm', () => {
    expect(joinLines({ networkName: 'my lab', pskFile: '/etc/psk' }, '/a')).toEqual([
      "others join with: haggle up --network 'my lab' --psk-file FILE --bootstrap /a",
      '  FILE: their copy of /etc/psk, the key of this private swarm',
    ])
    expect(joinLines({ networkName: 'lab-1', pskFile: undefined }, '/a')[0]).toContain(' --network lab-1 --bootstrap')
  })
})

describe('exitCodeOf()', () => {
  it('is that of spec/errors.md', async () => {
    const page = await readFile(join(import.meta.dirname, '../../spec/errors.md'), 'utf8')
    const codes = [
      'E_USAGE',
      'E_ADDRESS',
      'E_PEER_ID',
      'E_PORT_TAKEN',
      'E_PORT_DENIED',
      'E_LISTEN',
      'E_HTTP',
      'E_PSK',
      'E_HOME',
      'E_HOME_BUSY',
    ]
    const more = ['E_KEY_MODE', 'E_WALLET_PASSPHRASE', 'E_CHAIN_SETTING', 'E_CHAIN_UNREACHABLE', 'E_UNKNOWN']
    for (const code of [...codes, ...more]) {
      const row = page.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${code}\``))
      expect([code, exitCodeOf(code)]).toEqual([code, Number(row?.split('|')[2])])
    }
  })
})
