// The peers that a node remembers over restarts: so that nodes that knew each other find each other again when every bootstrap is dead.

import { decodeAs, encodeAs, fields, list, oneOf, text, uint } from '@haggle/wire'
import type { PeerTarget } from './network.ts'

/** The part of a Store that is used. */
export interface PeerStorage {
  range(range?: { readonly gte?: string; readonly lt?: string }): AsyncIterable<readonly [key: string, value: Uint8Array]>
  write(batch: readonly { readonly key: string; readonly value: Uint8Array | null }[], options?: { readonly sync?: boolean }): Promise<void>
}

/** A peer worth dialling again. */
export interface KnownPeer extends PeerTarget {
  readonly addresses: readonly string[]
  /** Unix seconds of the last time that it was connected. */
  readonly seenS: number
  /** `dialled`: this node got through to it, at the first of its addresses. `told`: it came by itself, and all addresses are its own word. */
  readonly source: 'dialled' | 'told'
}

/** Peers kept at most: enough that some are alive after weeks, little enough to read at once. */
export const MAX_KNOWN_PEERS = 256
/** Places that peers who were only told of can't take: new keys are free, an address that answers is not. */
const DIALLED_PLACES = MAX_KNOWN_PEERS / 2
/** Addresses kept of one peer. */
const MAX_ADDRESSES = 8
/** Octets of one address. */
const MAX_ADDRESS_BYTES = 256
/** A peer that stays connected is noted again after this many seconds: more often would only cost writes. */
const REFRESH_S = 60
const PREFIX = 'peer/'

const ADDRESSES = list(text({ max: MAX_ADDRESS_BYTES }), { max: MAX_ADDRESSES })
const RECORD = fields({ version: uint({ min: 2, max: 2 }), seenS: uint({}), source: oneOf('dialled', 'told'), addresses: ADDRESSES })
/** Version 1 does not say who dialled. */
const RECORD_1 = fields({ version: uint({ min: 1, max: 1 }), seenS: uint({}), addresses: ADDRESSES })

/** Remembers peers in memory, and in `storage` when there is one. */
export class KnownPeers {
  readonly #storage: PeerStorage | undefined
  readonly #peers: Map<string, KnownPeer> = new Map()
  readonly #connected: Set<string> = new Set()
  /** Who is in the storage. */
  readonly #stored: Set<string> = new Set()
  /** Whose entry in the storage is not what it should be. */
  readonly #dirty: Set<string> = new Set()
  #lastSave: Promise<void> = Promise.resolve()
  #nextSave: Promise<void> | undefined

  constructor(storage?: PeerStorage) {
    this.#storage = storage
  }

