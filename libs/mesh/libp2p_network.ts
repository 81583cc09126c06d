// libp2p as a Network: streams by key, paths for people, gossip with a validator, provider records.

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { HaggleError } from '@haggle/wire'
import { dialFailed, protocolTaken, protocolUnsupported, topicClosed } from './errors.ts'
import { libp2pParts } from './libp2p_parts.ts'
import type { Libp2pParts, Libp2pSource } from './libp2p_parts.ts'
import { libp2pStream } from './libp2p_stream.ts'
import { openBare, OptimisticNegotiation } from './_optimistic.ts'
import type { ByteStream, GossipMessage, GossipVerdict, HandleOptions, Network, NetworkListener, Path, PeerTarget } from './network.ts'

/** Streams of one protocol that one peer may have open, when the handler does not say. */
const MAX_INBOUND_STREAMS = 32
/** We open as many as we like: the other side's limit is what counts. */
const MAX_OUTBOUND_STREAMS = 1_000
/** multihash code of sha2-256. */
const SHA2_256 = 0x12

/** Options of {@link libp2pNetwork}. */
export interface Libp2pNetworkOptions {
  /** Topics that the node's gossipsub allows; using another one is `E_TOPIC_CLOSED`. Default: the node decides. */
  readonly topics?: ReadonlySet<string>
  /** Told of each gossip message that a validator called `flood`, with the neighbour that sent it. Default: the neighbour is disconnected. */
  readonly onFlood?: (peerId: string) => void
}

/**
 * The Network over a libp2p node, or over the components that a libp2p service is given. It starts and stops nothing of the node.
 *
 * Throws `E_SERVICE_MISSING` with the service's name when the node lacks one, and `E_NETWORK_KEY` when its key is not Ed25519.
 */
export function libp2pNetwork(source: Libp2pSource, options: Libp2pNetworkOptions = {}): Network {
  return new Libp2pNetwork(libp2pParts(source), options)
}

class Libp2pNetwork implements Network {
  readonly publicKey: Uint8Array
  readonly peerId: string
  readonly #parts: Libp2pParts
  readonly #topics: ReadonlySet<string> | undefined
  readonly #onFlood: (peerId: string) => void
  readonly #inbound: Map<string, number> = new Map()

  constructor(parts: Libp2pParts, options: Libp2pNetworkOptions) {
    this.#parts = parts
    this.#topics = options.topics
    this.#onFlood = options.onFlood ?? ((peerId) => void this.disconnect(peerId).catch(() => undefined))
    this.publicKey = ed25519Key(parts.peerId)
    this.peerId = parts.peerId.toString()
  }

