// A small market in memory under a virtual clock, for this library's tests.

import { createIdentity, portableSuite } from '@haggle/identity'
import type { Identity } from '@haggle/identity'
import { memoryNetwork } from '@haggle/mesh'
import type { MemoryNetwork, MemoryNode } from '@haggle/mesh'
import type { Offer } from '@haggle/offer'
import { networkId, seal } from '@haggle/wire'
import type { Message, Suite } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import type { VirtualClock } from '@haggle/wire/testing'
import { advertMessage, createDiscovery } from './mod.ts'
import type { Advert, Announcement, Discovery, DiscoveryOptions } from './mod.ts'
import { SMALL_OFFER, standingOffer } from './testing.ts'

export const NETWORK_ID: Uint8Array = networkId('devnet-test')
export const SUITE: Suite = portableSuite()

/** A node of the market. */
interface TestNode {
  readonly identity: Identity
  readonly network: MemoryNode
  readonly discovery: Discovery
  /** Puts an offer on sale; the patch is kept in `offer`. */
  sell(patch?: Partial<Offer>): Promise<Announcement>
  offer: Offer
}

/** The market of one test. */
export interface TestMarket {
  readonly hub: MemoryNetwork
  readonly clock: VirtualClock
  join(n: number, options?: Partial<DiscoveryOptions>): Promise<TestNode>
  connect(a: TestNode, b: TestNode): Promise<void>
}

export function identityOf(n: number): Identity {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, n)
  return createIdentity(seed)
}

/** Makes a market. Messages take 1 ms of virtual time. */
export function testMarket(): TestMarket {
  const clock = virtualClock()
  const hub = memoryNetwork({ clock, delayMs: 1 })
  return {
    hub,
    clock,
    join: async (n, options = {}) => {
      const identity = identityOf(n)
      const network = hub.join(identity)
      const parts = { networkId: NETWORK_ID, suite: SUITE, clock }
      const discovery = createDiscovery({ ...parts, network, signer: identity.signer, random: seededRandom(n), ...options })
      await discovery.start()
      const node: TestNode = {
        identity,
        network,
        discovery,
        offer: SMALL_OFFER,
        sell: (patch = {}) => {
          node.offer = { ...node.offer, ...patch }
          return discovery.announce(() => standingOffer(identity, { ...parts, offer: node.offer }))
        },
      }
      return node
    },
    connect: async (a, b) => {
      const done = a.network.connect({ peerId: b.network.peerId })
      await clock.settle(20)
      await done
    },
  }
}

/** Runs `work` while virtual time passes, `stepMs` a turn. */
export async function during<T>(clock: VirtualClock, work: Promise<T>, stepMs: number = 1): Promise<T> {
  let isDone = false
  const finish = (): void => {
    isDone = true
  }
  work.then(finish, finish)
  while (!isDone) await clock.settle(stepMs)
  return work
}

/** Everything that an iterable gives. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}

/** A signed advert, with what a test wants changed. */
export function advertOf(
  identity: Identity,
  patch: Partial<Advert> = {},
  header: { seq?: number; iat?: number; exp?: number; network?: Uint8Array } = {},
): Message<Advert> {
  const iat = header.iat ?? Date.UTC(2026, 0, 1) / 1_000
  const ttlS = patch.ttlS ?? 75
  return seal(
    // A hostile sender keeps to no lifetime.
    { ...advertMessage, maxLifetimeS: 100_000 },
    {
      network: header.network ?? NETWORK_ID,
      audience: null,
      thread: null,
      seq: header.seq ?? iat,
      prev: null,
      ack: null,
      iat,
      exp: header.exp ?? iat + ttlS,
      body: {
        digest: new Uint8Array(32).fill(1),
        classIndex: 0,
        vramTier: 0,
        freeCount: 1,
        priceBucket: 60,
        region: 'DE',
        runnerBits: 33,
        depth: 0,
        addresses: [],
        ...patch,
        ttlS,
      },
    },
    identity.signer,
    SUITE,
  )
}
