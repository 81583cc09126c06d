// A number for each of the peers that were dealt with last: when, or up to where.

/** Peers remembered: as many as a node is ever connected to, and more. */
const MAX_PEERS = 1024

/** See the file's first line. */
export class Recent {
  readonly #kept = new Map<string, number>()

  /** The number of a peer, when it has one. */
  get(peerId: string): number | undefined {
    return this.#kept.get(peerId)
  }

  /** Remembers a number; the peer that was set longest ago may be forgotten. */
  set(peerId: string, value: number): void {
    this.#kept.delete(peerId)
    this.#kept.set(peerId, value)
    if (this.#kept.size > MAX_PEERS) this.#kept.delete(this.#kept.keys().next().value!)
  }
}
