// The Network seam: the peer-to-peer network as the market's protocols see it. libp2p in production, memory in tests and simulations.

/** How two connected peers reach each other, for people to see. */
export type Path =
  | { readonly kind: 'direct'; readonly address: string }
  | { readonly kind: 'webrtc'; readonly address: string }
  | { readonly kind: 'relay'; readonly relay: string; readonly address: string }
  | { readonly kind: 'memory'; readonly address: string }

/** A peer that may be dialled: its PeerId in text and addresses worth trying (possibly none: those already known are used). */
export interface PeerTarget {
  readonly peerId: string
  readonly addresses?: readonly string[]
}

/** One authenticated, ordered, flow-controlled stream of bytes between two peers. Iterating it reads; the end of iteration is the remote's end. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** The 32-byte Ed25519 key that the connection proved. */
  readonly remoteKey: Uint8Array
  readonly remotePeerId: string
  readonly protocol: string
  /**
   * Resolves when the stream can take more: the only way to write, so that memory stays bounded. `chunk` may then be written to again: it has been encrypted,
   * or copied. Rejects with `E_STREAM_CLOSED` once closed.
   */
  send(chunk: Uint8Array): Promise<void>
  /** Ends the writing side; reading goes on. */
  closeWrite(): Promise<void>
  /** Closes both sides. Never rejects. */
  close(): Promise<void>
  /** Drops the stream at once; the other side sees an error. */
  abort(reason: Error): void
  /** Resolves once the stream is gone, whoever ended it. */
  readonly closed: Promise<void>
}

/**
 * What a gossip validator says.
 *
 * - `accept`: pass it on
 * - `ignore`: drop it silently
 * - `reject`: the message itself is bad, for everyone: whoever passes it on has not checked it, and is to blame
 * - `flood`: drop it; the message may be good, but this neighbour sends more than it may. Never `reject` for that: an honest neighbour that passes on the
 *   same message would be blamed, too
 */
export type GossipVerdict = 'accept' | 'ignore' | 'reject' | 'flood'

/** A gossip message before it is passed on. */
export interface GossipMessage {
  readonly topic: string
  readonly data: Uint8Array
  /** The PeerId (text) of the neighbour that forwarded it: not the author. */
  readonly from: string
}

/** What a protocol handler may ask for. Sizes and counts are per peer. */
export interface HandleOptions {
  /** Streams that one peer may have open at once. Default 32. */
  readonly maxInboundStreams?: number
}

/** Events of the network. */
export interface NetworkListener {
  connected?(peerId: string): void
  disconnected?(peerId: string): void
}

/** A running node of a peer-to-peer network. */
export interface Network {
  /** This node's 32-byte Ed25519 public key. */
  readonly publicKey: Uint8Array
  readonly peerId: string
  /** Addresses under which others can dial this node now, `/p2p/<peerId>` included. */
  addresses(): string[]
  /** PeerIds (text) of the peers connected now. */
  peers(): string[]
  /** How `peerId` is reached now, or undefined when it is not connected. */
  path(peerId: string): Path | undefined
  /** Makes sure of a connection. Rejects with `E_DIAL` and the reason per address. */
  connect(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<void>
  disconnect(peerId: string): Promise<void>
  /**
   * Opens a stream, connecting first when needed. Rejects with `E_DIAL` or `E_PROTOCOL_UNSUPPORTED`. With `optimistic` it does not wait for the other side to
   * confirm the protocol, which saves a round trip for a caller that writes first; the first read then rejects with `E_PROTOCOL_UNSUPPORTED` instead.
   */
  open(target: PeerTarget, protocol: string, options?: { signal?: AbortSignal; optimistic?: boolean }): Promise<ByteStream>
  /** Serves a protocol until the returned function is called. The handler's rejection aborts the stream. */
  handle(protocol: string, handler: (stream: ByteStream) => Promise<void>, options?: HandleOptions): Promise<() => Promise<void>>
  /** Joins a gossip topic. `validate` sees every message once, before it is passed on; what it accepts has been consumed by it. */
  subscribe(topic: string, validate: (message: GossipMessage) => GossipVerdict): Promise<() => Promise<void>>
  /** Publishes to a topic; resolves with the number of peers it was sent to (0 is no error: nobody is there yet). */
  publish(topic: string, data: Uint8Array): Promise<number>
  /** Says in the DHT that this node serves `key` (32 bytes, already hashed). */
  provide(key: Uint8Array, options?: { signal?: AbortSignal }): Promise<void>
  /** Peers that said they serve `key`, as they are found. Hints of where to ask, never liveness. */
  findProviders(key: Uint8Array, options?: { signal?: AbortSignal }): AsyncIterable<PeerTarget>
  listen(listener: NetworkListener): () => void
}
