// The peers that a node remembers over restarts: so that nodes that knew each other find each other again when every bootstrap is dead.

import { decodeAs, encodeAs, fields, list, text, uint } from '@haggle/wire'
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
}

/** Peers kept at most: enough that some are alive after weeks, little enough to read at once. */
export const MAX_KNOWN_PEERS = 256
/** Addresses kept of one peer. */
const MAX_ADDRESSES = 8
const PREFIX = 'peer/'

const record = fields({ version: uint({ min: 1, max: 1 }), seenS: uint({}), addresses: list(text({ max: 256 }), { max: MAX_ADDRESSES }) })

/** Remembers peers in memory, and in `storage` when there is one. */
export class KnownPeers {
  readonly #storage: PeerStorage | undefined
  readonly #peers: Map<string, KnownPeer> = new Map()
  readonly #dirty: Set<string> = new Set()

  constructor(storage?: PeerStorage) {
    this.#storage = storage
  }

  /** Reads what was stored. Entries that can't be read are dropped: they are hints, and cost nothing but a dial. */
  async load(): Promise<void> {
    if (this.#storage === undefined) return
    for await (const [key, value] of this.#storage.range({ gte: PREFIX, lt: 'peer0' })) {
      const peerId = key.slice(PREFIX.length)
      try {
        const { addresses, seenS } = decodeAs(record, value)
        this.#peers.set(peerId, { peerId, addresses, seenS })
      } catch {
        this.#dirty.add(peerId)
      }
    }
  }

  /** Notes that `peerId` was connected and can be dialled at `addresses`. */
  note(peerId: string, addresses: readonly string[], seenS: number): void {
    const kept = [...new Set(addresses)].filter((address) => address.length <= 256).slice(0, MAX_ADDRESSES)
    if (kept.length === 0) return
    const old = this.#peers.get(peerId)
    if (old !== undefined && seenS - old.seenS < 60 && old.addresses.join() === kept.join()) return
    this.#peers.set(peerId, { peerId, addresses: kept, seenS })
    this.#dirty.add(peerId)
    if (this.#peers.size > MAX_KNOWN_PEERS) this.#forgetOldest()
  }

  /** Notes an address that has just worked, before the ones that are known. */
  noteWorking(peerId: string, address: string, seenS: number): void {
    this.note(peerId, [address, ...(this.#peers.get(peerId)?.addresses ?? [])], seenS)
  }

  forget(peerId: string): void {
    if (this.#peers.delete(peerId)) this.#dirty.add(peerId)
  }

  /** All, the most recently seen first. */
  all(): KnownPeer[] {
    return [...this.#peers.values()].sort((a, b) => b.seenS - a.seenS)
  }

  /** Writes what has changed. Not synced: losing the last few costs a dial. */
  async save(): Promise<void> {
    if (this.#storage === undefined || this.#dirty.size === 0) return
    const batch = [...this.#dirty].map((peerId) => {
      const peer = this.#peers.get(peerId)
      return {
        key: PREFIX + peerId,
        value: peer === undefined ? null : encodeAs(record, { version: 1, seenS: peer.seenS, addresses: peer.addresses }),
      }
    })
    this.#dirty.clear()
    await this.#storage.write(batch, { sync: false })
  }

  #forgetOldest(): void {
    const oldest = this.all().at(-1)
    if (oldest !== undefined) this.forget(oldest.peerId)
  }
}
