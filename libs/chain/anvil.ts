// A real EVM for tests and devnets: starts anvil on a free port in a home of its own, drives it, and always stops it.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { HaggleError } from '@haggle/wire'
import { ask } from './devnet.ts'

/** How {@link startAnvil} starts. */
export interface AnvilOptions {
  /** Stops it when aborted. */
  readonly signal?: AbortSignal
  /** Mines a block every so many seconds. Left out: one for each transaction, at once. */
  readonly blockTimeS?: number
  /** Mines nothing by itself: only {@link Anvil.mine} does. */
  readonly noMining?: boolean
  /** Default 31337. */
  readonly chainId?: number
  /** File that the chain's state is loaded from and saved to. Left out: nothing is kept. */
  readonly statePath?: string
  /** Port to listen on. Default 0: a free one. */
  readonly port?: number
}

/** An account that anvil made rich: keys that everybody knows, worth nothing elsewhere. */
export interface AnvilAccount {
  /** `0x` and 40 hex digits, with checksum. */
  readonly address: `0x${string}`
  /** 32 bytes. Public knowledge. */
  readonly secret: Uint8Array
}

/** A running anvil. */
export interface Anvil {
  /** Where it answers JSON-RPC, on loopback. */
  readonly url: string
  /** Its chain id. */
  readonly chainId: number
  /** Ten accounts with 10,000 ether each. */
  readonly accounts: readonly AnvilAccount[]
  /** The process. */
  readonly pid: number
  /** Any method, its result or an Error with the node's message. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
  /** Mines `blocks` (default 1) blocks, `intervalS` (default 1) apart. */
  mine(blocks?: number, intervalS?: number): Promise<void>
  /** Replaces the last `depth` blocks by as many empty ones; their transactions are gone, and so are snapshots. */
  reorg(depth: number): Promise<void>
  /** Keeps the state under the returned id. */
  snapshot(): Promise<string>
  /** Back to a snapshot, which is used up. */
  revert(id: string): Promise<void>
  /** Moves the chain's clock by `seconds` and mines a block. */
  elapse(seconds: number): Promise<void>
  /** Ends the process and removes its home. Again is harmless. */
  stop(): Promise<void>
}

/** Ready in 0.1 to 0.4 s on an idle machine; a busy one gets this long. */
const START_MS = 60_000
/** How long it may take to save its state before it is killed. */
const STOP_MS = 5000
/** The words that every development chain uses. */
const MNEMONIC = 'test test test test test test test test test test test junk'

/** A shell that ends anvil when its own input ends: also when the process that holds the other end is killed, which can't end anything itself. */
const GUARD =
  'exec 3<&0; "$@" & pid=$!; echo "guarded $pid"; (cat <&3; kill -TERM $pid) >/dev/null 2>&1 & guard=$!; wait $pid; kill $guard 2>/dev/null'

/** Path of anvil's program, or undefined where its package has none for this machine. */
export function findAnvil(): string | undefined {
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
  const name = `@foundry-rs/anvil-${process.platform}-${machine}/bin/anvil${process.platform === 'win32' ? '.exe' : ''}`
  try {
    // The package that carries the program is a dependency of the one that we depend on.
    const outer = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
    return createRequire(outer).resolve(name)
  } catch {
    // Not installed, or not made for this platform: to the caller that is the same.
    return undefined
  }
}

