// The entries that torture writes: made of their index alone, so that whoever reads them back knows what they must be.

import { createHash } from 'node:crypto'
import type { Entry } from '@haggle/reputation'

/** Entry `index`: about one of 16 peers, with 60 to 700 bytes of evidence. */
export function entryAt(index: number): Entry {
  const seed = createHash('sha512').update(`entry ${index}`).digest()
  const evidence = new Uint8Array(60 + (seed.readUInt16BE(0) % 640))
  for (let at = 0; at < evidence.length; at += seed.length) evidence.set(seed.subarray(0, evidence.length - at), at)
  return {
    kind: 'closed',
    at: 1_790_000_000 + index,
    number: index,
    peer: new Uint8Array(32).fill(seed[2]! & 15),
    contract: new Uint8Array(seed.subarray(32)),
    facts: {
      role: 'provider',
      outcome: 'settled',
      liable: null,
      rail: 'free',
      settled: BigInt(index),
      meteredS: 60,
      upS: 60,
      speedPermille: 1000,
    },
    evidence: [evidence],
  }
}

/** Numbers from 0 to 1 that depend on `seed` alone (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