  addresses(): string[] {
    const own = `/p2p/${this.peerId}`
    return this.#parts.addresses().map((address) => {
      const text = address.toString()
      return text.endsWith(own) ? text : text + own
    })
  }

  peers(): string[] {
    return [
      ...new Set(
        this.#parts
          .connections()
          .filter((c) => c.status === 'open')
          .map((c) => c.remotePeer.toString()),
      ),
    ]
  }

  path(peerId: string): Path | undefined {
    const connection = this.#best(peerId)
    return connection === undefined ? undefined : pathOf(connection.remoteAddr)
  }

  async connect(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#connection(target, options.signal)
  }

  async disconnect(peerId: string): Promise<void> {
    await this.#parts.hangUp(peerIdFromString(peerId))
  }

  async open(target: PeerTarget, protocol: string, options: { signal?: AbortSignal; optimistic?: boolean } = {}): Promise<ByteStream> {
    const connection = await this.#connection(target, options.signal)
    const remoteKey = ed25519Key(connection.remotePeer)
    const bare = options.optimistic === true ? await openBare(connection, protocol).catch(() => undefined) : undefined
    if (bare !== undefined) return libp2pStream(bare, connection, { remoteKey, negotiation: new OptimisticNegotiation(protocol) })
    let stream: Stream
    try {
      stream = await connection.newStream(protocol, {
        maxOutboundStreams: MAX_OUTBOUND_STREAMS,
        runOnLimitedConnection: true,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      })
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') throw protocolUnsupported(target.peerId, protocol, error)
      throw dialFailed(target.peerId, [`${connection.remoteAddr.toString()}: ${reasonOf(error)}`], error)
    }
    return libp2pStream(stream, connection, { remoteKey })
  }

  async handle(
    protocol: string,
    handler: (stream: ByteStream) => Promise<void>,
    options: HandleOptions = {},
  ): Promise<() => Promise<void>> {
    const limit = options.maxInboundStreams ?? MAX_INBOUND_STREAMS
    const onStream = async (stream: Stream, connection: Connection): Promise<void> => {
      // libp2p counts per connection, and a peer may have several.
      const slot = `${protocol} ${connection.remotePeer.toString()}`
      const open = (this.#inbound.get(slot) ?? 0) + 1
      if (open > limit) {
        stream.abort(new Error(`more than ${limit} streams of ${protocol}`))
        return
      }
      this.#inbound.set(slot, open)
      let bytes: ByteStream
      try {
        bytes = libp2pStream(stream, connection, { remoteKey: ed25519Key(connection.remotePeer) })
      } catch (error) {
        this.#release(slot)
        throw error
      }
      void bytes.closed.then(() => this.#release(slot))
      try {
        await handler(bytes)
      } catch (error) {
        bytes.abort(error instanceof Error ? error : new Error(String(error)))
      }
    }
    try {
      await this.#parts.handle(protocol, onStream, {
        maxInboundStreams: limit,
        maxOutboundStreams: MAX_OUTBOUND_STREAMS,
        runOnLimitedConnection: true,
      })
    } catch (error) {
      if (error instanceof Error && error.name === 'DuplicateProtocolHandlerError') throw protocolTaken(protocol)
      throw error
    }
    return () => this.#parts.unhandle(protocol)
  }

  async subscribe(topic: string, validate: (message: GossipMessage) => GossipVerdict): Promise<() => Promise<void>> {
    this.#checkTopic(topic)
    const pubsub = this.#parts.pubsub
    pubsub.topicValidators.set(topic, (peer, message) => {
      const from = peer.toString()
      const verdict = validate({ topic, data: message.data, from })
      if (verdict !== 'flood') return verdict
      this.#onFlood(from)
      return 'ignore'
    })
    pubsub.subscribe(topic)
    return async () => {
      pubsub.unsubscribe(topic)
      pubsub.topicValidators.delete(topic)
    }
  }

  async publish(topic: string, data: Uint8Array): Promise<number> {
    this.#checkTopic(topic)
    const result = await this.#parts.pubsub.publish(topic, data, { allowPublishToZeroTopicPeers: true, ignoreDuplicatePublishError: true })
    return result.recipients.length
  }

  async provide(key: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#parts.contentRouting.provide(cidOf(key), options)
  }

  async *findProviders(key: Uint8Array, options: { signal?: AbortSignal } = {}): AsyncGenerator<PeerTarget, void, undefined> {
    for await (const found of this.#parts.contentRouting.findProviders(cidOf(key), options)) {
      const peerId = found.id.toString()
      if (peerId !== this.peerId) yield { peerId, addresses: found.multiaddrs.flatMap(textOf) }
    }
  }

  listen(listener: NetworkListener): () => void {
    const connected = (event: CustomEvent<PeerId>): void => listener.connected?.(event.detail.toString())
    const disconnected = (event: CustomEvent<PeerId>): void => listener.disconnected?.(event.detail.toString())
    this.#parts.events.addEventListener('peer:connect', connected)
    this.#parts.events.addEventListener('peer:disconnect', disconnected)
    return () => {
      this.#parts.events.removeEventListener('peer:connect', connected)
      this.#parts.events.removeEventListener('peer:disconnect', disconnected)
    }
  }

  /** The connection to use: direct before relayed, unlimited before limited. */
  #best(peerId: string): Connection | undefined {
    const rank = (c: Connection): number => (c.direct ? 0 : 2) + (c.limits === undefined ? 0 : 1)
    return this.#parts
      .connections(peerIdFromString(peerId))
      .filter((c) => c.status === 'open')
      .sort((a, b) => rank(a) - rank(b))[0]
  }

  async #connection(target: PeerTarget, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    const peer = parsePeerId(target.peerId)
    const open = this.#best(target.peerId)
    if (open !== undefined) return open
    const addresses = parseAddresses(target)
    const tried: string[] = []
    const options = {
      ...(signal === undefined ? {} : { signal }),
      onProgress: (event: { type: string; detail?: unknown }) => noteAddresses(event, tried),
    }
    try {
      return await this.#parts.dial(addresses.length > 0 ? addresses : peer, options)
    } catch (error) {
      signal?.throwIfAborted()
      // The addresses given may be stale while the peer store or the DHT knows better ones.
      if (addresses.length > 0) {
        const known = await this.#parts.dial(peer, options).catch(() => undefined)
        if (known !== undefined) return known
        signal?.throwIfAborted()
      }
      throw dialFailed(target.peerId, reasons(error, tried), error)
    }
  }

  #checkTopic(topic: string): void {
    if (this.#topics !== undefined && !this.#topics.has(topic)) throw topicClosed(topic)
  }

  #release(slot: string): void {
    const left = (this.#inbound.get(slot) ?? 1) - 1
    if (left <= 0) this.#inbound.delete(slot)
    else this.#inbound.set(slot, left)
  }
}

