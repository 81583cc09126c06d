// Answering: what this node says of its own log to anybody, and of others' logs to those who know them too.

import type { ByteStream, Network } from '@haggle/mesh'
import { type Aggregator, cosign, type Memory, type StoredEntry, verifyProof } from '@haggle/reputation'
import { type Clock, equalBytes, errorCode, peekEnvelope, readFrames, type Signer, type Suite, writeFrame } from '@haggle/wire'
import { limitTime } from './ask.ts'
import type { Counterparties } from './counterparties.ts'
import type { KeptEntries } from './kept_entries.ts'
import {
  type Answers,
  decodeQuestion,
  encodeAnswer,
  type EntryFrame,
  type LineFrame,
  LOG_PROTOCOL,
  MAX_FRAME_BYTES,
  MAX_HEADS,
  MAX_KEPT,
  MAX_KEPT_BYTES,
  MAX_LINES,
  type Named,
  type Questions,
} from './protocol.ts'

/** Questions that one peer may ask: as many at once, and as many again each second. */
const BURST = 200
const PER_SECOND = 20

/** Questions that one about an anchor counts as: a head is checked and written, or a path read. */
const ANCHOR_COST = 10

/** What serving needs. */
export interface ServeParts {
  readonly network: Network
  readonly memory: Memory
  readonly counterparties: Counterparties
  readonly kept: KeptEntries
  readonly signer: Signer
  readonly suite: Suite
  readonly clock: Clock
  /** May everybody read this entry? Its terms say so. Whom it is about may always. Default: nobody else. */
  readonly isPublic?: (entry: StoredEntry) => boolean | Promise<boolean>
  /** Told of evidence that a head brought to light. */
  readonly onEvidence?: (evidence: Uint8Array) => void
  /** Where the heads of others are anchored; undefined while this node anchors none. */
  readonly aggregator?: () => Aggregator | undefined
}

type Answer = Named<Answers>

/** Serves `/haggle/log/1` until the returned function is called. */
export async function serveLog(parts: ServeParts): Promise<() => Promise<void>> {
  const allow = rateLimit(parts.clock)
  const answered = async (frame: Uint8Array, { remotePeerId, remoteKey }: ByteStream): Promise<Answer> => {
    if (!allow(remotePeerId, 1)) return refused('rate')
    const question = decodeQuestion(frame)
    // Each proof costs signatures to check.
    if (question.name === 'present' && !allow(remotePeerId, question.body.proofs.length)) return refused('rate')
    if (question.name === 'anchor' && !allow(remotePeerId, ANCHOR_COST)) return refused('rate')
    return await answerTo(parts, question, remoteKey)
  }
  const handler = async (stream: ByteStream): Promise<void> => {
    const done = limitTime(stream, parts.clock)
    try {
      for await (const frame of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) {
        const answer = await answered(frame, stream)
        await stream.send(writeFrame(encodeAnswer(answer.name, answer.body as never), MAX_FRAME_BYTES))
        break
      }
      await stream.close()
    } finally {
      done()
    }
  }
  return await parts.network.handle(LOG_PROTOCOL, handler, { maxInboundStreams: 8 })
}

async function answerTo(parts: ServeParts, question: Named<Questions>, reader: Uint8Array): Promise<Answer> {
  const { memory } = parts
  const { ledger, heads, book } = memory
  try {
    switch (question.name) {
      case 'head': {
        const { owner } = question.body
        const head = owner === null || equalBytes(owner, ledger.key) ? heads.last() : await book.last(owner)
        return { name: 'heads', body: { heads: head ? [head.bytes] : [] } }
      }
      case 'heads': {
        const found: Uint8Array[] = []
        for await (const head of heads.since(question.body.size)) if (found.push(head.bytes) >= MAX_HEADS) break
        return { name: 'heads', body: { heads: found } }
      }
      case 'inclusion': {
        const { index, size } = question.body
        const path = await ledger.inclusionProof(index, size)
        return { name: 'proof', body: { leaf: (await ledger.get(index)).leaf, path } }
      }
      case 'consistency':
        return { name: 'proof', body: { leaf: null, path: await ledger.consistencyProof(question.body.from, question.body.to) } }
      case 'lines':
        return { name: 'lines', body: { lines: await linesOf(parts, question.body, reader) } }
      case 'push':
        return await receive(parts, question.body, reader)
      case 'kept': {
        const log = (await book.last(reader))?.body.log ?? 0
        return { name: 'entries', body: { entries: await within(parts.kept.of(reader, log, question.body.from)) } }
      }
      case 'exchange':
        return await compare(parts, question.body.heads)
      case 'present':
        return { name: 'taken', body: { count: await hear(parts, question.body.proofs, reader) } }
      case 'anchor':
        return await anchorOf(parts, question.body, reader)
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'E_LEDGER_RANGE') return refused('range')
    if (code === 'E_LEDGER_LOST') return refused('unknown')
    throw error
  }
}

function refused(reason: Answers['refused']['reason']): Answer {
  return { name: 'refused', body: { reason } }
}

async function linesOf(
  { memory, isPublic = () => false }: ServeParts,
  { from, to }: Questions['lines'],
  reader: Uint8Array,
): Promise<LineFrame[]> {
  const lines: LineFrame[] = []
  let bytes = 0
  for await (const stored of memory.ledger.entries({ from, to: Math.min(to, from + MAX_LINES) })) {
    const { index, entry, leaf, salt } = stored
    const shown = (isAbout(stored, reader) || (await isPublic(stored))) && (bytes += stored.bytes.length) <= MAX_KEPT_BYTES
    lines.push({
      index,
      kind: entry.kind,
      number: entry.number,
      at: entry.at,
      leaf,
      salt: shown ? salt : null,
      bytes: shown ? stored.bytes : null,
    })
  }
  return lines
}

