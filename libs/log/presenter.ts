// Proofs that others gave about this node: taken in, and shown to each peer once.

import type { Network } from '@haggle/mesh'
import { type Memory, observationOf, type Proof, verifyProof } from '@haggle/reputation'
import { type Clock, equalBytes, type Suite } from '@haggle/wire'
import { ask } from './ask.ts'
import type { Carried } from './carried.ts'
import { Recent } from './recent.ts'

/**
 * - `carried`: it is about me: shown to whoever I deal with.
 * - `counted`: it is about somebody else: it counts in my scores as far as its owner is trusted.
 */
export type ImportKind = 'carried' | 'counted'

/** What {@link Presenter} needs. */
export interface PresenterInit {
  readonly network: Network
  readonly clock: Clock
  readonly memory: Memory
  readonly suite: Suite
}

/** See the file's first line. */
export class Presenter {
  readonly #init: PresenterInit
  readonly #carried: Carried
  /** The version of the carried proofs that a peer was shown. */
  readonly #presented = new Recent()
  readonly #presenting = new Map<string, Promise<void>>()

  constructor(init: PresenterInit, carried: Carried) {
    this.#init = init
    this.#carried = carried
  }

  /** Takes a proof that the owner brought. Throws the codes of `verifyProof`, and `E_PROOF_USELESS`. */
  async take(file: Uint8Array): Promise<{ readonly kind: ImportKind; readonly proof: Proof }> {
    const { memory, suite } = this.#init
    const me = memory.ledger.key
    const proof = verifyProof(file, suite)
    if (observationOf(proof) === undefined || proof.entry.peer === null || !equalBytes(proof.entry.peer, me))
      return { kind: 'counted', proof: await memory.scores.bring(file) }
    await this.#carried.add(file, me)
    return { kind: 'carried', proof }
  }

  /** Shows a peer what is carried. Resolves when it has counted that, or can't be asked. */
  async present(peerId: string): Promise<void> {
    const { version, proofs } = this.#carried
    if (proofs.length === 0) return
    // Whoever asks while they are on their way waits for the same answer.
    if (this.#presented.get(peerId) === version) return await this.#presenting.get(peerId)
    this.#presented.set(peerId, version)
    const shown = ask(this.#init, { peerId }, { name: 'present', body: { proofs } }).then(
      () => undefined,
      // Who serves no logs counts no proofs either.
      () => undefined,
    )
    this.#presenting.set(peerId, shown)
    await shown
    if (this.#presenting.get(peerId) === shown) this.#presenting.delete(peerId)
  }
}
