// A LevelDB table file read by hand: which of its blocks are sound, and the file again without those that aren't.
//
// LevelDB doesn't verify blocks when it reads or compacts them, and a key that a flipped bit moved out of order ends the whole process with an
// assertion. So damaged blocks are taken out before it sees them. Format: https://github.com/google/leveldb/blob/main/doc/table_format.md

import { concat } from '@haggle/wire'
import { crc32c, masked } from './_crc32c.ts'
import { decompress } from './_snappy.ts'

/** Two block handles, padded to 40 bytes, and the magic number. */
const FOOTER_BYTES = 48
const MAGIC: readonly number[] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]

/** Compression type and checksum behind each block. */
const TRAILER_BYTES = 5

/** Where a block is, its trailer not counted. */
interface Handle {
  readonly offset: number
  readonly size: number
}

/** A line of the index: the block that holds keys up to `key`. */
interface IndexEntry {
  readonly key: Uint8Array
  readonly block: Handle
}

/** What {@link checkTable} finds: all is sound; some blocks aren't and `mended` is the file without them; or the index itself can't be read. */
export type TableState =
  | { readonly state: 'sound' }
  | { readonly state: 'mended'; readonly mended: Uint8Array }
  | { readonly state: 'unreadable' }

/** Verifies every block of the table file `bytes`. Never throws. */
export function checkTable(bytes: Uint8Array): TableState {
  try {
    return judge(bytes)
  } catch {
    // Sizes and offsets that lead nowhere: the same as a block that doesn't verify.
    return { state: 'unreadable' }
  }
}

function judge(bytes: Uint8Array): TableState {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0 || !MAGIC.every((byte, i) => bytes[bytes.length - 8 + i] === byte)) return { state: 'unreadable' }
  const reader = { bytes, at: footerAt }
  const meta = readHandle(reader)
  const index = readHandle(reader)
  if (!isSound(bytes, index)) return { state: 'unreadable' }
  const entries = readIndex(contentOf(bytes, index))
  const good = entries.filter(({ block }) => isSound(bytes, block))
  if (good.length === entries.length && isSound(bytes, meta) && metaBlocks(bytes, meta).every((block) => isSound(bytes, block)))
    return { state: 'sound' }
  return good.length === 0 ? { state: 'unreadable' } : { state: 'mended', mended: rewrite(bytes, good) }
}

/** The blocks that the metaindex names: the Bloom filter, whose damage would hide keys. */
function metaBlocks(bytes: Uint8Array, meta: Handle): Handle[] {
  return readIndex(contentOf(bytes, meta)).map(({ block }) => block)
}

function isSound(bytes: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) return false
  const kept = (bytes[end + 1]! | (bytes[end + 2]! << 8) | (bytes[end + 3]! << 16) | (bytes[end + 4]! << 24)) >>> 0
  return kept === masked(crc32c(bytes, offset, end + 1))
}

function contentOf(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const content = bytes.subarray(offset, offset + size)
  return bytes[offset + size] === 1 ? decompress(content) : content
}

function readIndex(block: Uint8Array): IndexEntry[] {
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true)
  const end = block.length - 4 - 4 * restarts
  const reader = { bytes: block, at: 0 }
  const entries: IndexEntry[] = []
  let previous: Uint8Array = new Uint8Array(0)
  while (reader.at < end) {
    const shared = readVarint(reader)
    const own = readVarint(reader)
    const valueLength = readVarint(reader)
    const key = new Uint8Array(shared + own)
    key.set(previous.subarray(0, shared))
    key.set(block.subarray(reader.at, reader.at + own), shared)
    const valueAt = reader.at + own
    entries.push({ key, block: readHandle({ bytes: block, at: valueAt }) })
    reader.at = valueAt + valueLength
    previous = key
  }
  return entries
}

/** The same file with a new index behind it that names only `good`, and no filter. */
function rewrite(bytes: Uint8Array, good: readonly IndexEntry[]): Uint8Array {
  const meta = blockOf([])
  const index = blockOf(good)
  const footer = new Uint8Array(FOOTER_BYTES)
  const first = writeHandle({ offset: bytes.length, size: meta.length - TRAILER_BYTES })
  footer.set([...first, ...writeHandle({ offset: bytes.length + meta.length, size: index.length - TRAILER_BYTES })])
  footer.set(MAGIC, FOOTER_BYTES - MAGIC.length)
  return concat(bytes, meta, index, footer)
}

/** An uncompressed block of index entries, each its own restart, with its trailer. */
function blockOf(entries: readonly IndexEntry[]): Uint8Array {
  const content: number[] = []
  const restarts: number[] = entries.length === 0 ? [0] : []
  for (const { key, block } of entries) {
    restarts.push(content.length)
    const value = writeHandle(block)
    content.push(0, ...writeVarint(key.length), ...writeVarint(value.length), ...key, ...value)
  }
  for (const restart of [...restarts, restarts.length]) content.push(...littleEndian(restart))
  const typed = Uint8Array.from([...content, 0])
  return Uint8Array.from([...typed, ...littleEndian(masked(crc32c(typed)))])
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function readVarint(cursor: Cursor): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined || scale > 2 ** 49) throw new RangeError('varint runs out of its block')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}

function writeVarint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return [...bytes, rest]
}

function readHandle(cursor: Cursor): Handle {
  return { offset: readVarint(cursor), size: readVarint(cursor) }
}

function writeHandle({ offset, size }: Handle): number[] {
  return [...writeVarint(offset), ...writeVarint(size)]
}

function littleEndian(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
}
