// Evidence on gossip: the only thing about logs that everybody hears, and nobody passes on what convinces nobody.

import type { Network } from '@haggle/mesh'
import { readEvidence } from '@haggle/reputation'
import type { Suite } from '@haggle/wire'
import { evidenceTopic } from './protocol.ts'

/** What {@link hearEvidence} needs. */
export interface EvidenceParts {
  readonly network: Network
  /** 32 bytes: see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  readonly suite: Suite
  /** Told of each file that convinces. */
  readonly onEvidence?: (evidence: Uint8Array) => void
}

/**
 * Listens to evidence and passes on what convinces: all that a relay does about logs. Returns what stops it. The topic has to be among those that the
 * mesh was made with.
 */
export async function hearEvidence({ network, networkId, suite, onEvidence }: EvidenceParts): Promise<() => void | Promise<void>> {
  return await network.subscribe(evidenceTopic(networkId), ({ data }) => {
    try {
      readEvidence(data, suite)
    } catch {
      // Whoever passes on what shows nothing is to blame: checking it is what passing on takes.
      return 'reject'
    }
    onEvidence?.(data)
    return 'accept'
  })
}
