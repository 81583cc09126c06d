// Counts of octets on the wire: files and outputs may be larger than the 4 GiB of a dialect integer.

import { big, mapped, refine, type Schema } from '@haggle/wire'

/** One more than the largest count of octets that travels: 2^48, 256 TiB. */
export const MAX_OCTETS: number = 2 ** 48

/** A count of octets, or an offset, below 2^48: a big-endian bin of at most 6 bytes, minimal, as every large integer of the dialect. */
export function octetsSchema(): Schema<number> {
  const counted = mapped<bigint, number>(big({ maxBytes: 6 }), Number, (value) => (Number.isSafeInteger(value) ? BigInt(value) : -1n))
  return refine(counted, (value) => (value < MAX_OCTETS ? undefined : `must be below ${MAX_OCTETS}`))
}
