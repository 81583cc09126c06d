// Snappy decompression, raw format: what LevelDB's index blocks may be packed with (github.com/google/snappy, format_description.txt).

/** The bytes that `packed` stands for. Throws `RangeError` when it isn't Snappy. */
export function decompress(packed: Uint8Array): Uint8Array {
  let at = 0
  const next = (): number => {
    const byte = packed[at++]
    if (byte === undefined) throw new RangeError('Snappy data ends early')
    return byte
  }
  const little = (bytes: number): number => {
    let value = 0
    for (let i = 0; i < bytes; i++) value += next() * 256 ** i
    return value
  }
  let length = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = next()
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  // No real block comes near this: a wild length is damage, not a reason to allocate.
  if (length > 64 * 1024 * 1024) throw new RangeError('Snappy length is out of range')
  const out = new Uint8Array(length)
  let end = 0
  while (at < packed.length) {
    const tag = next()
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const count = (short < 60 ? short : little(short - 59)) + 1
      if (at + count > packed.length || end + count > length) throw new RangeError('Snappy literal is out of range')
      out.set(packed.subarray(at, at + count), end)
      at += count
      end += count
      continue
    }
    const count = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const back = kind === 1 ? (tag >>> 5) * 256 + next() : little(kind === 2 ? 2 : 4)
    if (back === 0 || back > end || end + count > length) throw new RangeError('Snappy copy is out of range')
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < count; i++, end++) out[end] = out[end - back]!
  }
  if (end !== length) throw new RangeError('Snappy data ends early')
  return out
}
