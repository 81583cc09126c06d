// CRC-32C (Castagnoli), the checksum of LevelDB's blocks, eight bytes at a step.

const POLYNOMIAL = 0x82f63b78

/** Slicing-by-8: table k holds the effect of a byte that is k bytes further on. */
const TABLES: readonly Int32Array[] = /* @__PURE__ */ makeTables()

function makeTables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    return value
  })
  const tables = [first]
  for (let k = 1; k < 8; k++) tables.push(tables[k - 1]!.map((value) => (value >>> 8) ^ first[value & 0xff]!))
  return tables
}

/** The CRC-32C of `bytes[from, to)`, 0 to 2^32 - 1. */
export function crc32c(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  let crc = -1
  let at = from
  for (; at + 8 <= to; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** LevelDB keeps checksums rotated and shifted, so that a checksum over data with checksums in it stays good. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
