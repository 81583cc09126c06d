// A network in one process: the same promises as libp2p's (order, backpressure, loss of connections), with chosen and seeded delays.

import type { Clock } from '@haggle/wire'
import { dialFailed, networkStopped, protocolTaken, protocolUnsupported } from './errors.ts'
import { memoryStreamPair } from './_memory_stream.ts'
import type { MemoryStream } from './_memory_stream.ts'
import type { ByteStream, GossipMessage, GossipVerdict, HandleOptions, Network, NetworkListener, Path, PeerTarget } from './network.ts'

/** Options of {@link memoryNetwork}. */
export interface MemoryNetworkOptions {
  /** Time of the delays. Without it everything is delivered in a later turn of the event loop and `delayMs` must be 0. */
  readonly clock?: Clock
  /** One-way delay of a message in ms: a number, or a function (seeded, for a simulation) that is asked for every message. Default 0. */
  readonly delayMs?: number | (() => number)
}

/** Who joins: any key pair will do, an `Identity` fits. */
export interface MemoryIdentity {
  readonly publicKey: Uint8Array
  readonly peerId: string
}

/** A node of a {@link MemoryNetwork}. */
export interface MemoryNode extends Network {
  /** Leaves: every connection ends at once, as when the process dies. */
  stop(): Promise<void>
}

/** The hub that memory nodes meet at. */
export interface MemoryNetwork {
  /** Adds a node. A PeerId that is present already is replaced, as a restarted process would. */
  join(identity: MemoryIdentity): MemoryNode
  /** Ends the connection of two nodes and refuses new ones until {@link MemoryNetwork.heal}. */
  cut(a: string, b: string): void
  heal(a: string, b: string): void
  /** Stops every node. */
  stop(): Promise<void>
}

const MAX_INBOUND_STREAMS = 32
/** Gossip messages remembered for deduplication, per node. */
const SEEN_MESSAGES = 4096

/**
 * Makes a network of nodes in this process.
 *
 * @example
 * ```ts
 * import { memoryNetwork } from "@haggle/mesh";
 * import { expect } from "vitest";
 *
 * const hub = memoryNetwork();
 * const a = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: "a" });
 * const b = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: "b" });
 * await b.handle("/echo/1", async (stream) => {
 *   for await (const chunk of stream) await stream.send(chunk);
 *   await stream.close();
 * });
 * const stream = await a.open({ peerId: "b" }, "/echo/1");
 * await stream.send(new Uint8Array([1, 2, 3]));
 * await stream.closeWrite();
 * const got: number[] = [];
 * for await (const chunk of stream) got.push(...chunk);
 * expect(got).toEqual([1, 2, 3]);
 * await hub.stop();
 * ```
 */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Hub(options)
}

class Hub implements MemoryNetwork {
  readonly nodes: Map<string, Node> = new Map()
  readonly providers: Map<string, Map<string, PeerTarget>> = new Map()
  readonly #cuts: Set<string> = new Set()
  readonly #clock: Clock | undefined
  readonly #delay: () => number
  #joined = 0

  constructor(options: MemoryNetworkOptions) {
    this.#clock = options.clock
    const delay = options.delayMs ?? 0
    this.#delay = typeof delay === 'number' ? () => delay : delay
  }

  join(identity: MemoryIdentity): MemoryNode {
    this.nodes.get(identity.peerId)?.leave()
    this.#joined += 1
    const node = new Node(this, identity, `/memory/${this.#joined}/p2p/${identity.peerId}`)
    this.nodes.set(identity.peerId, node)
    return node
  }

