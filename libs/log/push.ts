// Bringing my head to a counterparty: with the proof that it extends the last one there, and with my entries about it, page by page.

import type { PeerTarget } from '@haggle/mesh'
import { cosignMessage, type Memory, type SignedHead } from '@haggle/reputation'
import { equalBytes, open, type Suite } from '@haggle/wire'
import { ask, type AskOptions, type AskParts } from './ask.ts'
import { type EntryFrame, MAX_KEPT, MAX_KEPT_BYTES } from './protocol.ts'

/** Questions that one push may take: a proof asked for, and pages of entries. */
const MAX_ROUNDS = 64

/** What pushing needs. */
export interface PushParts extends AskParts {
  readonly memory: Memory
  readonly suite: Suite
}

/**
 * - `cosigned`: the counterparty agreed.
 * - `behind`: it knows a later head of my log: I have lost entries.
 * - `forked`: it holds evidence against me.
 * - `refused`: it won't: I am a stranger to it, or ask too often.
 */
export type PushOutcome =
  | { readonly kind: 'cosigned'; readonly envelope: Uint8Array }
  | { readonly kind: 'behind' | 'refused' }
  | { readonly kind: 'forked'; readonly evidence: Uint8Array }

/** Where a push to one counterparty goes on from. */
export interface PushFrom {
  readonly target: PeerTarget
  /** Its 32-byte key. */
  readonly key: Uint8Array
  /** Entries of the last head that it cosigned, 0 for none. */
  readonly from: number
}

/** Pushes `head`. Rejects as {@link ask} does. */
export async function pushHead(
  parts: PushParts,
  head: SignedHead,
  { target, key, from, signal }: PushFrom & AskOptions,
): Promise<PushOutcome> {
  const { memory, suite } = parts
  const { ledger } = memory
  let proofFrom = from
  let next = from
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const page = await pageOf(memory, key, { from: next, to: head.body.size })
    const proof = proofFrom === 0 ? [] : await ledger.consistencyProof(proofFrom, head.body.size)
    const body = { head: head.bytes, from: proofFrom, proof, entries: page.entries }
    const answer = await ask(parts, target, { name: 'push', body, ...(signal ? { signal } : {}) })
    switch (answer.name) {
      case 'cosigned': {
        const signed = open(answer.body.envelope, cosignMessage, { network: head.network, suite })
        const { owner, log, size, root } = signed.body
        const fits =
          equalBytes(signed.signer, key) &&
          equalBytes(owner, ledger.key) &&
          log === head.body.log &&
          size === head.body.size &&
          equalBytes(root, head.body.root)
        if (!fits) return { kind: 'refused' }
        if (page.next >= head.body.size) return { kind: 'cosigned', envelope: answer.body.envelope }
        next = page.next
        proofFrom = head.body.size
        break
      }
      case 'ask':
        if (answer.body.from === 0 || answer.body.from > head.body.size || answer.body.from === proofFrom) return { kind: 'refused' }
        proofFrom = answer.body.from
        break
      case 'known': {
        const { state } = await memory.heads.shown(answer.body.head)
        if (state !== 'ok') return { kind: 'behind' }
        return { kind: 'refused' }
      }
      case 'fork':
        return { kind: 'forked', evidence: answer.body.evidence }
      default:
        return { kind: 'refused' }
    }
  }
  return { kind: 'refused' }
}

/** My entries about `key` from `from` on that fit one frame, and where the next page begins. */
async function pageOf(
  { ledger }: Memory,
  key: Uint8Array,
  { from, to }: { from: number; to: number },
): Promise<{ entries: EntryFrame[]; next: number }> {
  const entries: EntryFrame[] = []
  let bytes = 0
  for await (const { index } of ledger.summaries(key, from)) {
    if (index >= to) break
    const stored = await ledger.get(index)
    bytes += stored.bytes.length
    if (entries.length > 0 && (bytes > MAX_KEPT_BYTES || entries.length >= MAX_KEPT)) return { entries, next: index }
    // An entry too large for any frame can't be kept by others.
    if (stored.bytes.length <= MAX_KEPT_BYTES) entries.push({ index, salt: stored.salt, bytes: stored.bytes })
  }
  return { entries, next: to }
}