/** The path that an address takes, as shown to people. */
export function pathOf(address: Multiaddr): Path {
  const text = address.toString()
  const relayed = text.split('/p2p-circuit')
  const relay = relayed.length > 1 ? /\/p2p\/([^/]+)$/.exec(relayed[0] ?? '')?.[1] : undefined
  if (text.includes('/webrtc')) return { kind: 'webrtc', address: text }
  if (relay !== undefined) return { kind: 'relay', relay, address: text }
  return { kind: 'direct', address: text }
}

/** The 32 bytes of an Ed25519 PeerId; `E_NETWORK_KEY` for any other kind. */
function ed25519Key(peerId: PeerId): Uint8Array {
  if (peerId.type !== 'Ed25519') {
    throw new HaggleError('E_NETWORK_KEY', `${peerId.toString()} is not an Ed25519 peer`, {
      next: 'Give the libp2p node an Ed25519 private key',
    })
  }
  return peerId.publicKey.raw
}

function parsePeerId(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch (cause) {
    throw dialFailed(text, ['this is no PeerId'], cause)
  }
}

/** The target's addresses with its PeerId at their end. Ones that can't be read, or name another peer, are left out. */
function parseAddresses(target: PeerTarget): Multiaddr[] {
  const end = `/p2p/${target.peerId}`
  const parsed: Multiaddr[] = []
  for (const text of target.addresses ?? []) {
    try {
      const address = multiaddr(text)
      const last = address.getComponents().at(-1)
      if (last?.name !== 'p2p') parsed.push(address.encapsulate(end))
      else if (last.value === target.peerId) parsed.push(address)
    } catch {
      // An address that this version can't read is no reason not to try the others.
    }
  }
  return parsed
}

function noteAddresses(event: { type: string; detail?: unknown }, tried: string[]): void {
  if (event.type !== 'dial-queue:calculated-addresses' || !Array.isArray(event.detail)) return
  tried.length = 0
  for (const entry of event.detail as { multiaddr: Multiaddr }[]) tried.push(entry.multiaddr.toString())
}

/** One line per address: libp2p dials them in order and collects the errors in that order. */
function reasons(error: unknown, tried: readonly string[]): string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  return errors.map((e, i) => (tried[i] === undefined ? reasonOf(e) : `${tried[i]}: ${reasonOf(e)}`))
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (error.name === 'TimeoutError' || code === 'ETIMEDOUT') return 'no answer in time'
  return error.message
}

function cidOf(key: Uint8Array): CID {
  return CID.createV1(raw.code, createDigest(SHA2_256, key))
}

/** The address as text; nothing for one that can't be written down: it comes from strangers. */
function textOf(address: { toString(): string }): string[] {
  try {
    const text = address.toString()
    return /^[\x20-\x7e]+$/.test(text) ? [text] : []
  } catch {
    // Percent signs that decode to nothing, for example.
    return []
  }
}
