// The checks of haggle doctor, each on its own: none may end the others.

import { statfsSync } from 'node:fs'
import { connect } from 'node:net'
import type { Args } from './args.ts'
import { describe } from './failure.ts'
import { bytes, counted, duration } from './format.ts'
import { openHome } from './home.ts'
import { stateText } from './memory_state.ts'
import type { MoneyStatus } from './money_views.ts'
import { type Session, session } from './reach.ts'
import type { StatusSnapshot } from './status_page.ts'

/** What one check found. `weak`: works, but something is missing that some uses need. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'weak' | 'bad'
  readonly detail: string
  /** What to type. */
  readonly fix?: string
}

/** Less free disk than this and jobs with files will fail. */
const LOW_DISK_BYTES = 1024 ** 3
/** A relay that does not answer the connect in this time counts as unreachable. */
const RELAY_MS = 3000
/** No build of this command is older: a clock before it is wrong. */
const EARLIEST = Date.UTC(2025, 0, 1)
const NODE_MAJOR = 24

/** Runs every check, in the order of what depends on what. */
export async function* examine(args: Args): AsyncGenerator<Finding> {
  yield nodeVersion(process.versions.node)
  yield await guarded('keys', () => {
    openHome(args.home)
    return { name: 'keys', state: 'ok', detail: `${args.home} 0700, key 0600` }
  })
  yield clock(Date.now())
  yield await guarded('disk', () => {
    const { bavail, bsize } = statfsSync(args.home)
    const free = bavail * bsize
    return free < LOW_DISK_BYTES
      ? { name: 'disk', state: 'bad', detail: `${bytes(free)} free at ${args.home}`, fix: 'make room, or choose another --home' }
      : { name: 'disk', state: 'ok', detail: `${bytes(free)} free` }
  })
  yield* await machine()
  if (!args.on('no-agent')) yield* agent(args)
  const relays = args.list('bootstrap')
  if (relays.length === 0)
    yield {
      name: 'relay',
      state: 'weak',
      detail: 'none is named: nodes are found by mDNS and --peer only',
      fix: 'haggle config set bootstrap ADDR',
    }
  for (const address of relays) yield await relay(address)
}

async function guarded(name: string, check: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await check()
  } catch (error) {
    const { message, code, next } = describe(error)
    return { name, state: 'bad', detail: `${message} (${code})`, ...(next === undefined ? {} : { fix: next }) }
  }
}

/** Whether this Node can run haggle. */
export function nodeVersion(version: string): Finding {
  const fits = Number.parseInt(version, 10) >= NODE_MAJOR
  return { name: 'node', state: fits ? 'ok' : 'bad', detail: version, ...(fits ? {} : { fix: `install Node ${NODE_MAJOR} or newer` }) }
}

/** Whether the clock can be right. How far it is off only peers can tell: the agent refuses with E_CLOCK. */
export function clock(nowMs: number): Finding {
  const date = new Date(nowMs).toISOString().slice(0, 19)
  if (nowMs < EARLIEST) return { name: 'clock', state: 'bad', detail: `${date} UTC is in the past`, fix: 'sudo timedatectl set-ntp true' }
  return { name: 'clock', state: 'ok', detail: `${date} UTC` }
}

async function machine(): Promise<Finding[]> {
  const { machineFindings } = await import('./doctor_machine.ts')
  return await machineFindings()
}

async function* agent(args: Args): AsyncGenerator<Finding> {
  let open: Session | undefined
  try {
    open = await session(args)
    const status = await open.ask<StatusSnapshot>('status')
    yield { name: 'agent', state: 'ok', detail: `pid ${status.pid}, up ${duration(status.uptimeMs)}` }
    yield {
      name: 'store',
      state: 'ok',
      detail: 'opens',
    }
    const { state, text, fix } = stateText(status.memory)
    yield { name: 'ledger', state, detail: text, ...(fix === undefined ? {} : { fix }) }
    yield* moneyFindings(status.money)
    const reachable = status.addresses.length > 0
    yield {
      name: 'reach',
      state: reachable ? 'ok' : 'weak',
      detail: reachable ? counted(status.addresses.length, 'address', 'addresses') : 'dials only; enough to rent, not to earn',
    }
  } catch (error) {
    const { message, code, next } = describe(error)
    yield { name: 'agent', state: 'bad', detail: `${message} (${code})`, ...(next === undefined ? {} : { fix: next }) }
  } finally {
    await open?.[Symbol.asyncDispose]()
  }
}

/** Wallet and chain; nothing for a home that deals in credits only. */
export function moneyFindings({ address, state, file, chain }: MoneyStatus): Finding[] {
  if (address === null && chain === null) return []
  const wallet: Finding =
    address === null
      ? { name: 'wallet', state: 'weak', detail: 'none: nothing is paid in tokens', fix: 'haggle wallet new' }
      : state === 'locked'
        ? { name: 'wallet', state: 'weak', detail: `${address} is locked: nothing is paid or claimed`, fix: 'haggle wallet unlock' }
        : { name: 'wallet', state: 'ok', detail: `${address}, ${file} 0600` }
  if (chain === null) return [wallet]
  const problem = chain.problem
  return [
    wallet,
    problem === null
      ? { name: 'chain', state: 'ok', detail: `${chain.id} at ${chain.host}${chain.block === null ? '' : `, block ${chain.block}`}` }
      : {
          name: 'chain',
          state: 'bad',
          detail: `${problem.message} (${problem.code})`,
          fix: 'check chain-rpc: haggle config get chain-rpc',
        },
  ]
}

/** Whether something answers at a relay's address. */
async function relay(address: string): Promise<Finding> {
  const found = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(address)
  if (found === null) return { name: 'relay', state: 'weak', detail: `${address} can't be tried without the agent` }
  const startedAt = performance.now()
  const wrong = await new Promise<string | undefined>((done) => {
    const socket = connect({ host: found[1] ?? '', port: Number(found[2]), timeout: RELAY_MS })
    const end = (why?: string): void => {
      socket.destroy()
      done(why)
    }
    socket.on('connect', () => end())
    socket.on('timeout', () => end(`no answer in ${RELAY_MS / 1000} s`))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
  if (wrong !== undefined)
    return { name: 'relay', state: 'bad', detail: `${address}: ${wrong}`, fix: 'check the address, or name another with --bootstrap' }
  return {
    name: 'relay',
    state: 'ok',
    detail: `${address.replace(/\/p2p\/.*/, '')} answers in ${Math.round(performance.now() - startedAt)} ms`,
  }
}
