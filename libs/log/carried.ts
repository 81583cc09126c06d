// Proofs about me that others gave me: carried to whoever I deal with, so that a stranger needn't take my word.

import { observationOf, type Proof, verifyProof } from '@haggle/reputation'
import type { Store, Write } from '@haggle/store'
import { equalBytes, HaggleError, type Suite, toHex } from '@haggle/wire'
import { MAX_CARRIED, MAX_PROOF_BYTES } from './protocol.ts'

/** Proofs that this node shows. */
export interface Carried {
  /** Every proof, newest contract first. */
  readonly proofs: readonly Uint8Array[]
  /** Grows with every proof since the start. */
  readonly version: number
  /** Takes a proof about `key`. Throws the codes of `verifyProof`, and `E_PROOF_USELESS` when it isn't about `key` or convinces nobody. */
  add(file: Uint8Array, key: Uint8Array): Promise<Proof>
}

/** The proofs kept in `store`, which is theirs alone. */
export async function openCarried(store: Store, suite: Suite): Promise<Carried> {
  let version = 0
  const read = async (): Promise<readonly Uint8Array[]> => {
    const found: Uint8Array[] = []
    for await (const [, file] of store.range({ reverse: true, limit: MAX_CARRIED })) found.push(file)
    return found
  }
  let proofs = await read()
  /** Keys end in the time of the contract's end, so that the newest come first from behind. */
  const keyOf = ({ entry, owner }: Proof): string =>
    `${entry.at.toString(16).padStart(8, '0')}${toHex(owner)}${entry.contract === null ? '' : toHex(entry.contract)}`
  return {
    get version(): number {
      return version
    },
    get proofs(): readonly Uint8Array[] {
      return proofs
    },
    async add(file: Uint8Array, key: Uint8Array): Promise<Proof> {
      const proof = verifyProof(file, suite)
      if (!convinces(proof) || proof.entry.peer === null || !equalBytes(proof.entry.peer, key) || file.length > MAX_PROOF_BYTES) {
        throw new HaggleError(
          'E_PROOF_USELESS',
          'Cannot carry the proof: it must show how a contract with this node ended, signed by both',
          {
            next: 'ask a counterparty for one: haggle ledger prove CONTRACT',
          },
        )
      }
      const writes: Write[] = [{ key: keyOf(proof), value: file }]
      let count = 1
      for await (const [old] of store.range({ reverse: true }))
        if (old !== keyOf(proof) && ++count > MAX_CARRIED) writes.push({ key: old, value: null })
      await store.write(writes)
      proofs = await read()
      version++
      return proof
    },
  }
}

/** True when a proof is worth something to a stranger: both parties signed how the contract ended. */
function convinces(proof: Proof): boolean {
  return proof.bothSigned && observationOf(proof) !== undefined
}