  /** Reads what was stored. Entries that can't be read are dropped: they are hints, and cost nothing but a dial. Rejects with the storage's error. */
  async load(): Promise<void> {
    if (this.#storage === undefined) return
    for await (const [key, value] of this.#storage.range({ gte: PREFIX, lt: 'peer0' })) {
      const peerId = key.slice(PREFIX.length)
      this.#stored.add(peerId)
      const peer = read(peerId, value)
      if (peer === undefined) this.#dirty.add(peerId)
      else this.#put(peer)
    }
  }

  /** Notes that `peerId` was connected and says that it can be dialled at `addresses`. What can't be written is left out. */
  note(peerId: string, addresses: readonly string[], seenS: number): void {
    const old = this.#peers.get(peerId)
    const worked = old?.source === 'dialled' ? old.addresses.slice(0, 1) : []
    this.#note({ peerId, addresses: keepable([...worked, ...addresses]), seenS, source: old?.source ?? 'told' })
  }

  /** Notes an address at which this node has just reached the peer, before the ones that are known. */
  noteWorking(peerId: string, address: string, seenS: number): void {
    if (keepable([address]).length === 0) return
    const addresses = keepable([address, ...(this.#peers.get(peerId)?.addresses ?? [])])
    this.#note({ peerId, addresses, seenS, source: 'dialled' })
  }

  /** The peer is connected until {@link disconnected}: it is not dropped for one that is not. */
  connected(peerId: string): void {
    this.#connected.add(peerId)
  }

  /** The last connection with the peer is gone. */
  disconnected(peerId: string, seenS: number): void {
    this.#connected.delete(peerId)
    this.#see(peerId, seenS)
  }

  /** Notes that all who are connected were seen at `seenS`: a peer that never leaves must not look like one that is long gone. */
  seeConnected(seenS: number): void {
    for (const peerId of this.#connected) this.#see(peerId, seenS)
  }

  forget(peerId: string): void {
    if (this.#peers.delete(peerId)) this.#changed(peerId)
  }

  /** All, those first that this node once dialled, and in both halves the most recently seen first. */
  all(): KnownPeer[] {
    const rank = ({ source }: KnownPeer): number => (source === 'dialled' ? 0 : 1)
    return [...this.#peers.values()].sort((a, b) => rank(a) - rank(b) || b.seenS - a.seenS)
  }

  /**
   * Writes what has changed. Not synced: losing the last few costs a dial. One write at a time; whoever asks meanwhile is given the promise of the one after it.
   * Rejects with the storage's error; the next call tries the same again.
   */
  save(): Promise<void> {
    this.#nextSave ??= this.#lastSave.then(() => {
      this.#nextSave = undefined
      return this.#write()
    })
    this.#lastSave = this.#nextSave.catch(() => undefined)
    return this.#nextSave
  }

  async #write(): Promise<void> {
    if (this.#storage === undefined || this.#dirty.size === 0) return
    const batch = [...this.#dirty].map((peerId) => {
      const peer = this.#peers.get(peerId)
      return { peerId, key: PREFIX + peerId, value: peer === undefined ? null : encodeAs(RECORD, { version: 2, ...peer }) }
    })
    this.#dirty.clear()
    try {
      await this.#storage.write(
        batch.map(({ key, value }) => ({ key, value })),
        { sync: false },
      )
    } catch (error) {
      for (const { peerId } of batch) this.#changed(peerId)
      throw error
    }
    for (const { peerId, value } of batch) {
      if (value === null) this.#stored.delete(peerId)
      else this.#stored.add(peerId)
      // It may have been forgotten, or have come back, while it was being written.
      if (this.#peers.has(peerId) !== this.#stored.has(peerId)) this.#changed(peerId)
    }
  }

  #note(peer: KnownPeer): void {
    if (peer.addresses.length === 0) return
    const old = this.#peers.get(peer.peerId)
    const isSame = old !== undefined && old.source === peer.source && old.addresses.join() === peer.addresses.join()
    if (isSame && peer.seenS - old.seenS < REFRESH_S) return
    this.#put(peer)
    this.#changed(peer.peerId)
  }

  #put(peer: KnownPeer): void {
    this.#peers.set(peer.peerId, peer)
    if (this.#peers.size > MAX_KNOWN_PEERS) this.#dropOne()
  }

  #see(peerId: string, seenS: number): void {
    const peer = this.#peers.get(peerId)
    if (peer === undefined || seenS - peer.seenS < REFRESH_S) return
    this.#peers.set(peerId, { ...peer, seenS })
    this.#changed(peerId)
  }

  /** Whoever is neither kept nor stored needs no write: so the list is bounded while the storage fails. */
  #changed(peerId: string): void {
    if (this.#storage === undefined) return
    if (this.#peers.has(peerId) || this.#stored.has(peerId)) this.#dirty.add(peerId)
    else this.#dirty.delete(peerId)
  }

  /** Drops whoever is worth least: not connected before connected, told before dialled, the longest unseen first; none of the dialled while they have at most their half. */
  #dropOne(): void {
    const peers = [...this.#peers.values()]
    const told = peers.filter(({ source }) => source === 'told')
    const worth = ({ peerId, source }: KnownPeer): number => (this.#connected.has(peerId) ? 2 : 0) + (source === 'dialled' ? 1 : 0)
    const least = (peers.length - told.length > DIALLED_PLACES ? peers : told).reduce((a, b) => {
      const more = worth(b) - worth(a) || b.seenS - a.seenS
      return more < 0 ? b : a
    })
    this.forget(least.peerId)
  }
}

/** The peer of an entry; undefined when there is nothing in it to dial. */
function read(peerId: string, value: Uint8Array): KnownPeer | undefined {
  try {
    const { addresses, seenS, source } = readRecord(value)
    const kept = keepable(addresses)
    return kept.length === 0 ? undefined : { peerId, addresses: kept, seenS, source }
  } catch {
    // The caller drops what can't be read.
    return undefined
  }
}

function readRecord(value: Uint8Array): Omit<KnownPeer, 'peerId'> {
  try {
    return decodeAs(RECORD, value)
  } catch {
    // What is of neither form throws here.
    return { ...decodeAs(RECORD_1, value), source: 'told' }
  }
}

/** The addresses that can be written, each once: peers say what they like, and libp2p lets any octets pass for a DNS name. */
function keepable(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)]
    .filter((address) => address.length <= MAX_ADDRESS_BYTES && /^[\x20-\x7e]+$/.test(address))
    .slice(0, MAX_ADDRESSES)
}
