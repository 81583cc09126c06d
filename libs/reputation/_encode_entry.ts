// The bytes of an entry written directly into place: the same as the schema's, a tenth of the time, because every append pays for it.

import { HaggleError, schemaError, utf8 } from '@haggle/wire'
import type { Entry, Facts } from './entry.ts'

/** Where bytes go. There is room enough before anything is written. */
interface Writer {
  readonly bytes: Uint8Array
  at: number
}

/** Bytes of a slab: some seventy ordinary entries. */
const SLAB_BYTES = 64 * 1024

/** Room for many entries, one behind the other: a buffer for each would cost as much as hashing it. What was taken stays as long as anybody holds it. */
export class Slab {
  readonly #size: number
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0

  constructor(size: number = SLAB_BYTES) {
    this.#size = size
  }

  /** Runs `write` on `length` free bytes at least, and gives what it wrote. */
  take(length: number, write: (writer: Writer) => void): Uint8Array {
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(this.#size, length))
      this.#at = 0
    }
    const writer: Writer = { bytes: this.#bytes, at: this.#at }
    write(writer)
    const written = this.#bytes.subarray(this.#at, writer.at)
    this.#at = writer.at
    return written
  }
}

/** Bytes that everything but the evidence takes at most. */
const SPARE_BYTES = 320

/** Most bytes of the encoding of one entry. */
const MAX_BYTES = 64 * 1024

/** The words that entries carry, encoded once. */
const WORDS: ReadonlyMap<string, Uint8Array> = /* @__PURE__ */ new Map(
  'opened closed void receipt witness challenge succeeds provider renter settled failed cancelled disputed network free evm'
    .split(' ')
    .map((word) => [word, utf8(word)]),
)

/** `before`, `version` and the fields of `entry`, one behind the other in `slab`. Checks what the types don't say, like the schema. */
export function writeEntry(
  entry: Entry,
  version: number,
  { before, slab }: { readonly before?: Uint8Array; readonly slab: Slab },
): Uint8Array {
  if (entry.evidence.length > 64)
    throw schemaError(`must be an array of 0 to 64, is an array of ${entry.evidence.length}`, '[7]', 'evidence')
  let length = SPARE_BYTES
  for (const each of entry.evidence) length += each.length + 3
  if (length > 2 * MAX_BYTES) throw tooLong(length)
  return slab.take(length, (writer) => {
    if (before) {
      writer.bytes.set(before, writer.at)
      writer.at += before.length
    }
    const from = writer.at
    writeFields(writer, entry, version)
    if (writer.at - from > MAX_BYTES) throw tooLong(writer.at - from)
  })
}

function tooLong(length: number): HaggleError {
  return new HaggleError('E_WIRE_SIZE', `Cannot encode the entry: it has ${length} bytes, at most ${MAX_BYTES} fit`)
}

function writeFields(writer: Writer, { kind, at, number, peer, contract, facts, evidence }: Entry, version: number): void {
  writer.bytes[writer.at++] = 0x98
  writeUint(writer, version, 'version')
  writeWord(writer, kind)
  writeUint(writer, at, 'at')
  writeOptional(writer, number, 'number')
  writeKey(writer, peer, 'peer')
  writeKey(writer, contract, 'contract')
  if (facts === null) writeNil(writer)
  else writeFacts(writer, facts)
  writeArrayHead(writer, evidence.length)
  for (const each of evidence) writeBin(writer, each)
}

function writeFacts(writer: Writer, facts: Facts): void {
  writer.bytes[writer.at++] = 0x98
  writeWord(writer, facts.role)
  writeWord(writer, facts.outcome)
  if (facts.liable === null) writeNil(writer)
  else writeWord(writer, facts.liable)
  writeWord(writer, facts.rail)
  writeBig(writer, facts.settled)
  writeUint(writer, facts.meteredS, 'facts.meteredS')
  writeOptional(writer, facts.upS, 'facts.upS')
  if (facts.speedPermille !== null && facts.speedPermille > 1_000_000)
    throw schemaError(`must be an integer from 0 to 1000000, is ${facts.speedPermille}`, '[6][7]', 'facts.speedPermille')
  writeOptional(writer, facts.speedPermille, 'facts.speedPermille')
}

function writeNil(writer: Writer): void {
  writer.bytes[writer.at++] = 0xc0
}

function writeOptional(writer: Writer, value: number | null, name: string): void {
  if (value === null) writeNil(writer)
  else writeUint(writer, value, name)
}

function writeUint(writer: Writer, value: number, name: string): void {
  if (value >>> 0 !== value) throw schemaError(`must be an integer from 0 to 4294967295, is ${value}`, '', name)
  const { bytes } = writer
  if (value < 0x80) {
    bytes[writer.at++] = value
  } else if (value < 0x100) {
    bytes[writer.at++] = 0xcc
    bytes[writer.at++] = value
  } else if (value < 0x10000) {
    bytes[writer.at++] = 0xcd
    bytes[writer.at++] = value >>> 8
    bytes[writer.at++] = value
  } else {
    bytes[writer.at++] = 0xce
    bytes[writer.at++] = value >>> 24
    bytes[writer.at++] = value >>> 16
    bytes[writer.at++] = value >>> 8
    bytes[writer.at++] = value
  }
}

function writeWord(writer: Writer, word: string): void {
  const bytes = WORDS.get(word)
  if (bytes === undefined) throw schemaError(`must be one of ${[...WORDS.keys()].join(', ')}, is "${word}"`)
  writer.bytes[writer.at++] = 0xa0 | bytes.length
  writer.bytes.set(bytes, writer.at)
  writer.at += bytes.length
}

function writeKey(writer: Writer, key: Uint8Array | null, name: string): void {
  if (key === null) return writeNil(writer)
  if (key.length !== 32) throw schemaError(`must be 32 bytes, is ${key.length}`, '', name)
  writeBin(writer, key)
}

function writeBin(writer: Writer, value: Uint8Array): void {
  const { bytes } = writer
  if (value.length < 0x100) {
    bytes[writer.at++] = 0xc4
  } else {
    if (value.length >= 0x10000) throw schemaError(`must be at most 61440 bytes, is ${value.length}`, '', 'evidence')
    bytes[writer.at++] = 0xc5
    bytes[writer.at++] = value.length >>> 8
  }
  bytes[writer.at++] = value.length
  bytes.set(value, writer.at)
  writer.at += value.length
}

function writeArrayHead(writer: Writer, length: number): void {
  if (length >= 16) {
    writer.bytes[writer.at++] = 0xdc
    writer.bytes[writer.at++] = 0
    writer.bytes[writer.at++] = length
  } else {
    writer.bytes[writer.at++] = 0x90 | length
  }
}

/** Big-endian without leading zeros; zero is the empty bin. */
function writeBig(writer: Writer, value: bigint): void {
  if (value < 0n || value >> 128n !== 0n)
    throw schemaError(`must be an integer of at most 16 bytes, is ${value}`, '[6][4]', 'facts.settled')
  let length = 0
  for (let rest = value; rest > 0n; rest >>= 8n) length++
  writer.bytes[writer.at++] = 0xc4
  writer.bytes[writer.at++] = length
  let rest = value
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) writer.bytes[writer.at + i] = Number(rest & 0xffn)
  writer.at += length
}
