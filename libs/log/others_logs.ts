// Other people's logs, as heads and evidence that come by show them: compared, proven by their owners, and told to everybody when they lie.

import { peerIdOf } from '@haggle/identity'
import { checkpointMessage, type Memory, readEvidence, type SignedHead } from '@haggle/reputation'
import { equalBytes, HaggleError, peekEnvelope, type Suite } from '@haggle/wire'
import { ask, type AskParts } from './ask.ts'

/** What {@link OthersLogs} needs. */
export interface OthersLogsInit extends AskParts {
  readonly memory: Memory
  readonly suite: Suite
  /** Told once of each liar. */
  readonly onEvidence: (culprit: Uint8Array, sentence: string) => void
  /** Makes evidence known to everybody. */
  readonly publish: (evidence: Uint8Array) => void
  /** Somebody showed a head of my own log. */
  readonly onMine: (envelope: Uint8Array) => Promise<void>
}

/** See the file's first line. */
export class OthersLogs {
  readonly #init: OthersLogsInit

  constructor(init: OthersLogsInit) {
    this.#init = init
  }

  /** Somebody showed a head: when it is ahead of what is known of that log, its owner has to prove that it extends it. */
  async consider(envelope: Uint8Array): Promise<void> {
    const { memory, suite, onMine } = this.#init
    const { signer } = peekEnvelope(envelope, suite)
    if (equalBytes(signer, memory.ledger.key)) return await onMine(envelope)
    const verdict = await memory.book.consider(envelope)
    if (verdict.kind === 'fork') return this.tell(verdict.evidence)
    if (verdict.kind === 'unproven') await this.#prove(signer, envelope, verdict.from)
  }

  /** The head that a peer shows now, when it extends what is known here. Throws `E_LOG_SILENT` and `E_LOG_UNPROVEN`. */
  async headOf(key: Uint8Array): Promise<SignedHead> {
    const peerId = peerIdOf(key)
    const answer = await ask(this.#init, { peerId }, { name: 'head', body: { owner: null } })
    const envelope = answer.name === 'heads' ? answer.body.heads[0] : undefined
    if (envelope === undefined) throw new HaggleError('E_LOG_SILENT', `Cannot audit ${peerId}: it shows no signed head`)
    await this.consider(envelope)
    const head = await this.#init.memory.book.last(key)
    if (head && equalBytes(head.bytes, envelope)) return head
    throw new HaggleError('E_LOG_UNPROVEN', `Cannot audit ${peerId}: its head does not extend the one known here`)
  }

  /** Takes evidence that a peer showed. What shows nothing is passed over: a claim is only as good as its proof. */
  async take(evidence: Uint8Array): Promise<boolean> {
    let found
    try {
      found = readEvidence(evidence, this.#init.suite)
    } catch {
      return false
    }
    const { book } = this.#init.memory
    const known = await book.convicted(found.culprit)
    await book.accuse(evidence)
    if (known === undefined) this.#init.onEvidence(found.culprit, found.sentence)
    return true
  }

  /** Evidence that came to light here: everybody is told. */
  tell(evidence: Uint8Array): void {
    const { culprit, sentence } = readEvidence(evidence, this.#init.suite)
    this.#init.onEvidence(culprit, sentence)
    this.#init.publish(evidence)
  }

  /** Asks a log's owner for the proof between two of its heads, and for the heads in between, which show a fork if there is one. */
  async #prove(signer: Uint8Array, envelope: Uint8Array, from: number): Promise<void> {
    const { memory, suite } = this.#init
    const target = { peerId: peerIdOf(signer) }
    try {
      const { size } = checkpointMessage.schema.parse(peekEnvelope(envelope, suite).rawBody)
      const answer = await ask(this.#init, target, { name: 'consistency', body: { from, to: size } })
      const verdict = await memory.book.consider(envelope, answer.name === 'proof' ? answer.body.path : [])
      if (verdict.kind === 'fork') return this.tell(verdict.evidence)
      if (verdict.kind !== 'unproven') return
      const chain = await ask(this.#init, target, { name: 'heads', body: { size: Math.max(0, from - 1) } })
      for (const head of chain.name === 'heads' ? chain.body.heads : []) {
        const each = await memory.book.consider(head)
        if (each.kind === 'fork') return this.tell(each.evidence)
      }
    } catch {
      // Its owner can't be reached: the head stays unproven, and isn't cosigned.
    }
  }
}
