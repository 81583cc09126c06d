// The anchor file of the own log, from an aggregator: asked for with the newest own head, and checked before anybody relies on it.

import { peerIdOf } from '@haggle/identity'
import type { PeerTarget } from '@haggle/mesh'
import { type AnchorProof, type Memory, verifyAnchorProof } from '@haggle/reputation'
import { equalBytes, HaggleError, type Suite } from '@haggle/wire'
import { ask, type AskOptions, type AskParts } from './ask.ts'
import type { Answers, Named } from './protocol.ts'

/** What fetching needs. */
export interface FetchAnchorParts extends AskParts {
  readonly memory: Memory
  readonly suite: Suite
}

/** An anchor file, and what it says. */
export interface FetchedAnchor {
  readonly file: Uint8Array
  readonly proof: AnchorProof
}

/**
 * Asks an aggregator for the anchor file of the own log, and brings it the newest own head. Rejects with `E_ANCHOR_WAITING` when it has none yet and will,
 * with `E_ANCHOR_NONE` when it has none, with `E_ANCHOR_BUSY` when it takes no more for now, with `E_ANCHOR_OTHER` when the file is of another log, with
 * the codes of `verifyAnchorProof`, and as {@link ask} does. Whether the chain has the anchor is not asked here.
 */
export async function fetchAnchor(
  { memory, suite, ...parts }: FetchAnchorParts,
  target: PeerTarget,
  { signal }: AskOptions = {},
): Promise<FetchedAnchor> {
  const owner = memory.ledger.key
  const body = { owner, head: memory.heads.last()?.bytes ?? null }
  const answer = await ask(parts, target, { name: 'anchor', body, ...(signal ? { signal } : {}) })
  if (answer.name !== 'anchored') throw refusal(target.peerId, answer)
  const { file } = answer.body
  const proof = verifyAnchorProof(file, suite)
  if (equalBytes(proof.head.signer, owner)) return { file, proof }
  const whose = peerIdOf(proof.head.signer)
  throw new HaggleError('E_ANCHOR_OTHER', `Cannot take the anchor that ${target.peerId} gave: it is of the log of ${whose}`, {
    details: { peerId: target.peerId, owner: whose },
  })
}

/** Why there is no file. */
function refusal(peerId: string, { name, body }: Named<Answers>): HaggleError {
  const details = { peerId }
  if (name === 'waiting') {
    const by = new Date(body.by * 1000).toISOString()
    return new HaggleError('E_ANCHOR_WAITING', `${peerId} has taken the head of this log in, and anchors it by ${by}`, {
      details: { ...details, by: body.by },
      next: 'ask again then',
    })
  }
  if (name === 'refused' && (body.reason === 'full' || body.reason === 'rate')) {
    return new HaggleError('E_ANCHOR_BUSY', `${peerId} takes no more heads for now`, { details, next: 'ask again after its next anchor' })
  }
  const why = name === 'fork' ? 'it holds evidence against this log' : 'it anchors no logs of others, or has seen no head of this one'
  return new HaggleError('E_ANCHOR_NONE', `${peerId} has no anchor of this log: ${why}`, { details, next: 'haggle ledger status' })
}
