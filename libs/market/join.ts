// joinMarket(): a node of the market on this machine, over libp2p, with everything it needs made or opened.

import { createHash, randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { advertTopics } from '@haggle/discovery'
import { findHardware, freeDiskMiB } from '@haggle/hardware'
import { createIdentity, type Identity } from '@haggle/identity'
import { nodeEd25519, nodeSuite, openKeyFile } from '@haggle/identity/node'
import type { Hasher, JobFiles, JobHost } from '@haggle/job'
import { evidenceTopic, type LogEvent } from '@haggle/log'
import type { Network } from '@haggle/mesh'
import { createNode, type MeshNode } from '@haggle/mesh/node'
import type { OnFault } from '@haggle/negotiate'
import type { PaymentRail } from '@haggle/payment'
import { memoryJournal } from '@haggle/reputation'
import { ledgerJournals } from '@haggle/reputation/node'
import { memoryStore, type Store } from '@haggle/store'
import { type LevelStore, openLevelStore, SMALL_HOME } from '@haggle/store/level'
import { fromHex, HaggleError, networkId, PUBLIC_NETWORK, type Suite, systemClock, systemRandom } from '@haggle/wire'
import { collectFiles } from './job_files.ts'
import { createMarket, type StartableMarket } from './market_node.ts'
import { openNodeMemory } from './node_memory.ts'
import type { Machine, MarketParts, OpenRail, RailParts } from './parts.ts'
import { saveFile } from './save_file.ts'
import { targetOfText } from './target.ts'
import type { Market } from './types.ts'

/** How {@link joinMarket} joins. Everything has a default. */
export interface JoinOptions {
  /** Folder that this process owns: key, store, ledger. Default: nothing is kept, and the key is fresh. A busy home is `E_HOME_BUSY`. */
  readonly home?: string
  /** Default: the home's key, made when there is none. */
  readonly identity?: Identity
  /** Name of the network. Default `haggle`. */
  readonly network?: string
  /** 32 bytes, or 64 hex digits as text: a private swarm. */
  readonly psk?: Uint8Array
  /** Multiaddrs of relays to join through. */
  readonly bootstrap?: readonly string[]
  /** Multiaddrs of peers to deal with, whatever else is found: they are connected before this resolves. */
  readonly peers?: readonly string[]
  /** Multiaddrs to listen on; empty: dial only, and be reached through the bootstrap relays. Default: any port on all addresses. */
  readonly listen?: readonly string[]
  /** Find, and be found, on the local network. Default false. */
  readonly mdns?: boolean
  /** Whoever runs jobs here: `startLauncher()` of `@haggle/runners`. Without it this node only rents. */
  readonly launcher?: JobHost & { readonly files: JobFiles }
  /** What this machine has. Default: what `@haggle/hardware` finds, when there is a launcher. */
  readonly machine?: Machine
  /** Ways to pay and be paid besides the free rail, the usual one first. Default: none. */
  readonly rails?: readonly OpenRail[]
  /** The court of one of these rails. Default: service levels are neither sold nor bought nor witnessed. */
  readonly court?: MarketParts['court']
  /** Told what the court's business of this node did by itself. Default: nobody is told. */
  readonly onCourt?: MarketParts['onCourt']
  readonly signal?: AbortSignal
  /** Told what happens to this node's log: its state, cosignatures, evidence against others. Default: nobody is told. */
  readonly onMemory?: (event: LogEvent) => void
  /** Told what went wrong beside the answer to any call; the node goes on. Default: nobody is told. */
  readonly onProblem?: (error: unknown) => void
  /** Called around every write and send of a negotiation; crash tests end the process there. */
  readonly onFault?: OnFault
}

/** Longest wait for the first of `peers`. Ms. */
const MEET_MS = 10_000

/**
 * Joins the market.
 *
 * @throws HaggleError `E_HOME_BUSY` when another process has the home, `E_KEY_*`, `E_PORT_TAKEN`, `E_ADDRESS`, `E_PSK`, and `E_DIAL` when a peer of
 * `peers` can't be reached.
 */
export async function joinMarket(options: JoinOptions = {}): Promise<Market> {
  const closers: Closers = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const market = await joinWith(options, closers)
    return closing(market, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function joinWith(options: JoinOptions, closers: Closers): Promise<StartableMarket> {
  const { home } = options
  if (home !== undefined) await mkdir(home, { recursive: true, mode: 0o700 })
  const identity =
    options.identity ??
    (home === undefined
      ? createIdentity(new Uint8Array(randomBytes(32)), nodeEd25519())
      : await openKeyFile(join(home, 'key'), { create: true }))
  const store = await openStore(home, closers)
  const psk = options.psk === undefined ? undefined : pskOf(options.psk)
  const id = networkId(options.network ?? PUBLIC_NETWORK, ...(psk === undefined ? [] : [psk]))
  // One memory of screened keys: the gate looks at a key when its connection comes, the market when its messages do.
  const suite = nodeSuite()
  const node = await openNode({ ...options, identity, id, store, suite, ...(psk === undefined ? {} : { psk }) })
  closers.push(() => node.stop())
  const market = await openMarket({ ...options, identity, network: node.network, id, store, suite, repaired: wasRepaired(store) }, closers)
  const targets = (options.peers ?? []).map((text) => targetOfText(text) ?? { peerId: text })
  if (targets.length > 0) {
    const signal = AbortSignal.any([AbortSignal.timeout(MEET_MS), ...(options.signal === undefined ? [] : [options.signal])])
    await market.meet(targets, { signal })
  }
  return market
}

/** What has to be closed again, last one first. */
export type Closers = (() => Promise<void>)[]

/** The home's store, or one in memory. */
export async function openStore(home: string | undefined, closers: Closers): Promise<Store> {
  const store: Store = home === undefined ? memoryStore() : await openLevelStore(join(home, 'store'), SMALL_HOME)
  closers.push(() => store.close())
  return store
}

/** What {@link openMarket} needs: a network that is there, and what {@link JoinOptions} says of the rest. */
export interface OpenMarketOptions extends Pick<
  JoinOptions,
  'home' | 'launcher' | 'machine' | 'rails' | 'court' | 'onCourt' | 'onMemory' | 'onProblem' | 'onFault'
> {
  readonly identity: Identity
  readonly network: Network
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly id: Uint8Array
  readonly store: Store
  /** Default: a `nodeSuite()` of its own. */
  readonly suite?: Suite
  /** True when the store had to be repaired: the ledger in it is checked as a whole. Default false. */
  readonly repaired?: boolean
}

/** True for a store on disk that was damaged when it was opened. */
export function wasRepaired(store: Store | LevelStore): boolean {
  return 'repaired' in store && store.repaired
}

/** Opens the ledger and starts a market over a network. */
export async function openMarket(options: OpenMarketOptions, closers: Closers): Promise<StartableMarket> {
  const { home, identity, network, id, store, launcher, onProblem, onFault } = options
  const suite = options.suite ?? nodeSuite()
  const clock = systemClock()
  const random = systemRandom()
  const memory = await openNodeMemory({
    network,
    networkId: id,
    store: store.sub('memory'),
    journal: home === undefined ? async () => memoryJournal() : ledgerJournals(home),
    signer: identity.signer,
    suite,
    clock,
    random,
    suspect: options.repaired ?? false,
    ...(options.onMemory === undefined ? {} : { onEvent: options.onMemory }),
    ...(onProblem === undefined ? {} : { onProblem }),
  })
  closers.push(() => memory.close())
  const machine =
    launcher === undefined ? undefined : (options.machine ?? machineOf(await findHardware(home === undefined ? {} : { diskPath: home })))
  const room = home === undefined ? {} : { freeDiskMiB: () => freeDiskMiB(home) }
  const market = createMarket({
    network,
    networkId: id,
    identity,
    suite,
    clock,
    random,
    hashing: nativeHasher,
    store: store.sub('market'),
    memory,
    rails: await openRails(options.rails ?? [], { store: store.sub('rails'), clock, random, sha256: suite.sha256 }, closers),
    ...(options.court === undefined ? {} : { court: options.court }),
    ...(options.onCourt === undefined ? {} : { onCourt: options.onCourt }),
    collect: collectFiles,
    saveFile,
    ...(launcher === undefined || machine === undefined ? {} : { provider: { host: launcher, files: launcher.files, machine, ...room } }),
    ...(onProblem === undefined ? {} : { onProblem }),
    ...(onFault === undefined ? {} : { onFault }),
  })
  closers.push(() => market.close())
  await market.start()
  return market
}

/** Opens rails one after the other: they share a store. Those that are open are closed again when a later one can't be opened. */
async function openRails(rails: readonly OpenRail[], parts: RailParts, closers: Closers): Promise<PaymentRail[]> {
  const open: PaymentRail[] = []
  for (const rail of rails) {
    const opened = await rail(parts)
    closers.push(() => opened.close())
    open.push(opened)
  }
  return open
}

function openNode({
  identity,
  id,
  store,
  suite,
  ...options
}: JoinOptions & { identity: Identity; id: Uint8Array; store: Store; suite: Suite }): Promise<MeshNode> {
  const { listen, bootstrap, mdns, psk, onProblem } = options
  const dialOnly = listen !== undefined && listen.length === 0
  return createNode({
    seed: identity.seed,
    networkId: id,
    topics: [...advertTopics(id), evidenceTopic(id)],
    preset: dialOnly ? 'client' : 'node',
    ...(listen === undefined ? {} : { listen }),
    bootstrap: bootstrap ?? [],
    // A node that listens may still be out of reach: it keeps a place at its relays.
    relays: bootstrap ?? [],
    mdns: mdns ?? false,
    storage: store.sub('mesh'),
    screenKey: (key) => suite.screenKey(key),
    ...(onProblem === undefined ? {} : { onProblem }),
    ...(psk === undefined ? {} : { psk }),
  })
}

/** What of the found hardware goes into offers. */
export function machineOf({ devices, cpu, memMiB, diskMiB, net, os, arch }: Machine): Machine {
  return { devices, cpu, memMiB, diskMiB, net, os, arch }
}

function closing(market: StartableMarket, close: () => Promise<void>): Market {
  let closed: Promise<void> | undefined
  const once = (): Promise<void> => (closed ??= close())
  return Object.assign(market, { close: once, [Symbol.asyncDispose]: once })
}

function nativeHasher(): Hasher {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => new Uint8Array(hash.digest()) }
}

function pskOf(given: Uint8Array): Uint8Array {
  if (given.length === 32) return new Uint8Array(given)
  const text = new TextDecoder().decode(given).trim()
  if (/^[0-9a-fA-F]{64}$/.test(text)) return fromHex(text, 32)
  throw new HaggleError('E_PSK', 'The pre-shared key must be 32 bytes, or 64 hex digits', {
    next: 'make one: head -c 32 /dev/urandom | xxd -p -c 64',
  })
}