  cut(a: string, b: string): void {
    this.#cuts.add(pair(a, b))
    this.unlink(a, b)
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(pair(a, b))
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pair(a, b))
  }

  async stop(): Promise<void> {
    for (const node of [...this.nodes.values()]) node.leave()
  }

  /** Runs `deliver` one hop later. A lane keeps its own order whatever the delays are. */
  lane(): (deliver: () => void) => void {
    let free = 0
    return (deliver) => {
      const clock = this.#clock
      if (clock === undefined) {
        void Promise.resolve().then(deliver)
        return
      }
      const at = Math.max(free, clock.monotonicMs() + this.#delay())
      free = at
      clock.after(at - clock.monotonicMs(), deliver)
    }
  }

  hop(): Promise<void> {
    return new Promise((resolve) => this.lane()(resolve))
  }

  unlink(a: string, b: string): void {
    this.nodes.get(a)?.forget(b)
    this.nodes.get(b)?.forget(a)
  }
}

/** One connection, seen from one of its ends. */
interface Link {
  readonly streams: Set<MemoryStream>
  readonly gossip: (deliver: () => void) => void
}

class Node implements MemoryNode {
  readonly publicKey: Uint8Array
  readonly peerId: string
  readonly #hub: Hub
  readonly #address: string
  readonly #links: Map<string, Link> = new Map()
  readonly #handlers: Map<string, { handler: (stream: ByteStream) => Promise<void>; limit: number }> = new Map()
  readonly #topics: Map<string, (message: GossipMessage) => GossipVerdict> = new Map()
  readonly #listeners: Set<NetworkListener> = new Set()
  readonly #seen: Set<string> = new Set()
  #stopped = false

  constructor(hub: Hub, identity: MemoryIdentity, address: string) {
    this.#hub = hub
    this.publicKey = identity.publicKey
    this.peerId = identity.peerId
    this.#address = address
  }

  addresses(): string[] {
    return this.#stopped ? [] : [this.#address]
  }

