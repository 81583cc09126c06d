// One agent from start to end: the lock is the store's, then the socket; signals drain it, and leaving is polite.

import type { Market } from '@haggle/market'
import type { Boot } from '../boot.ts'
import { describe } from '../failure.ts'
import type { Found } from '../hardware.ts'
import { type HomePaths, loadConfig } from '../home.ts'
import type { Log } from './log.ts'
import type { Money } from './money.ts'
import { AgentServer, IDLE_MS } from './server.ts'
import { Service } from './service.ts'

/** Open commands get this long to end when the agent leaves. */
const LEAVE_GRACE_MS = 2000

/** What an agent is made of. */
export interface AgentInit {
  readonly paths: HomePaths
  readonly boot: Boot
  /** Joins the market. It takes the home's lock: rejects with E_HOME_BUSY when another process has it. */
  readonly join: () => Promise<Joined>
  readonly log: Log
  readonly version: string
  /** Leaves after this long with nothing open; null: stays. Default 10 minutes. */
  readonly idleMs?: number | null
  /** Between two looks whether the socket's file is still there. Default 10 s. */
  readonly lookMs?: number
}

/** A node of the market, as the agent needs it. */
export interface Joined {
  readonly market: Market
  readonly hardware: Found | null
  readonly money: Money
  /** Leaves the market and gives everything back, the home's lock last. With `kill`, jobs of others end too. */
  leave(options: { kill: boolean }): Promise<void>
}

/** A running agent. */
export interface Agent {
  readonly market: Market
  /** Leaves: no new calls, offers withdrawn, jobs of others awaited when `drain`. Same promise on every call. */
  stop(options?: { drain?: boolean; kill?: boolean }): Promise<void>
  /** Takes over what changed in the configuration file. */
  reload(): Promise<void>
  /** Resolves once it has left. */
  readonly gone: Promise<void>
}

/** Starts an agent: joins the market, then answers on the home's socket. */
export async function startAgent(init: AgentInit): Promise<Agent> {
  const startedAt = Date.now()
  const { paths, boot, log } = init
  const joined = await init.join()
  const { market, hardware, money } = joined
  let left: (() => void) | undefined
  const gone = new Promise<void>((done) => (left = done))
  let stopping: Promise<void> | undefined
  const stop = (options: { drain?: boolean; kill?: boolean } = {}): Promise<void> => {
    stopping ??= (async () => {
      log('info', 'leaving', { drain: options.drain === true })
      // The socket goes last, after the home's lock: a command that finds no socket may start the next agent at once.
      server.refuse()
      const results = await Promise.allSettled([service.close({ drain: options.drain === true })])
      results.push(...(await Promise.allSettled([joined.leave({ kill: options.kill === true })])))
      results.push(...(await Promise.allSettled([server.close(LEAVE_GRACE_MS)])))
      for (const result of results)
        if (result.status === 'rejected') log('error', 'leave_failed', { code: describe(result.reason).code, error: result.reason })
      log('info', 'left')
      left?.()
    })()
    return stopping
  }
  const leave = (options: { kill?: boolean } = {}): void => void stop(options)
  const service = new Service({
    market,
    money,
    boot,
    receipts: paths.receipts,
    log,
    version: init.version,
    startedAt,
    hardware,
    leave: (options) => setImmediate(leave, options),
  })
  const server = new AgentServer({
    socket: paths.socket,
    boot,
    service,
    log,
    startedAt,
    idleMs: init.idleMs === undefined ? IDLE_MS : init.idleMs,
    leave,
    ...(init.lookMs === undefined ? {} : { lookMs: init.lookMs }),
  })
  try {
    await server.listen()
  } catch (error) {
    await joined.leave({ kill: false })
    throw error
  }
  log('info', 'ready', { peerId: market.peerId, network: boot.network, tookMs: Date.now() - startedAt })
  return { market, stop, gone, reload: async () => await service.reload(loadConfig(paths.config)) }
}