/**
 * Starts anvil and waits until it listens. Throws `E_ANVIL` when it can't run here.
 *
 * @example
 * ```ts no-run
 * import { startAnvil } from "@haggle/chain/testing";
 *
 * const anvil = await startAnvil();
 * console.log(anvil.url);
 * await anvil.stop();
 * ```
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { signal, chainId = 31337 } = options
  signal?.throwIfAborted()
  const program = findAnvil()
  if (program === undefined) throw failure('its package has no program for this machine')
  const home = mkdtempSync(join(tmpdir(), 'haggle-anvil-'))
  const guarded = process.platform !== 'win32'
  const [file, ...first] = guarded ? ['/bin/sh', '-c', GUARD, 'sh', program] : [program]
  const child = spawn(file as string, [...first, ...argumentsOf(options, chainId)], {
    cwd: home,
    env: { HOME: home, PATH: '/usr/bin:/bin', RUST_BACKTRACE: '0' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let running: number | undefined
  // The shell stays: it ends by itself with what it guards, or when its input ends.
  const killNow = (): void => {
    if (!guarded) child.kill('SIGKILL')
    else if (running !== undefined && child.exitCode === null) process.kill(running, 'SIGKILL')
  }
  process.once('exit', killNow)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= end())
  async function end(): Promise<void> {
    signal?.removeEventListener('abort', stop)
    const timer = setTimeout(killNow, STOP_MS)
    if (guarded) child.stdin.end()
    else child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
    process.off('exit', killNow)
    rmSync(home, { recursive: true, force: true })
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const { port, pid } = await listening(child)
    running = pid
    const url = `http://127.0.0.1:${port}`
    const accounts = (await ask(url, 'eth_accounts')) as `0x${string}`[]
    return drive({ url, chainId, pid: pid ?? child.pid ?? 0, stop, accounts: await withSecrets(accounts) })
  } catch (error) {
    await stop()
    throw error
  }
}

function argumentsOf({ blockTimeS, noMining, statePath, port = 0 }: AnvilOptions, chainId: number): string[] {
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId), '--mnemonic', MNEMONIC]
  if (blockTimeS !== undefined) flags.push('--block-time', String(blockTimeS))
  if (noMining) flags.push('--no-mining')
  if (statePath !== undefined) flags.push('--state', statePath)
  return flags
}

/** The port of "Listening on", the only sign that it is ready. What it prints later is read and dropped, so that its pipe never fills. */
function listening(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<{ port: number; pid: number | undefined }> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(failure(`it did not listen within ${START_MS / 1000} s`)), START_MS)
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      settle()
    }
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said = `${said}${chunk}`.slice(-2000)))
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (printed.length > 64_000) return
      printed += chunk
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(printed)?.[1]
      const pid = /^guarded (\d+)$/m.exec(printed)?.[1]
      if (port !== undefined) done(() => resolve({ port: Number(port), pid: pid === undefined ? undefined : Number(pid) }))
    })
    child.once('error', (error) => done(() => reject(failure(error.message, error))))
    child.once('close', () => done(() => reject(failure(said.trim() || 'it ended at once'))))
  })
}

function drive(parts: Pick<Anvil, 'url' | 'chainId' | 'pid' | 'accounts' | 'stop'>): Anvil {
  const rpc: Anvil['rpc'] = (method, params) => ask(parts.url, method, params)
  const mine = async (blocks = 1, intervalS = 1): Promise<void> => void (await rpc('anvil_mine', [hex(blocks), hex(intervalS)]))
  return {
    ...parts,
    rpc,
    mine,
    async reorg(depth) {
      await rpc('anvil_reorg', [depth, []])
    },
    async snapshot() {
      return String(await rpc('evm_snapshot'))
    },
    async revert(id) {
      if ((await rpc('evm_revert', [id])) !== true) throw failure(`it has no snapshot ${id}`)
    },
    async elapse(seconds) {
      await rpc('evm_increaseTime', [hex(seconds)])
      await mine()
    },
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`

/** The secrets of accounts of the well-known mnemonic, in order. */
async function withSecrets(addresses: readonly `0x${string}`[]): Promise<AnvilAccount[]> {
  const { mnemonicToAccount } = await import('viem/accounts')
  return addresses.map((_, addressIndex) => {
    const account = mnemonicToAccount(MNEMONIC, { addressIndex })
    const secret = account.getHdKey().privateKey
    if (secret === null) throw failure('its mnemonic gives no keys')
    return { address: account.address, secret }
  })
}

function failure(why: string, cause?: unknown): HaggleError {
  return new HaggleError('E_ANVIL', `Cannot run anvil: ${why}`, { cause, next: 'npm install, or run without a chain' })
}
