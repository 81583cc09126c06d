// Key order and range bounds that memory and LevelDB share: keys compare by their UTF-8 bytes.

import { HaggleError } from '@haggle/wire'
import type { Range, Write } from './store.ts'

/** Orders two well-formed strings as their UTF-8 bytes would be ordered, which is by code point and not by UTF-16 unit. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates stand for code points above U+FFFF, so they go behind every other unit.
    const xHigh = x >= 0xd800 && x <= 0xdfff
    const yHigh = y >= 0xd800 && y <= 0xdfff
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1
  }
  return a.length - b.length
}

/** Refuses a key that a store could not give back: empty, or with half a surrogate pair. */
export function checkKey(key: string): void {
  if (key === '' || !key.isWellFormed()) {
    throw new HaggleError('E_STORE_KEY', 'Cannot use this key: a key must be a non-empty, well-formed string')
  }
}

/** Refuses a batch with a bad key before any of it is written. */
export function checkBatch(batch: readonly Write[]): void {
  for (const { key } of batch) checkKey(key)
}

/** The error of every call after `close()`. */
export function closedError(): HaggleError {
  return new HaggleError('E_STORE_CLOSED', 'Cannot use the store: it is closed', { next: 'open it again' })
}

/** The same range seen from the parent of a sub-store: every bound gets the prefix, a missing bound becomes the prefix's edge. */
export function prefixRange(prefix: string, range: Range): Range {
  const { gte, gt, lt, lte, reverse, limit } = range
  return {
    ...(gt !== undefined ? { gt: prefix + gt } : { gte: prefix + (gte ?? '') }),
    ...(gt !== undefined && gte !== undefined ? { gte: prefix + gte } : {}),
    ...(lte !== undefined ? { lte: prefix + lte } : {}),
    ...(lt !== undefined ? { lt: prefix + lt } : {}),
    ...(lt === undefined && lte === undefined ? { lt: edgeAfter(prefix) } : {}),
    ...(reverse === undefined ? {} : { reverse }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/** The first key behind every key that starts with `prefix`, which ends in an ASCII character. */
function edgeAfter(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

/** True when `key` lies within `range`. */
export function within(key: string, range: Range): boolean {
  if (range.gte !== undefined && compareKeys(key, range.gte) < 0) return false
  if (range.gt !== undefined && compareKeys(key, range.gt) <= 0) return false
  if (range.lt !== undefined && compareKeys(key, range.lt) >= 0) return false
  return range.lte === undefined || compareKeys(key, range.lte) <= 0
}
