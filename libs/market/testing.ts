/**
 * A market in memory, for tests of programs that embed it: no sockets, no processes, the real protocols.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { createIdentity, portableSuite } from '@haggle/identity'
import { type MemoryJob, type MemoryJobHost, memoryJobHost } from '@haggle/job'
import { type MemoryNetwork, type MemoryNode, memoryNetwork } from '@haggle/mesh'
import { sampleCpu } from '@haggle/offer/testing'
import { type Journal, memoryJournal } from '@haggle/reputation'
import { memoryStore, type Store } from '@haggle/store'
import { type Clock, networkId, type Random, systemClock, systemRandom } from '@haggle/wire'
import { collectFiles } from './job_files.ts'
import { createMarket, type StartableMarket } from './market_node.ts'
import { type NodeMemory, openNodeMemory } from './node_memory.ts'
import type { Machine, OpenCourt, OpenRail } from './parts.ts'

/** How {@link memoryMarket} is made. */
export interface MemoryMarketOptions {
  readonly clock?: Clock
  readonly random?: Random
}

/** What a member of a memory market is. */
export interface MemberOptions {
  /** The jobs of its contracts: resolves with the exit code. Without it the member only rents. */
  readonly run?: (job: MemoryJob) => Promise<number>
  /** What runs them instead: given again, it is a host that outlived the member, with all its jobs. */
  readonly host?: MemoryJobHost
  readonly machine?: Machine
  /** Ways to pay besides the free rail, the usual one first. */
  readonly rails?: readonly OpenRail[]
  /** The court of one of these rails. */
  readonly court?: OpenCourt
  /** Its own clock, where that is not the market's. */
  readonly clock?: Clock
  /** What the member keeps: given again, it is the same member after a restart. Default: a fresh one. */
  readonly home?: MemoryHome
}

/** A member's home in memory. Its parts may be taken away or exchanged between two lives, as files may. */
export interface MemoryHome {
  readonly seed: Uint8Array
  readonly store: Store
  /** Journals of the member's logs, by number. */
  readonly journals: Journal[]
}

/** A fresh home. */
export function memoryHome(random: Random = systemRandom()): MemoryHome {
  return { seed: random(32), store: memoryStore(), journals: [] }
}

/** A market whose members meet in memory. */
export interface MemoryMarket {
  readonly network: MemoryNetwork
  /** A new member, connected to all others. */
  join(options?: MemberOptions): Promise<StartableMarket>
  /** Takes a member's connections away at once, as when its process dies. */
  leave(member: StartableMarket): Promise<void>
  close(): Promise<void>
}

/** The machine of a member that names none. */
export const TEST_MACHINE: Machine = {
  devices: [sampleCpu({ vendor: 'test', model: 'memory' })],
  cpu: { model: 'memory', cores: 2, threads: 2 },
  memMiB: 4096,
  diskMiB: 4096,
  net: { downKbps: null, upKbps: null },
  os: 'linux',
  arch: 'x64',
}

/**
 * A market in memory.
 *
 * @example
 * ```ts
 * import { memoryMarket } from "@haggle/market/testing";
 * import { expect } from "vitest";
 *
 * await using market = await memoryMarket();
 * const provider = await market.join({ run: async (job) => (job.write("stdout", "hello\n"), 0) });
 * await provider.provide({ price: "0.01" });
 * const renter = await market.join();
 * const job = await renter.run({ command: ["say", "hello"] });
 * expect((await job.done).exitCode).toBe(0);
 * ```
 */
export async function memoryMarket(options: MemoryMarketOptions = {}): Promise<MemoryMarket & AsyncDisposable> {
  const clock = options.clock ?? systemClock()
  const random = options.random ?? systemRandom()
  const suite = portableSuite()
  const network = memoryNetwork()
  const members: StartableMarket[] = []
  const nodes = new Map<StartableMarket, MemoryNode>()
  const memories = new Map<StartableMarket, NodeMemory>()
  const close = async (): Promise<void> => {
    for (const member of members.splice(0)) await member.close()
    await network.stop()
  }
  return {
    network,
    async join({ run, host: given, machine = TEST_MACHINE, rails, court, clock: own = clock, home = memoryHome(random) } = {}) {
      const identity = createIdentity(home.seed)
      const node = network.join(identity)
      const memory = await openNodeMemory({
        network: node,
        networkId: networkId('devnet-memory'),
        store: home.store.sub('memory'),
        journal: async (log) => (home.journals[log] ??= memoryJournal()),
        signer: identity.signer,
        suite,
        clock: own,
        random,
      })
      const host = given ?? (run === undefined ? undefined : memoryJobHost({ run, clock: own, sha256: suite.sha256 }))
      const started = createMarket({
        network: node,
        networkId: networkId('devnet-memory'),
        identity,
        suite,
        clock: own,
        random,
        hashing: () => {
          const hash = createHash('sha256')
          return { update: (chunk) => void hash.update(chunk), digest: () => new Uint8Array(hash.digest()) }
        },
        store: home.store.sub('market'),
        memory,
        rails: await Promise.all(
          (rails ?? []).map((open) => open({ store: home.store.sub('rails'), clock: own, random, sha256: suite.sha256 })),
        ),
        ...(court === undefined ? {} : { court }),
        collect: collectFiles,
        ...(host === undefined ? {} : { provider: { host, files: host.files, machine } }),
      })
      const member = withMemory(started, memory)
      await member.start()
      for (const other of members) await node.connect({ peerId: other.peerId })
      members.push(member)
      nodes.set(member, node)
      memories.set(member, memory)
      return member
    },
    async leave(member) {
      members.splice(members.indexOf(member), 1)
      await nodes.get(member)?.stop()
      await memories.get(member)?.close()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A member that closes its memory with itself. */
function withMemory(market: StartableMarket, memory: NodeMemory): StartableMarket {
  const end = market.close.bind(market)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= end().then(() => memory.close()))
  return Object.assign(market, { close, [Symbol.asyncDispose]: close })
}
