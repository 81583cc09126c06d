// Walks encoded bytes and refuses everything outside the dialect, before anything is decoded (spec/wire.md, Dialect).

import { HaggleError } from './errors.ts'
import { type Limits, MESSAGE_LIMITS } from './limits.ts'

function refuse(code: string, what: string, at: number): never {
  throw new HaggleError(code, `Cannot read the message: ${what} at byte ${at}`, { details: { at } })
}

/**
 * Refuses `bytes` unless they are one value of the dialect: allowed types, minimal form, counts that fit the bytes left, valid UTF-8 without
 * control or format characters, nothing after the end, and within `limits`. Allocates nothing that grows with the input.
 * Returns true when a text holds a code point from U+0300 on, whose NFC form must be checked after decoding ({@link decode} does).
 *
 * Throws `E_WIRE_SIZE`, `E_WIRE_TYPE`, `E_WIRE_MINIMAL`, `E_WIRE_TRUNCATED`, `E_WIRE_TRAILING`, `E_WIRE_DEPTH`, `E_WIRE_ITEMS`,
 * `E_WIRE_UTF8`, `E_WIRE_TEXT`; `details.at` is the byte.
 */
export function checkDialect(bytes: Uint8Array, limits: Limits = MESSAGE_LIMITS): boolean {
  const end = bytes.length
  if (end > limits.maxBytes) {
    throw new HaggleError('E_WIRE_SIZE', `Cannot read the message: must be at most ${limits.maxBytes} bytes, is ${end}`, {
      details: { size: end },
    })
  }
  const open: number[] = []
  let left = 1
  let items = 0
  let at = 0
  let composed = false
  for (;;) {
    while (left === 0) {
      const outer = open.pop()
      if (outer === undefined) {
        if (at !== end) refuse('E_WIRE_TRAILING', 'bytes after the end', at)
        return composed
      }
      left = outer
    }
    left--
    if (at >= end) refuse('E_WIRE_TRUNCATED', 'the end comes too early', at)
    if (++items > limits.maxItems) refuse('E_WIRE_ITEMS', `more than ${limits.maxItems} items`, at)
    const start = at
    const type = bytes[at++] as number
    if (type < 0x80 || type === 0xc0 || type === 0xc2 || type === 0xc3) continue
    let count: number
    if ((type & 0xf0) === 0x90) count = type & 0x0f
    else if ((type & 0xe0) === 0xa0) count = type & 0x1f
    else {
      const width = widthOf(type)
      if (width === 0) refuse('E_WIRE_TYPE', `type byte 0x${type.toString(16).padStart(2, '0')} is not allowed`, start)
      if (at + width > end) refuse('E_WIRE_TRUNCATED', 'the end comes too early', end)
      count = 0
      for (let i = 0; i < width; i++) count = count * 256 + (bytes[at++] as number)
      if (count < leastOf(type)) refuse('E_WIRE_MINIMAL', 'not in its shortest form', start)
      if (type >= 0xcc && type <= 0xce) continue
    }
    if ((type & 0xf0) === 0x90 || type === 0xdc || type === 0xdd) {
      if (open.length >= limits.maxDepth) refuse('E_WIRE_DEPTH', `arrays deeper than ${limits.maxDepth}`, start)
      if (count > limits.maxItems - items) refuse('E_WIRE_ITEMS', `more than ${limits.maxItems} items`, start)
      if (count > end - at) refuse('E_WIRE_TRUNCATED', `an array of ${count} does not fit`, start)
      open.push(left)
      left = count
      continue
    }
    if (count > end - at) refuse('E_WIRE_TRUNCATED', `${count} bytes do not fit`, start)
    if (type >= 0xc4 && type <= 0xc6) at += count
    else {
      if (checkText(bytes, at, at + count)) composed = true
      at += count
    }
  }
}

/** Bytes of the length or number that follows a type byte; 0 when the type is not in the dialect. */
function widthOf(type: number): number {
  switch (type) {
    case 0xcc:
    case 0xc4:
    case 0xd9:
      return 1
    case 0xcd:
    case 0xc5:
    case 0xda:
    case 0xdc:
      return 2
    case 0xce:
    case 0xc6:
    case 0xdb:
    case 0xdd:
      return 4
    default:
      return 0
  }
}

/** The least number or length for which a type byte is the shortest form. */
function leastOf(type: number): number {
  switch (type) {
    case 0xc4:
      return 0
    case 0xcc:
      return 0x80
    case 0xd9:
      return 0x20
    case 0xdc:
      return 0x10
    case 0xce:
    case 0xc6:
    case 0xdb:
    case 0xdd:
      return 0x10000
    default:
      return 0x100
  }
}

/** Refuses text that is not valid UTF-8 or holds a control or format character. True when it holds a code point from U+0300 on. */
function checkText(bytes: Uint8Array, from: number, to: number): boolean {
  let composed = false
  let at = from
  while (at < to) {
    const first = bytes[at] as number
    if (first < 0x80) {
      if (first < 0x20 || first === 0x7f) refuse('E_WIRE_TEXT', 'a control character', at)
      at++
      continue
    }
    let more: number
    let point: number
    let least: number
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1
      point = first & 0x1f
      least = 0x80
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2
      point = first & 0x0f
      least = 0x800
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3
      point = first & 0x07
      least = 0x10000
    } else refuse('E_WIRE_UTF8', 'not UTF-8', at)
    if (at + more >= to) refuse('E_WIRE_UTF8', 'a character is cut', at)
    for (let i = 1; i <= more; i++) {
      const next = bytes[at + i] as number
      if ((next & 0xc0) !== 0x80) refuse('E_WIRE_UTF8', 'not UTF-8', at)
      point = point * 64 + (next & 0x3f)
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) refuse('E_WIRE_UTF8', 'not UTF-8', at)
    if (point < 0xa0) refuse('E_WIRE_TEXT', 'a control character', at)
    if (point >= 0xad && isFormat(point)) refuse('E_WIRE_TEXT', 'an invisible format character', at)
    if (point >= 0x300) composed = true
    at += more + 1
  }
  return composed
}

/** Pairs (first, last) of the general category Cf, Unicode 16.0: pinned, so that two versions of a runtime give one verdict. */
const FORMAT_RANGES: readonly number[] = [
  0xad, 0xad, 0x600, 0x605, 0x61c, 0x61c, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x890, 0x891, 0x8e2, 0x8e2, 0x180e, 0x180e, 0x200b, 0x200f, 0x202a,
  0x202e, 0x2060, 0x2064, 0x2066, 0x206f, 0xfeff, 0xfeff, 0xfff9, 0xfffb, 0x110bd, 0x110bd, 0x110cd, 0x110cd, 0x13430, 0x1343f, 0x1bca0,
  0x1bca3, 0x1d173, 0x1d17a, 0xe0001, 0xe0001, 0xe0020, 0xe007f,
]

function isFormat(point: number): boolean {
  for (let i = 0; i < FORMAT_RANGES.length; i += 2) {
    if (point < (FORMAT_RANGES[i] as number)) return false
    if (point <= (FORMAT_RANGES[i + 1] as number)) return true
  }
  return false
}
