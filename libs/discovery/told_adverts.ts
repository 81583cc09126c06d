// Adverts that snapshots have brought lately: the same bytes again cost a look and no signature.

import { equalBytes, MAX_SKEW_S, toHex } from '@haggle/wire'
import type { Message } from '@haggle/wire'
import type { Advert } from './advert.ts'

/** Adverts kept at most: those of sixteen full answers. */
export const MAX_TOLD = 1_024
/** Octets of the signature, with which an envelope ends. */
const SIGNATURE_BYTES = 64

/** See the file's first line. */
export class ToldAdverts {
  readonly #bySignature: Map<string, Message<Advert>> = new Map()

  get size(): number {
    return this.#bySignature.size
  }

  /** The verified advert with exactly these bytes, or undefined. */
  find(bytes: Uint8Array): Message<Advert> | undefined {
    const told = this.#bySignature.get(toHex(bytes.subarray(-SIGNATURE_BYTES)))
    return told !== undefined && equalBytes(told.bytes, bytes) ? told : undefined
  }

  /** Keeps a verified advert until its time is over or sixteen answers have followed it. */
  add(message: Message<Advert>, nowS: number): void {
    this.#bySignature.set(toHex(message.signature), message)
    for (const [signature, { exp }] of this.#bySignature) {
      if (this.#bySignature.size <= MAX_TOLD && exp + MAX_SKEW_S >= nowS) break
      this.#bySignature.delete(signature)
    }
  }
}
