// The heads of other people's logs that this node has seen: whether a new one extends them, and proof for ever when it can't.

import type { Store } from '@haggle/store'
import { open, type Suite, toHex } from '@haggle/wire'
import { checkpointMessage, type SignedHead } from './checkpoint.ts'
import { contradiction, type Evidence, forkEvidence, readEvidence } from './evidence.ts'
import { verifyConsistency } from './rfc9162.ts'

/** Heads kept of one log: the newest, against which a fork is found. At one per 256 entries that is a million entries. */
const MAX_HEADS = 4096

/**
 * - `first`: the first head of this log that is seen here: nothing to compare with.
 * - `known`: these very bytes, or the same size and root again.
 * - `extends`: the proof shows that it extends the last one.
 * - `older`: it is smaller than the last one and doesn't contradict any.
 * - `unproven`: it is larger and no proof, or a wrong one, came with it: ask for one; don't cosign.
 * - `fork`: it contradicts another head; evidence is kept.
 */
export type HeadVerdict =
  | { readonly kind: 'first' | 'known' | 'extends' | 'older' }
  | { readonly kind: 'unproven'; readonly from: number }
  | { readonly kind: 'fork'; readonly evidence: Uint8Array }

/** What {@link openHeadBook} needs. */
export interface HeadBookInit {
  /** A store or sub-store of its own. */
  readonly store: Store
  /** Checks heads and proofs. */
  readonly suite: Suite
  /** The network that heads must name, 32 bytes. */
  readonly network: Uint8Array
}

/** Heads of others, by signer and log. */
export interface HeadBook {
  /**
   * Compares a head with all that is known of its log, and keeps it. `proof` is the consistency proof from {@link last}'s size. Throws the codes
   * of `open` for a bad envelope.
   */
  consider(envelope: Uint8Array, proof?: readonly Uint8Array[]): Promise<HeadVerdict>
  /** The newest head of a log that extends what was seen before; of the newest log when `log` is left out. */
  last(signer: Uint8Array, log?: number): Promise<SignedHead | undefined>
  /** The newest head of each log seen, at most `limit`. */
  newest(limit: number): AsyncIterable<SignedHead>
  /** Tells `listener` of each head that becomes the newest of its log, until the returned function is called. */
  follow(listener: (head: SignedHead) => void): () => void
  /** Takes an evidence file from anyone. Returns what it shows; throws the codes of {@link readEvidence} when that is nothing. */
  accuse(file: Uint8Array): Promise<Evidence>
  /** The evidence against a key, which never goes away, or undefined. */
  convicted(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Grows with every conviction since the book was opened. */
  readonly convictions: number
  /** Every convicted key, hex. */
  convicts(): AsyncIterable<string>
}

/** The book kept in `store`. */
export function openHeadBook({ store, suite, network }: HeadBookInit): HeadBook {
  const prefixOf = (signer: Uint8Array, log: number): string => `h${toHex(signer)}${hex8(log)}`
  const read = (bytes: Uint8Array): SignedHead => open(bytes, checkpointMessage, { network, suite })

  /** The heads of a log around `size`: those that could contradict one of that size are its neighbours in the chain. */
  const neighbours = async (head: SignedHead): Promise<SignedHead[]> => {
    const prefix = prefixOf(head.signer, head.body.log)
    const found: SignedHead[] = []
    for await (const [, bytes] of store.range({ gte: `${prefix}0`, lte: prefix + hex8(head.body.size), reverse: true, limit: 1 }))
      found.push(read(bytes))
    // A larger one that leaves this one out need not be the next: but the first larger one does if any does.
    for await (const [, bytes] of store.range({ gt: prefix + hex8(head.body.size), lt: `${prefix}g`, limit: 1 })) found.push(read(bytes))
    for await (const [, bytes] of store.range({ gt: prefix + hex8(head.body.prevSize), lt: prefix + hex8(head.body.size), limit: 1 }))
      found.push(read(bytes))
    const before = await store.get(prefix + hex8(head.body.prevSize))
    if (before) found.push(read(before))
    return found
  }

  let convictions = 0
  const convict = async (signer: Uint8Array, evidence: Uint8Array): Promise<void> => {
    const key = `x${toHex(signer)}`
    // The first evidence stays: it is as good as any, and it was acted on.
    if ((await store.get(key)) !== undefined) return
    await store.write([{ key, value: evidence }])
    convictions++
  }

  const keep = async (head: SignedHead, isLast: boolean): Promise<void> => {
    const prefix = prefixOf(head.signer, head.body.log)
    const writes = [{ key: prefix + hex8(head.body.size), value: head.bytes as Uint8Array | null }]
    if (isLast) writes.push({ key: `l${toHex(head.signer)}${hex8(head.body.log)}`, value: head.bytes })
    let count = 0
    for await (const [key] of store.range({ gte: `${prefix}0`, lt: `${prefix}g`, reverse: true }))
      if (++count >= MAX_HEADS) writes.push({ key, value: null })
    await store.write(writes)
    if (isLast) for (const listener of listeners) listener(head)
  }

  const listeners = new Set<(head: SignedHead) => void>()
  const book: HeadBook = {
    get convictions(): number {
      return convictions
    },
    async consider(envelope: Uint8Array, proof?: readonly Uint8Array[]): Promise<HeadVerdict> {
      const head = read(envelope)
      for (const other of await neighbours(head)) {
        if (contradiction(head.body, other.body) === undefined) continue
        const evidence = forkEvidence(head, other)
        await convict(head.signer, evidence)
        return { kind: 'fork', evidence }
      }
      const last = await book.last(head.signer, head.body.log)
      if (last === undefined) {
        await keep(head, true)
        return { kind: 'first' }
      }
      const { size, root } = last.body
      if (head.body.size === size) return { kind: 'known' }
      if (head.body.size < size) {
        await keep(head, false)
        return { kind: 'older' }
      }
      const claim = { from: size, to: head.body.size, fromRoot: root, toRoot: head.body.root, proof: proof ?? [] }
      const proven = verifyConsistency(claim, suite.sha256)
      await keep(head, proven)
      return proven ? { kind: 'extends' } : { kind: 'unproven', from: size }
    },
    async last(signer: Uint8Array, log?: number): Promise<SignedHead | undefined> {
      const prefix = `l${toHex(signer)}`
      const range = log === undefined ? { gte: `${prefix}0`, lt: `${prefix}g` } : { gte: prefix + hex8(log), lte: prefix + hex8(log) }
      for await (const [, bytes] of store.range({ ...range, reverse: true, limit: 1 })) return read(bytes)
      return undefined
    },
    async *newest(limit: number): AsyncGenerator<SignedHead> {
      for await (const [, bytes] of store.range({ gte: 'l', lt: 'm', limit })) yield read(bytes)
    },
    follow(listener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async accuse(file: Uint8Array): Promise<Evidence> {
      const evidence = readEvidence(file, suite)
      await convict(evidence.culprit, file)
      return evidence
    },
    async convicted(key: Uint8Array): Promise<Uint8Array | undefined> {
      return await store.get(`x${toHex(key)}`)
    },
    async *convicts(): AsyncGenerator<string> {
      for await (const [key] of store.range({ gte: 'x', lt: 'y' })) yield key.slice(1)
    },
  }
  return book
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
