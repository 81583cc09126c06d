// What a node keeps of its cases: up-receipts that it holds, bitmaps that it was given, and the bitmaps that it signed itself.

import type { Store } from '@haggle/store'
import { decodeAs, encodeAs, fields, bytes, big, list, type Schema, toHex } from '@haggle/wire'
import type { AttestedBitmap, Attestation } from '@haggle/witness'

/** Bitmaps of one witness for one window that are kept: two contradict each other, and more add nothing. */
const MAX_VERSIONS = 2

const bitmapsSchema: Schema<readonly { readonly down: bigint; readonly sig: Uint8Array }[]> = list(
  fields({ down: big({ maxBytes: 8 }), sig: bytes({ length: 65 }) }),
  { max: MAX_VERSIONS },
)

const padded = (n: number): string => String(n).padStart(10, '0')

/** Evidence on disk, by case. Everything is written and synced before it is used. */
export class EvidenceBook {
  readonly #store: Store
  #writing: Promise<unknown> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /** Keeps an up-receipt. */
  async keepReceipt(id: Uint8Array, slot: number, { index, sig }: Attestation): Promise<void> {
    await this.#store.write([{ key: `receipt/${toHex(id)}/${padded(slot)}/${padded(index)}`, value: sig }])
  }

  /** Up-receipts of one slot, by place in the committee. */
  async receipts(id: Uint8Array, slot: number): Promise<Attestation[]> {
    const prefix = `receipt/${toHex(id)}/${padded(slot)}/`
    const found: Attestation[] = []
    for await (const [key, sig] of this.#store.range({ gte: prefix, lt: `${prefix}~` }))
      found.push({ index: Number(key.slice(prefix.length)), sig })
    return found
  }

  /** Keeps a bitmap of a witness; a second one that differs is kept besides. */
  async keepBitmap(id: Uint8Array, window: number, { index, down, sig }: AttestedBitmap): Promise<void> {
    await this.#alone(async () => {
      const versions = await this.#versions(id, window, index)
      if (versions.length >= MAX_VERSIONS || versions.some((version) => version.down === down)) return
      const value = encodeAs(bitmapsSchema, [...versions, { down, sig }])
      await this.#store.write([{ key: bitmapKey(id, window, index), value }])
    })
  }

  /** Bitmaps of a window, those of one witness beside each other. */
  async bitmaps(id: Uint8Array, window: number): Promise<AttestedBitmap[]> {
    const prefix = `bitmap/${toHex(id)}/${padded(window)}/`
    const found: AttestedBitmap[] = []
    for await (const [key, value] of this.#store.range({ gte: prefix, lt: `${prefix}~` }))
      for (const { down, sig } of decodeAs(bitmapsSchema, value)) found.push({ index: Number(key.slice(prefix.length)), down, sig })
    return found
  }

  /**
   * The one bitmap that this node signs for a window: the stored one, or else what `sign` gives, stored before anybody sees it. Asked twice at once, it is
   * signed once.
   */
  async ownBitmap(
    id: Uint8Array,
    window: number,
    sign: () => Promise<{ readonly down: bigint; readonly sig: Uint8Array } | null>,
  ): Promise<{ readonly down: bigint; readonly sig: Uint8Array } | null> {
    const key = `own/${toHex(id)}/${padded(window)}`
    return await this.#alone(async () => {
      const stored = await this.#store.get(key)
      if (stored) return decodeAs(bitmapsSchema, stored)[0] ?? null
      const made = await sign()
      if (made) await this.#store.write([{ key, value: encodeAs(bitmapsSchema, [made]) }])
      return made
    })
  }

  async #versions(id: Uint8Array, window: number, index: number): Promise<readonly { readonly down: bigint; readonly sig: Uint8Array }[]> {
    const value = await this.#store.get(bitmapKey(id, window, index))
    return value ? decodeAs(bitmapsSchema, value) : []
  }

  /** One after another: what reads and then writes must not overlap. */
  #alone<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(run, run)
    this.#writing = turn.catch(() => undefined)
    return turn
  }
}

function bitmapKey(id: Uint8Array, window: number, index: number): string {
  return `bitmap/${toHex(id)}/${padded(window)}/${padded(index)}`
}
