// When contracts between me and the owner of a log that I read were over for both of us: by its numbers, as my own ledger knows.

import { decodeEntry, entryLeaf, isBothSigned, type Ledger } from '@haggle/reputation'
import { equalBytes, type Suite } from '@haggle/wire'
import type { LineFrame } from './protocol.ts'

/** What {@link overForBoth} needs. */
export interface OverParts {
  /** My ledger. */
  readonly ledger: Ledger
  readonly suite: Suite
  /** Seconds after which a contract of mine is over for both sides, whatever they have heard of each other: its terms say so. Undefined: not known. */
  readonly longestOf?: (contract: Uint8Array) => Promise<number | undefined>
}

/**
 * Unix seconds, by the owner's number, of each contract that `lines` show as opened with me and that I have closed: when both signed, that is when my
 * closing was written; else not before the time is up that the terms allow.
 */
export async function overForBoth(
  { ledger, suite, longestOf }: OverParts,
  owner: Uint8Array,
  lines: Iterable<LineFrame>,
): Promise<Map<number, number>> {
  const over = new Map<number, number>()
  for (const { kind, number, salt, bytes, leaf } of lines) {
    if (kind !== 'opened' || number === null || salt === null || bytes === null || !equalBytes(entryLeaf(salt, bytes, suite.sha256), leaf))
      continue
    const { contract } = decodeEntry(bytes)
    if (contract === null) continue
    let opened: number | undefined
    let closed: { readonly at: number; readonly isAgreed: boolean } | undefined
    for await (const { entry } of ledger.byContract(contract)) {
      if (entry.peer === null || !equalBytes(entry.peer, owner)) continue
      if (entry.kind === 'opened') opened = entry.at
      if (entry.kind === 'closed') closed = { at: entry.at, isAgreed: isBothSigned(entry, ledger.key, suite) }
    }
    if (closed?.isAgreed) over.set(number, closed.at)
    else if (closed !== undefined && opened !== undefined) {
      const longestS = await longestOf?.(contract)
      if (longestS !== undefined) over.set(number, Math.max(closed.at, opened + longestS))
    }
  }
  return over
}
