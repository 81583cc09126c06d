// Small operations on byte arrays: hex, text, joining and comparing.

import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { HaggleError } from './errors.ts'

/** Codes of the sixteen digits. */
const DIGITS = [...'0123456789abcdef'].map((digit) => digit.charCodeAt(0))
/** Bytes made into one piece of text: what a call takes as arguments everywhere. */
const HEX_STEP = 2_048

/**
 * Lower-case hex of `bytes`, as one piece: text that is added up digit by digit stays a tree of its parts, forty times as large, for as long as it is kept.
 *
 * @example
 * ```ts
 * import { fromHex, toHex } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * expect(toHex(fromHex("00ff"))).toBe("00ff");
 * ```
 */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += HEX_STEP) {
    const end = Math.min(bytes.length, from + HEX_STEP)
    // Filled by place: pushed digits take three times as long, and every key in a store goes through here.
    const codes = new Array<number>(2 * (end - from))
    for (let i = from, at = 0; i < end; i++) {
      const byte = bytes[i]!
      codes[at++] = DIGITS[byte >> 4]!
      codes[at++] = DIGITS[byte & 15]!
    }
    text += String.fromCharCode(...codes)
  }
  return text
}

/** Bytes of a hex string, either case. Throws `E_HEX` when it is not hex or not of `length` bytes. */
export function fromHex(text: string, length?: number): Uint8Array {
  const wanted = length === undefined ? 'pairs of hex digits' : `${length * 2} hex digits`
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text) || (length !== undefined && text.length !== length * 2)) {
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
    throw new HaggleError('E_HEX', `Cannot read "${shown}": must be ${wanted}`)
  }
  return hexToBytes(text)
}

/** UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, as in the encoding standard. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text)
}

/** One array of all `parts`, in order. Always a copy. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts)
}

/** As {@link concat}, of a list: there may be more parts than a call takes arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** True when both hold the same bytes. Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Byte order: negative when `a` sorts before `b`, 0 when equal. A prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
