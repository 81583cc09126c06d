// The draw: which seats witness a case, from a seed that nobody chose (spec/court.md, Committee).

import { concat } from '@haggle/wire'
import { keccak256 } from './account.ts'
import { word } from './statement.ts'

/** A place in the pool of witnesses. */
export interface Seat {
  /** Account that took it, 20 bytes. */
  readonly account: Uint8Array
  /** Block in which it was taken. */
  readonly enrolledBlock: number
  /** Block in which it was left, or slashed; 0 while it is held. */
  readonly leftBlock: number
}

/** Tries for each place of a committee before the draw gives up. */
export const TRIES_PER_PLACE = 16

/** True when the seat was held before and at the block that the case pinned, whatever happened since. */
export function eligible({ enrolledBlock, leftBlock }: Seat, pinBlock: number): boolean {
  return enrolledBlock < pinBlock && (leftBlock === 0 || leftBlock >= pinBlock)
}

/** keccak256(abi.encode(id, blockHash)), or with both secrets behind where the parties committed to them; 32 bytes. */
export function drawSeed(
  id: Uint8Array,
  blockHash: Uint8Array,
  secrets?: { readonly provider: Uint8Array; readonly renter: Uint8Array },
): Uint8Array {
  return keccak256(secrets ? concat(id, blockHash, secrets.provider, secrets.renter) : concat(id, blockHash))
}

/** What a draw is made of. */
export interface Draw {
  /** 32 bytes, see {@link drawSeed}. */
  readonly seed: Uint8Array
  /** The block that the case pinned. */
  readonly pinBlock: number
  /** Places of the committee. */
  readonly n: number
  /** Accounts that can't witness: the parties. */
  readonly parties: readonly Uint8Array[]
}

/**
 * The seats of a committee, in order, or null when the tries didn't fill it: the pool is too small or too many have left.
 *
 * @example
 * ```ts
 * import { drawSeats } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const seats = Array.from({ length: 5 }, (_, i) => ({ account: new Uint8Array(20).fill(i + 1), enrolledBlock: 1, leftBlock: 0 }));
 * const drawn = drawSeats(seats, { seed: new Uint8Array(32), pinBlock: 9, n: 4, parties: [] });
 * expect(new Set(drawn).size).toBe(4);
 * expect(drawSeats(seats, { seed: new Uint8Array(32), pinBlock: 1, n: 4, parties: [] })).toBeNull();
 * ```
 */
export function drawSeats(seats: readonly Seat[], { seed, pinBlock, n, parties }: Draw): number[] | null {
  if (seats.length === 0) return null
  const drawn: number[] = []
  for (let k = 0; k < n * TRIES_PER_PLACE && drawn.length < n; k++) {
    const index = Number(toInteger(keccak256(concat(seed, word(k)))) % BigInt(seats.length))
    const seat = seats[index] as Seat
    const isParty = parties.some((party) => party.every((byte, i) => byte === seat.account[i]))
    if (eligible(seat, pinBlock) && !drawn.includes(index) && !isParty) drawn.push(index)
  }
  return drawn.length === n ? drawn : null
}

function toInteger(bytes: Uint8Array): bigint {
  let sum = 0n
  for (const byte of bytes) sum = sum * 256n + BigInt(byte)
  return sum
}

/**
 * The chance that at least `least` of `n` places, drawn from `seats` seats of which `bad` are one party's, are that party's: what a share of the seats
 * buys. 0 .. 1.
 */
export function chanceOfSeats({ seats, bad, n, least }: { seats: number; bad: number; n: number; least: number }): number {
  let sum = 0
  for (let k = least; k <= Math.min(n, bad); k++)
    sum += Number((choose(bad, k) * choose(seats - bad, n - k) * 10n ** 12n) / choose(seats, n)) / 1e12
  return sum
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let product = 1n
  for (let i = 0; i < k; i++) product = (product * BigInt(n - i)) / BigInt(i + 1)
  return product
}
