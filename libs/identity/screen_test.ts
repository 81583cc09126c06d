// Screening by bytes: the bounds of y and S, and the small-order points.

import { fromHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { screenKey } from './mod.ts'
import { isCanonicalScalar, isCanonicalY, isSmallOrder, screenSignature } from './screen.ts'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n

function le(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).toReversed()
}

describe('isCanonicalY()', () => {
  it('says true below p and false from p on, whatever the sign bit', () => {
    for (const sign of [0n, 2n ** 255n]) {
      for (const y of [0n, 1n, 2n ** 254n, P - 2n, P - 1n]) expect(isCanonicalY(le(y + sign))).toBe(true)
      for (const y of [P, P + 1n, 2n ** 255n - 1n]) expect(isCanonicalY(le(y + sign))).toBe(false)
    }
  })
})

describe('isCanonicalScalar()', () => {
  it('says true below L and false from L on', () => {
    for (const s of [0n, 1n, L - 1n, L - 2n ** 200n]) expect(isCanonicalScalar(le(s))).toBe(true)
    for (const s of [L, L + 1n, 2n ** 253n, 2n ** 256n - 1n]) expect(isCanonicalScalar(le(s))).toBe(false)
  })
})

describe('isSmallOrder()', () => {
  it('says true for y of 0, 1, -1 with either sign bit and false for their neighbours', () => {
    for (const sign of [0n, 2n ** 255n]) {
      for (const y of [0n, 1n, P - 1n]) expect(isSmallOrder(le(y + sign))).toBe(true)
      for (const y of [2n, 3n, P - 2n]) expect(isSmallOrder(le(y + sign))).toBe(false)
    }
  })
})

describe('screenSignature()', () => {
  it('says false when the length is not 64', () => {
    for (const length of [0, 63, 65]) expect(screenSignature(new Uint8Array(length).fill(3))).toBe(false)
  })
})

describe('screenKey()', () => {
  it('says false when the length is not 32', () => {
    for (const length of [0, 31, 33, 64]) expect(screenKey(new Uint8Array(length).fill(3))).toBe(false)
  })
})