function isAbout({ entry }: StoredEntry, reader: Uint8Array): boolean {
  return entry.peer !== null && equalBytes(entry.peer, reader)
}

/** As many entries as one frame takes. */
async function within(entries: AsyncIterable<EntryFrame>): Promise<EntryFrame[]> {
  const taken: EntryFrame[] = []
  let bytes = 0
  for await (const entry of entries) {
    bytes += entry.bytes.length
    if (bytes > MAX_KEPT_BYTES) break
    if (taken.push(entry) >= MAX_KEPT) break
  }
  return taken
}

/** A counterparty brings its head: cosigned when it extends what is known, answered with what is known otherwise. */
async function receive(parts: ServeParts, { head, proof, entries }: Questions['push'], owner: Uint8Array): Promise<Answer> {
  const { memory, suite, clock, signer, counterparties, kept, onEvidence } = parts
  const { signer: signedBy } = peekEnvelope(head, suite)
  if (!equalBytes(signedBy, owner) || !(await counterparties.has(owner, Math.floor(clock.now() / 1000)))) return refused('stranger')
  const verdict = await memory.book.consider(head, proof)
  if (verdict.kind === 'fork') {
    onEvidence?.(verdict.evidence)
    return { name: 'fork', body: { evidence: verdict.evidence } }
  }
  if (verdict.kind === 'unproven') return { name: 'ask', body: { from: verdict.from } }
  const last = (await memory.book.last(owner))!
  if (!equalBytes(last.bytes, head)) return { name: 'known', body: { head: last.bytes } }
  await kept.keep(owner, last.body.log, entries)
  const signature = cosign(last, { signer, suite, clock, seq: Math.floor(clock.now() / 1000) })
  return { name: 'cosigned', body: { envelope: signature.bytes } }
}

/** Heads of logs that both know: who forked is found here, and the better head goes back. */
async function compare({ memory, suite, onEvidence }: ServeParts, heads: readonly Uint8Array[]): Promise<Answer> {
  const better: Uint8Array[] = []
  const evidence: Uint8Array[] = []
  for (const bytes of heads) {
    const { signer } = peekEnvelope(bytes, suite)
    const known = equalBytes(signer, memory.ledger.key) ? memory.heads.last() : await memory.book.last(signer)
    if (known === undefined) continue
    if (equalBytes(signer, memory.ledger.key)) {
      await memory.heads.shown(bytes)
    } else {
      const verdict = await memory.book.consider(bytes)
      if (verdict.kind === 'fork') {
        onEvidence?.(verdict.evidence)
        if (evidence.length < 2) evidence.push(verdict.evidence)
      }
    }
    if (!equalBytes(known.bytes, bytes)) better.push(known.bytes)
  }
  return { name: 'exchanged', body: { heads: better, evidence } }
}

/** Takes the proofs that are about whoever shows them and come from somebody whose word counts here. Returns how many. */
async function hear({ memory, suite }: ServeParts, proofs: readonly Uint8Array[], reader: Uint8Array): Promise<number> {
  let count = 0
  for (const file of proofs) {
    try {
      const { entry } = verifyProof(file, suite)
      if (entry.peer === null || !equalBytes(entry.peer, reader)) continue
      await memory.scores.bring(file, { heardOnly: true })
      count++
    } catch (error) {
      // What proves nothing counts for nothing; a node that stops says so.
      if (errorCode(error) === 'E_STORE_CLOSED') throw error
    }
  }
  return count
}

/** The anchor file of a log, or when there will be one. A head is taken from its owner alone. */
async function anchorOf({ aggregator, suite }: ServeParts, { owner, head }: Questions['anchor'], reader: Uint8Array): Promise<Answer> {
  const anchors = aggregator?.()
  if (anchors === undefined) return refused('unknown')
  if (head !== null && (!equalBytes(reader, owner) || !equalBytes(peekEnvelope(head, suite).signer, owner))) return refused('stranger')
  const brought = head === null ? undefined : await anchors.bring(head)
  if (brought?.kind === 'fork') return { name: 'fork', body: { evidence: brought.evidence } }
  const file = await anchors.fileOf(owner)
  if (file !== null) return { name: 'anchored', body: { file } }
  const by = await anchors.dueAtS(owner)
  if (by !== null) return { name: 'waiting', body: { by } }
  return refused(brought?.kind === 'full' ? 'full' : 'unknown')
}

function rateLimit(clock: Clock): (peerId: string, cost: number) => boolean {
  const buckets = new Map<string, { left: number; at: number }>()
  return (peerId, cost) => {
    const now = clock.monotonicMs()
    const bucket = buckets.get(peerId) ?? { left: BURST, at: now }
    const left = Math.min(BURST, bucket.left + ((now - bucket.at) / 1000) * PER_SECOND)
    buckets.delete(peerId)
    buckets.set(peerId, { left: Math.max(0, left - cost), at: now })
    // Peers that asked longest ago have full buckets again: forgetting them changes nothing.
    if (buckets.size > 1024) buckets.delete(buckets.keys().next().value!)
    return left >= cost
  }
}
