// My heads brought to those whom they concern: which counterparty has cosigned up to where, and who cosigned the last one.

import { peerIdOf } from '@haggle/identity'
import { cosignMessage, type SignedHead } from '@haggle/reputation'
import type { Store } from '@haggle/store'
import { decodeAs, encodeAs, equalBytes, errorCode, open, toHex, uint } from '@haggle/wire'
import { pushHead, type PushParts } from './push.ts'

/** Counterparties that a head is brought to at once. */
const PUSHES_AT_ONCE = 8

/** What {@link Bringer} needs. */
export interface BringerInit extends PushParts {
  /** A store or sub-store of its own. */
  readonly store: Store
  readonly onCosigned: (peerId: string, size: number) => void
  /** A counterparty holds evidence against this node. */
  readonly onForked: (evidence: Uint8Array) => void
}

/** See the file's first line. */
export class Bringer {
  readonly #init: BringerInit
  readonly #cosigners = new Set<string>()
  #seen = false
  #stopped = false

  constructor(init: BringerInit) {
    this.#init = init
  }

  /** Counterparties that cosigned the last signed head. */
  get cosigners(): readonly string[] {
    return [...this.#cosigners]
  }

  /** Has anybody ever cosigned a head of mine, as far as this store knows? */
  get seen(): boolean {
    return this.#seen
  }

  /** Reads who cosigned the last head in an earlier process. */
  async load(): Promise<void> {
    const { store, memory, suite } = this.#init
    for await (const _ of store.range({ gte: 'c', lt: 'd', limit: 1 })) this.#seen = true
    const last = memory.heads.last()
    if (last === undefined) return
    for await (const [, envelope] of store.range({ gte: 'c', lt: 'd' })) {
      const { signer, body } = open(envelope, cosignMessage, { network: last.network, suite })
      const { log, size, root } = last.body
      if (body.log === log && body.size === size && equalBytes(body.root, root)) this.#cosigners.add(peerIdOf(signer))
    }
  }

  /** Brings a new head to `keys`. Resolves when each has answered or can't be reached. */
  async all(head: SignedHead, keys: readonly Uint8Array[]): Promise<void> {
    this.#cosigners.clear()
    const waiting = [...keys]
    const one = async (): Promise<void> => {
      for (let key = waiting.shift(); key && !this.#stopped; key = waiting.shift()) await this.one(head, key)
    }
    await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, one))
  }

  /** Brings a head to one counterparty. What can't be reached now gets it, or the next one, when it is met. */
  async one(head: SignedHead, key: Uint8Array): Promise<void> {
    const { store, memory, onCosigned, onForked } = this.#init
    const peerId = peerIdOf(key)
    const name = `a${toHex(key)}${head.body.log}`
    const known = await store.get(name)
    const from = known ? decodeAs(uint(), known) : 0
    if (from >= head.body.size) return
    try {
      const outcome = await pushHead(this.#init, head, { target: { peerId }, key, from })
      if (outcome.kind === 'forked') onForked(outcome.evidence)
      if (outcome.kind !== 'cosigned') return
      this.#seen = true
      if (head.body.size === memory.heads.last()?.body.size) this.#cosigners.add(peerId)
      await store.write([
        { key: name, value: encodeAs(uint(), head.body.size) },
        { key: `c${toHex(key)}`, value: outcome.envelope },
      ])
      onCosigned(peerId, head.body.size)
    } catch (error) {
      if (errorCode(error) === 'E_STORE_CLOSED') throw error
    }
  }

  /** Nobody new is asked from here on. */
  stop(): void {
    this.#stopped = true
  }
}
