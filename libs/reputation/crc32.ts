// CRC-32 (IEEE 802.3, the one of zip and gzip): finds every single flipped bit and every burst of up to 32 bits.

/** The reflected polynomial. */
const POLYNOMIAL = 0xedb88320

const TABLE: Int32Array = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** The CRC-32 of `bytes`, 0 to 2^32 - 1. A journal on Node uses zlib's, which gives the same. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}
