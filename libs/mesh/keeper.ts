// Keeps a node in the mesh: dials bootstraps and remembered peers, replaces lost connections, renews relay reservations, drops hated neighbours.

import type { Connection, IdentifyResult, Libp2pEvents, PeerId, PeerInfo, PeerStore, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '@haggle/wire'
import { originOf, peerOf } from './addresses.ts'
import type { Gate } from './gater.ts'
import { SCORE_THRESHOLDS } from './gossip.ts'
import type { KnownPeers } from './peers.ts'

/** The libp2p components that the keeper uses. */
export interface KeeperComponents {
  readonly peerId: PeerId
  readonly connectionManager: ConnectionManager
  readonly transportManager: TransportManager
  readonly addressManager: AddressManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: Pick<PeerStore, 'delete' | 'get'>
}

/** Options of {@link MeshKeeper}. */
export interface KeeperOptions {
  readonly bootstrap: readonly string[]
  /** Relays to be reachable through. */
  readonly relays: readonly string[]
  readonly known: KnownPeers
  readonly gate: Gate
  readonly clock: Clock
  /** A neighbour's gossip score. */
  readonly score: (peerId: string) => number
  /** Connections to keep, when that many peers are known. */
  readonly wanted: number
  /** Told when what is remembered could not be written. It is tried again. */
  readonly onProblem: (error: unknown) => void
}

/** Dials at the same time, so that a dead list does not fill the queue of those who want to rent now. */
const PARALLEL_DIALS = 8
/** Attempts to reach a peer that are remembered, those that are over included. */
const MOST_ATTEMPTS = 1_024
/** Between two looks at the connections. */
const LOOK_MS = 2_000
/** Without news what is remembered is written this often: so that who stays connected is still known as such after a crash, and a failed write is repeated. */
const SAVE_MS = 60_000
/** The first wait after a failed dial; doubles up to the last. */
const FIRST_WAIT_MS = 4_000
const LAST_WAIT_MS = 5 * 60_000
/** Bootstraps and relays are worth more tries. */
const LAST_ANCHOR_WAIT_MS = 30_000
/** Gossipsub's protocol ids begin with this. */
const GOSSIP_PROTOCOL = '/meshsub/'
/** Looks in a row at which a peer has no gossip stream before it is dropped. */
const DEAF_LOOKS = 3
/** Peers that are gone and still in libp2p's peer store. It has no bound of its own, and anyone can come with a new key every time. */
const MAX_GONE = 512
/** A dial of the keeper's gives up after this long. */
const DIAL_MS = 8_000
/** A remembered peer that could not be dialled this often is forgotten, while others could. */
const FORGET_AFTER = 6

interface Attempt {
  failures: number
  nextAt: number
  running: boolean
}

/** See the file's first line. */
export class MeshKeeper {
  readonly #components: KeeperComponents
  readonly #options: KeeperOptions
  readonly #attempts: Map<string, Attempt> = new Map()
  readonly #found: Map<string, Multiaddr[]> = new Map()
  readonly #gone: Map<string, PeerId> = new Map()
  readonly #deaf: Map<string, number> = new Map()
  readonly #stop: AbortController = new AbortController()
  #cancel: () => void = () => undefined
  #dialling = 0
  #savedAt = 0
  #saving: Promise<void> | undefined
  #saved: Promise<void> = Promise.resolve()

  constructor(components: KeeperComponents, options: KeeperOptions) {
    this.#components = components
    this.#options = options
  }

  start(): void {
    const { events, connectionManager } = this.#components
    for (const { remotePeer } of connectionManager.getConnections()) this.#options.known.connected(remotePeer.toString())
    this.#savedAt = this.#options.clock.monotonicMs()
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('peer:identify', this.#onIdentify)
    events.addEventListener('peer:discovery', this.#onDiscovery)
    events.addEventListener('peer:connect', this.#onConnect)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#look()
  }

  /** Writes what is remembered. A storage that fails then is told like at any other time. */
  async stop(): Promise<void> {
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('peer:identify', this.#onIdentify)
    events.removeEventListener('peer:discovery', this.#onDiscovery)
    events.removeEventListener('peer:connect', this.#onConnect)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#cancel()
    this.#stop.abort()
    await this.#save()
  }

  /** An address that was dialled is worth keeping at once; what the peer itself says of its addresses comes with identify. */
  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.direction !== 'outbound' || !detail.direct) return
    this.#options.known.noteWorking(detail.remotePeer.toString(), detail.remoteAddr.toString(), this.#nowS())
  }

  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, listenAddrs, signedPeerRecord } = event.detail
    const addresses = (signedPeerRecord?.addresses ?? listenAddrs).map(String)
    this.#options.known.note(peerId.toString(), addresses, this.#nowS())
    void this.#save()
    if (this.#isRelay(peerId.toString())) this.#reserve()
  }

  readonly #onDiscovery = (event: CustomEvent<PeerInfo>): void => {
    const peerId = event.detail.id.toString()
    if (event.detail.multiaddrs.length === 0 || this.#found.has(peerId)) return
    this.#found.set(peerId, event.detail.multiaddrs)
    const oldest = this.#found.keys().next()
    if (this.#found.size > 64 && oldest.done !== true) this.#found.delete(oldest.value)
    this.#dialMore()
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#options.known.connected(detail.toString())
    this.#gone.delete(detail.toString())
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#options.known.disconnected(detail.toString(), this.#nowS())
    this.#gone.set(detail.toString(), detail)
    const oldest = this.#gone.entries().next()
    if (this.#gone.size > MAX_GONE && oldest.done !== true) {
      this.#gone.delete(oldest.value[0])
      // What could be worth dialling again is in our own memory, which is bounded.
      void this.#components.peerStore.delete(oldest.value[1]).catch(() => undefined)
    }
    this.#dialMore()
  }

  #look(): void {
    if (this.#stop.signal.aborted) return
    this.#dropHated()
    this.#forgetAttempts()
    void this.#dropDeaf().catch(this.#options.onProblem)
    this.#dialMore()
    this.#reserve()
    if (this.#options.clock.monotonicMs() - this.#savedAt >= SAVE_MS) void this.#save()
    this.#cancel = this.#options.clock.after(LOOK_MS, () => this.#look())
  }

  /** An attempt that is long over says nothing of the next: strangers with addresses that don't answer leave none behind. */
  #forgetAttempts(): void {
    if (this.#attempts.size <= MOST_ATTEMPTS) return
    const now = this.#options.clock.monotonicMs()
    for (const [id, { running, nextAt }] of this.#attempts) if (!running && nextAt < now) this.#attempts.delete(id)
  }

  /** Never rejects: what can't be written is still in memory, and the next save tries it again. */
  #save(): Promise<void> {
    const { clock, known, onProblem } = this.#options
    this.#savedAt = clock.monotonicMs()
    known.seeConnected(this.#nowS())
    const saving = known.save()
    // All who ask while a write is under way get the same promise: its failure is told once.
    if (saving !== this.#saving) this.#saved = saving.catch(onProblem)
    this.#saving = saving
    return this.#saved
  }

  #nowS(): number {
    return Math.floor(this.#options.clock.now() / 1_000)
  }

  /** Anchors always; others while there are fewer connections than wanted. */
  #dialMore(): void {
    if (this.#stop.signal.aborted) return
    for (const address of [...this.#options.bootstrap, ...this.#options.relays]) {
      const parsed = multiaddr(address)
      this.#try(peerOf(parsed) ?? address, [parsed], LAST_ANCHOR_WAIT_MS)
    }
    const open = new Set(this.#components.connectionManager.getConnections().map((c) => c.remotePeer.toString()))
    let missing = this.#options.wanted - open.size - this.#dialling
    const candidates: [string, readonly Multiaddr[]][] = [
      ...this.#options.known.all().map((peer): [string, Multiaddr[]] => [peer.peerId, peer.addresses.flatMap(parse)]),
      ...this.#found,
    ]
    for (const [peerId, addresses] of candidates) {
      if (missing <= 0) return
      if (!open.has(peerId) && this.#try(peerId, addresses, LAST_WAIT_MS)) missing -= 1
    }
  }

  /** Starts a dial unless there is a connection, one is under way, or it is too early. */
  #try(id: string, addresses: readonly Multiaddr[], lastWaitMs: number): boolean {
    const { connectionManager, peerId } = this.#components
    const { clock, gate, known } = this.#options
    if (id === peerId.toString() || gate.isBanned(id) || addresses.length === 0) return false
    if (connectionManager.getConnections().some((c) => c.remotePeer.toString() === id)) return false
    const attempt = this.#attempts.get(id) ?? { failures: 0, nextAt: 0, running: false }
    if (attempt.running || attempt.nextAt > clock.monotonicMs() || this.#dialling >= PARALLEL_DIALS) return false
    this.#attempts.set(id, attempt)
    attempt.running = true
    this.#dialling += 1
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(DIAL_MS)])
    const target = addresses.map((address) =>
      peerOf(address) === undefined && !id.startsWith('/') ? address.encapsulate(`/p2p/${id}`) : address,
    )
    connectionManager
      .openConnection(target, { signal, priority: 25 })
      .then(
        () => {
          this.#attempts.delete(id)
        },
        () => {
          attempt.failures += 1
          attempt.nextAt = clock.monotonicMs() + Math.min(lastWaitMs, FIRST_WAIT_MS * 2 ** (attempt.failures - 1))
          const isAnchor = lastWaitMs === LAST_ANCHOR_WAIT_MS
          if (!isAnchor && attempt.failures >= FORGET_AFTER && connectionManager.getConnections().length > 0) {
            known.forget(id)
            this.#found.delete(id)
            this.#attempts.delete(id)
          }
        },
      )
      .finally(() => {
        attempt.running = false
        this.#dialling -= 1
      })
    return true
  }

  /** Listens on each relay that we are connected to and have no address through yet. */
  #reserve(): void {
    if (this.#stop.signal.aborted) return
    const { transportManager, connectionManager } = this.#components
    for (const address of this.#options.relays) {
      const relay = peerOf(multiaddr(address))
      if (relay === undefined) continue
      const isConnected = connectionManager.getConnections().some((c) => c.remotePeer.toString() === relay && c.direct)
      const isListening = transportManager.getAddrs().some((own) => originOf(own).relay === relay)
      const slot = `reserve ${relay}`
      const attempt = this.#attempts.get(slot) ?? { failures: 0, nextAt: 0, running: false }
      if (!isConnected || isListening || attempt.running || attempt.nextAt > this.#options.clock.monotonicMs()) continue
      this.#attempts.set(slot, attempt)
      attempt.running = true
      transportManager
        .listen([multiaddr(`${address}/p2p-circuit`)])
        .catch(() => undefined)
        .finally(() => {
          attempt.running = false
          // `listen` resolves when the reservation failed, too: the addresses say whether it worked.
          attempt.nextAt = this.#options.clock.monotonicMs() + FIRST_WAIT_MS
        })
    }
  }

  /** Disconnects a peer and refuses it for a while. */
  ban(peerId: string, why: string): void {
    this.#options.gate.ban(peerId)
    for (const connection of this.#components.connectionManager.getConnections()) {
      if (connection.remotePeer.toString() === peerId) connection.abort(new Error(`banned: ${why}`))
    }
  }

  /** A neighbour below the graylist threshold costs its decoding for nothing: it is disconnected and refused for a while. */
  #dropHated(): void {
    for (const connection of this.#components.connectionManager.getConnections()) {
      const peerId = connection.remotePeer.toString()
      if (this.#options.score(peerId) >= SCORE_THRESHOLDS.graylist) continue
      this.ban(peerId, 'its gossip is invalid')
    }
  }

  /**
   * gossipsub opens its stream once, when a peer connects, and does not try again when that fails, as it may on a machine that is busy. Such a peer would hear
   * nothing for as long as the connection lasts: the connection is dropped after three looks, and whoever wanted it dials again.
   */
  async #dropDeaf(): Promise<void> {
    const { connectionManager, peerStore } = this.#components
    const deaf = new Set<string>()
    for (const [peer, connections] of connectionManager.getConnectionsMap()) {
      if (connections.some((c) => c.streams.some((s) => s.direction === 'outbound' && s.protocol.startsWith(GOSSIP_PROTOCOL)))) continue
      const known = await peerStore.get(peer).catch(() => undefined)
      if (known?.protocols.some((protocol) => protocol.startsWith(GOSSIP_PROTOCOL)) === true) deaf.add(peer.toString())
    }
    for (const peerId of deaf) {
      const looks = (this.#deaf.get(peerId) ?? 0) + 1
      this.#deaf.set(peerId, looks)
      if (looks < DEAF_LOOKS || this.#stop.signal.aborted) continue
      for (const connection of connectionManager.getConnections())
        if (connection.remotePeer.toString() === peerId) connection.abort(new Error('no gossip stream'))
    }
    for (const peerId of this.#deaf.keys()) if (!deaf.has(peerId)) this.#deaf.delete(peerId)
  }

  #isRelay(peerId: string): boolean {
    return this.#options.relays.some((address) => peerOf(multiaddr(address)) === peerId)
  }
}

function parse(address: string): Multiaddr[] {
  try {
    return [multiaddr(address)]
  } catch {
    return []
  }
}
