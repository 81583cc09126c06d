// Reads the thread of an envelope at its fixed place, before anything is decoded: only to find the thread that will judge it.

/** Octets of a network, a key or an id, and of a thread. */
const KEY_BYTES = 32
const THREAD_BYTES = 16

/**
 * The thread that an envelope names, or null when it names none or is no envelope: then opening it will say what is wrong. A view of `bytes`.
 * `[[1, type, network, signer, audience | nil, thread | nil, …], sig]` (spec/wire.md, Envelope).
 */
export function threadOfEnvelope(bytes: Uint8Array): Uint8Array | null {
  let at = 0
  const skip = (...octets: readonly number[]): boolean => octets.every((octet) => bytes[at++] === octet)
  const skipBin = (length: number): boolean => {
    if (!skip(0xc4, length)) return false
    at += length
    return at <= bytes.length
  }
  if (!skip(0x92, 0x9c, 1)) return null
  const type = bytes[at++] ?? 0
  // A type's name has at most 32 octets: a short string, or one of exactly 32 with its length behind 0xd9.
  if ((type & 0xe0) === 0xa0) at += type & 0x1f
  else if (type === 0xd9 && bytes[at] === 32) at += 33
  else return null
  if (!skipBin(KEY_BYTES) || !skipBin(KEY_BYTES)) return null
  if (bytes[at] === 0xc0) at++
  else if (!skipBin(KEY_BYTES)) return null
  return skipBin(THREAD_BYTES) ? bytes.subarray(at - THREAD_BYTES, at) : null
}
