// What an index row says of an entry: the facts that a score needs, packed so that 10,000 receipts are read in one short scan.

import { toHex } from '@haggle/wire'
import { ENTRY_KINDS, type Entry, type EntryKind, type Facts } from './entry.ts'
import { getU32, setU32 } from './_frames.ts'

const ROLES = ['provider', 'renter'] as const
const OUTCOMES = ['settled', 'failed', 'cancelled', 'disputed'] as const
const LIABLE = ['provider', 'renter', 'network', null] as const
const RAILS = ['free', 'evm'] as const

/** Bytes of a summary without and with facts. */
const BARE_BYTES = 13
const FULL_BYTES = 33

/** Stands for null where every number up to 2^32 - 2 may occur; a real value that large is kept one lower. */
const NONE = 0xffffffff

/** An entry without its evidence, its contract shortened to what tells it from the peer's others. */
export interface Summary {
  /** The first 8 bytes of the contract id in hex, or the empty text. */
  readonly contract: string
  /** What happened. */
  readonly kind: EntryKind
  /** When, unix seconds. */
  readonly at: number
  /** How the contract ended, or null. */
  readonly facts: Facts | null
}

/** The row of `entry`: kind, time and facts. Amounts above 2^48 base units are kept as 2^48, far above where weights end. */
export function encodeSummary({ kind, at, facts, contract }: Pick<Entry, 'kind' | 'at' | 'facts' | 'contract'>): Uint8Array {
  const row = new Uint8Array(facts ? FULL_BYTES : BARE_BYTES)
  row[0] = ENTRY_KINDS.indexOf(kind)
  setU32(row, 1, at)
  if (contract) row.set(contract.subarray(0, 8), 5)
  if (!facts) return row
  row[13] =
    ROLES.indexOf(facts.role) |
    (OUTCOMES.indexOf(facts.outcome) << 1) |
    (LIABLE.indexOf(facts.liable) << 3) |
    (RAILS.indexOf(facts.rail) << 5)
  const settled = Number(facts.settled > MAX_SETTLED ? MAX_SETTLED : facts.settled)
  row[14] = settled / 2 ** 48
  row[15] = settled / 2 ** 40
  row[16] = settled / 2 ** 32
  setU32(row, 17, settled >>> 0)
  setU32(row, 21, facts.meteredS)
  setU32(row, 25, orNone(facts.upS))
  setU32(row, 29, orNone(facts.speedPermille))
  return row
}

const MAX_SETTLED = 2n ** 48n

/** The summary in `row`, or undefined when the row is damaged. */
export function decodeSummary(row: Uint8Array): Summary | undefined {
  const kind = ENTRY_KINDS[row[0] ?? -1]
  if (kind === undefined || (row.length !== BARE_BYTES && row.length !== FULL_BYTES)) return undefined
  const at = getU32(row, 1)
  const id = row.subarray(5, 13)
  const contract = id.every((byte) => byte === 0) ? '' : toHex(id)
  if (row.length === BARE_BYTES) return { kind, at, contract, facts: null }
  const flags = row[13]!
  const facts: Facts = {
    role: ROLES[flags & 1]!,
    outcome: OUTCOMES[(flags >> 1) & 3]!,
    liable: LIABLE[(flags >> 3) & 3]!,
    rail: RAILS[(flags >> 5) & 1]!,
    settled: BigInt(row[14]! * 2 ** 48 + row[15]! * 2 ** 40 + row[16]! * 2 ** 32 + getU32(row, 17)),
    meteredS: getU32(row, 21),
    upS: nullIfNone(getU32(row, 25)),
    speedPermille: nullIfNone(getU32(row, 29)),
  }
  return { kind, at, contract, facts }
}

function orNone(value: number | null): number {
  return value === null ? NONE : Math.min(value, NONE - 1)
}

function nullIfNone(value: number): number | null {
  return value === NONE ? null : value
}
