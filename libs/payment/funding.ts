// The funding proof of an ACCEPT on a rail with channels: a voucher that pays the first tick.

import { big, bytes, decodeAs, encodeAs, errorCode, fields, type Schema } from '@haggle/wire'
import type { SignedVoucher } from './channels.ts'

/** Dialect form of a funding proof: `[channel, cumulative, sig]`. */
export const fundingSchema: Schema<SignedVoucher> = fields({
  channel: bytes({ length: 32 }),
  cumulative: big({ maxBytes: 16 }),
  sig: bytes({ length: 65 }),
})

/** The bytes of a funding proof, at most 128. */
export function encodeFunding(voucher: SignedVoucher): Uint8Array {
  return encodeAs(fundingSchema, voucher)
}

/** A funding proof from its bytes; null when they are none. */
export function decodeFunding(encoded: Uint8Array): SignedVoucher | null {
  try {
    return decodeAs(fundingSchema, encoded)
  } catch (error) {
    // What a peer sends is not an error of this node: it is no proof.
    if (errorCode(error) === 'E_UNKNOWN') throw error
    return null
  }
}
