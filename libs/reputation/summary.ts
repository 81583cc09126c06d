// What an index row says of an entry: the facts that a score needs, packed so that 10,000 receipts are read in one short scan.

import { ENTRY_KINDS, type Entry, type EntryKind, type Facts } from './entry.ts'
import { getU32, setU32 } from './_frames.ts'

const ROLES = ['provider', 'renter'] as const
const OUTCOMES = ['settled', 'failed', 'cancelled', 'disputed'] as const
const LIABLE = ['provider', 'renter', 'network', null] as const
const RAILS = ['free', 'evm'] as const

/** Bytes of a summary without and with facts. */
const BARE_BYTES = 5
const FULL_BYTES = 25

/** Stands for null where every number up to 2^32 - 2 may occur; a real value that large is kept one lower. */
const NONE = 0xffffffff

/** An entry without its evidence. */
export interface Summary {
  readonly kind: EntryKind
  readonly at: number
  readonly facts: Facts | null
}

/** The row of `entry`: kind, time and facts. Amounts above 2^48 base units are kept as 2^48, far above where weights end. */
export function encodeSummary({ kind, at, facts }: Summary | Entry): Uint8Array {
  const row = new Uint8Array(facts ? FULL_BYTES : BARE_BYTES)
  row[0] = ENTRY_KINDS.indexOf(kind)
  setU32(row, 1, at)
  if (!facts) return row
  row[5] = ROLES.indexOf(facts.role) | (OUTCOMES.indexOf(facts.outcome) << 1) | (LIABLE.indexOf(facts.liable) << 3) | (RAILS.indexOf(facts.rail) << 5)
  const settled = Number(facts.settled > MAX_SETTLED ? MAX_SETTLED : facts.settled)
  row[6] = settled / 2 ** 48
  row[7] = settled / 2 ** 40
  row[8] = settled / 2 ** 32
  setU32(row, 9, settled >>> 0)
  setU32(row, 13, facts.meteredS)
  setU32(row, 17, orNone(facts.upS))
  setU32(row, 21, orNone(facts.speedPermille))
  return row
}

const MAX_SETTLED = 2n ** 48n

/** The summary in `row`, or undefined when the row is damaged. */
export function decodeSummary(row: Uint8Array): Summary | undefined {
  const kind = ENTRY_KINDS[row[0] ?? -1]
  if (kind === undefined || (row.length !== BARE_BYTES && row.length !== FULL_BYTES)) return undefined
  const at = getU32(row, 1)
  if (row.length === BARE_BYTES) return { kind, at, facts: null }
  const flags = row[5]!
  const facts: Facts = {
    role: ROLES[flags & 1]!,
    outcome: OUTCOMES[(flags >> 1) & 3]!,
    liable: LIABLE[(flags >> 3) & 3]!,
    rail: RAILS[(flags >> 5) & 1]!,
    settled: BigInt(row[6]! * 2 ** 48 + row[7]! * 2 ** 40 + row[8]! * 2 ** 32 + getU32(row, 9)),
    meteredS: getU32(row, 13),
    upS: nullIfNone(getU32(row, 17)),
    speedPermille: nullIfNone(getU32(row, 21)),
  }
  return { kind, at, facts }
}

function orNone(value: number | null): number {
  return value === null ? NONE : Math.min(value, NONE - 1)
}

function nullIfNone(value: number): number | null {
  return value === NONE ? null : value
}