  peers(): string[] {
    return [...this.#links.keys()]
  }

  path(peerId: string): Path | undefined {
    return this.#links.has(peerId) ? { kind: 'memory', address: this.#hub.nodes.get(peerId)?.addresses()[0] ?? '' } : undefined
  }

  async connect(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#alive()
    options.signal?.throwIfAborted()
    if (this.#links.has(target.peerId)) return
    await this.#hub.hop()
    await this.#hub.hop()
    options.signal?.throwIfAborted()
    this.#alive()
    const other = this.#hub.nodes.get(target.peerId)
    if (other === undefined || other === this)
      throw dialFailed(
        target.peerId,
        (target.addresses ?? []).map((address) => `${address}: no such node`),
      )
    if (this.#hub.isCut(this.peerId, target.peerId)) throw dialFailed(target.peerId, [`${other.#address}: the network is cut`])
    this.#link(other)
    other.#link(this)
  }

  async disconnect(peerId: string): Promise<void> {
    this.#hub.unlink(this.peerId, peerId)
  }

  async open(target: PeerTarget, protocol: string, options: { signal?: AbortSignal } = {}): Promise<ByteStream> {
    await this.connect(target, options)
    await this.#hub.hop()
    options.signal?.throwIfAborted()
    const other = this.#hub.nodes.get(target.peerId)
    const link = this.#links.get(target.peerId)
    const remoteLink = other === undefined ? undefined : other.#links.get(this.peerId)
    if (other === undefined || link === undefined || remoteLink === undefined) throw dialFailed(target.peerId, ['the connection was lost'])
    const served = other.#handlers.get(protocol)
    if (served === undefined) throw protocolUnsupported(target.peerId, protocol)
    const open = [...remoteLink.streams].filter((stream) => stream.protocol === protocol && stream.inbound).length
    const [near, far] = memoryStreamPair(
      { publicKey: this.publicKey, peerId: this.peerId },
      { publicKey: other.publicKey, peerId: other.peerId },
      { protocol, near: this.#hub.lane(), far: this.#hub.lane() },
    )
    link.streams.add(near)
    remoteLink.streams.add(far)
    void near.closed.then(() => link.streams.delete(near))
    void far.closed.then(() => remoteLink.streams.delete(far))
    if (open >= served.limit) far.abort(new Error(`too many streams of ${protocol}`))
    else void served.handler(far).catch((error: unknown) => far.abort(error instanceof Error ? error : new Error(String(error))))
    return near
  }

  async handle(
    protocol: string,
    handler: (stream: ByteStream) => Promise<void>,
    options: HandleOptions = {},
  ): Promise<() => Promise<void>> {
    this.#alive()
    if (this.#handlers.has(protocol)) throw protocolTaken(protocol)
    this.#handlers.set(protocol, { handler, limit: options.maxInboundStreams ?? MAX_INBOUND_STREAMS })
    return async () => {
      this.#handlers.delete(protocol)
    }
  }

  async subscribe(topic: string, validate: (message: GossipMessage) => GossipVerdict): Promise<() => Promise<void>> {
    this.#alive()
    this.#topics.set(topic, validate)
    return async () => {
      this.#topics.delete(topic)
    }
  }

  async publish(topic: string, data: Uint8Array): Promise<number> {
    this.#alive()
    this.#remember(topic, data)
    return this.#forward(topic, data.slice(), undefined)
  }

  async provide(key: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#alive()
    await this.#hub.hop()
    options.signal?.throwIfAborted()
    const id = String.fromCharCode(...key)
    const found = this.#hub.providers.get(id) ?? new Map<string, PeerTarget>()
    found.set(this.peerId, { peerId: this.peerId, addresses: this.addresses() })
    this.#hub.providers.set(id, found)
  }

  async *findProviders(key: Uint8Array, options: { signal?: AbortSignal } = {}): AsyncGenerator<PeerTarget, void, undefined> {
    this.#alive()
    // A lookup asks connected peers; with none there is nobody to ask.
    if (this.#links.size === 0) return
    for (const target of [...(this.#hub.providers.get(String.fromCharCode(...key))?.values() ?? [])]) {
      await this.#hub.hop()
      options.signal?.throwIfAborted()
      if (target.peerId !== this.peerId) yield target
    }
  }

  listen(listener: NetworkListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.leave()
  }

  leave(): void {
    if (this.#stopped) return
    for (const peerId of this.peers()) this.#hub.unlink(this.peerId, peerId)
    this.#stopped = true
    this.#handlers.clear()
    this.#topics.clear()
    if (this.#hub.nodes.get(this.peerId) === this) this.#hub.nodes.delete(this.peerId)
  }

  forget(peerId: string): void {
    const link = this.#links.get(peerId)
    if (link === undefined) return
    this.#links.delete(peerId)
    for (const stream of [...link.streams]) stream.lose(new Error('the connection was lost'))
    for (const listener of [...this.#listeners]) listener.disconnected?.(peerId)
  }

  #link(other: Node): void {
    if (this.#links.has(other.peerId)) return
    this.#links.set(other.peerId, { streams: new Set(), gossip: this.#hub.lane() })
    for (const listener of [...this.#listeners]) listener.connected?.(other.peerId)
  }

  /** Hands a message to every connected subscriber but the one it came from: a flood, as in a mesh smaller than gossipsub's degree. */
  #forward(topic: string, data: Uint8Array, except: string | undefined): number {
    let sent = 0
    for (const [peerId, link] of this.#links) {
      const other = this.#hub.nodes.get(peerId)
      if (other === undefined || peerId === except || !other.#topics.has(topic)) continue
      sent += 1
      link.gossip(() => {
        if (this.#links.get(peerId) === link) other.#receive(topic, data, this.peerId)
      })
    }
    return sent
  }

  #receive(topic: string, data: Uint8Array, from: string): void {
    const validate = this.#topics.get(topic)
    if (validate === undefined || !this.#remember(topic, data)) return
    if (validate({ topic, data, from }) === 'accept') this.#forward(topic, data, from)
  }

  /** True when the message is new here. */
  #remember(topic: string, data: Uint8Array): boolean {
    const id = `${topic}\0${String.fromCharCode(...data)}`
    if (this.#seen.has(id)) return false
    this.#seen.add(id)
    const oldest = this.#seen.values().next()
    if (this.#seen.size > SEEN_MESSAGES && oldest.done !== true) this.#seen.delete(oldest.value)
    return true
  }

  #alive(): void {
    if (this.#stopped) throw networkStopped()
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
