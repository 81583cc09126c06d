// Which tables a LevelDB really has: read from its MANIFEST, so that what a crash left half written isn't taken for damage.
//
// Formats: https://github.com/google/leveldb/blob/main/doc/log_format.md and, for the edits inside, leveldb's db/version_edit.cc.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { concatAll } from '@haggle/wire'
import { crc32c, masked } from './_crc32c.ts'

const BLOCK_BYTES = 32 * 1024
/** Checksum, length and type before each piece of a record. */
const HEAD_BYTES = 7

/** The numbers of the tables in use, or undefined when the manifest can't be read as a whole. */
export async function liveTables(folder: string): Promise<ReadonlySet<number> | undefined> {
  try {
    const current = await readFile(join(folder, 'CURRENT'), 'utf8')
    if (!/^MANIFEST-\d+\n$/.test(current)) return undefined
    return tablesOf(await readFile(join(folder, current.trimEnd())))
  } catch {
    // Missing, or sizes in it that lead nowhere: LevelDB will say so too.
    return undefined
  }
}

/** The tables after all edits of a manifest. Throws `RangeError` for what isn't one. */
export function tablesOf(manifest: Uint8Array): ReadonlySet<number> {
  const live = new Set<number>()
  for (const record of records(manifest)) applyEdit(record, live)
  return live
}

function* records(log: Uint8Array): Generator<Uint8Array> {
  let pieces: Uint8Array[] = []
  for (let at = 0; at + HEAD_BYTES <= log.length;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEAD_BYTES) {
      at += left
      continue
    }
    const view = new DataView(log.buffer, log.byteOffset + at)
    const length = view.getUint16(4, true)
    const type = view.getUint8(6)
    if (type === 0 && length === 0) return
    const end = at + HEAD_BYTES + length
    // A record that a crash cut short is the end: the edit never happened.
    if (end > log.length) return
    if (view.getUint32(0, true) !== masked(crc32c(log, at + 6, end))) throw new RangeError('the manifest is damaged')
    pieces.push(log.subarray(at + HEAD_BYTES, end))
    at = end
    if (type !== 1 && type !== 4) continue
    yield concatAll(pieces)
    pieces = []
  }
}

/** Tags of an edit's fields. */
const COMPARATOR = 1
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const NUMBERS: readonly number[] = [2, 3, 4, 9]

function applyEdit(edit: Uint8Array, live: Set<number>): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = edit[at++]
      if (byte === undefined) throw new RangeError('an edit of the manifest ends early')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  const skipText = (): void => {
    const length = varint()
    at += length
  }
  while (at < edit.length) {
    const tag = varint()
    if (tag === COMPARATOR) skipText()
    else if (NUMBERS.includes(tag)) varint()
    else if (tag === COMPACT_POINTER) {
      varint()
      skipText()
    } else if (tag === DELETED_FILE) {
      varint()
      live.delete(varint())
    } else if (tag === NEW_FILE) {
      varint()
      const number = varint()
      varint()
      skipText()
      skipText()
      live.add(number)
    } else throw new RangeError('an edit of the manifest has an unknown field')
  }
}
