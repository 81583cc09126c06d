// Only the very same bytes are known again, and what is kept has a bound and an end.

import { describe, expect, it } from 'vitest'
import { MAX_TOLD, ToldAdverts } from './told_adverts.ts'
import { advertOf, identityOf } from './_test_market.ts'

const NOW = Date.UTC(2026, 0, 1) / 1_000

describe('ToldAdverts', () => {
  it('finds the same bytes, and no others', () => {
    const told = new ToldAdverts()
    const advert = advertOf(identityOf(1))
    told.add(advert, NOW)
    expect(told.find(advert.bytes.slice())).toBe(advert)
    for (const at of [0, 60, advert.bytes.length - 1]) {
      const bent = advert.bytes.slice()
      bent[at] = (bent[at] ?? 0) ^ 1
      expect(told.find(bent)).toBeUndefined()
    }
    expect(told.find(new Uint8Array(0))).toBeUndefined()
  })

  it('keeps so many at most, and none whose time is over', () => {
    const told = new ToldAdverts()
    const advert = advertOf(identityOf(1), { ttlS: 75 })
    for (let i = 0; i < MAX_TOLD + 10; i++) {
      const signature = new Uint8Array(64)
      new DataView(signature.buffer).setUint32(0, i)
      told.add({ ...advert, signature }, NOW)
    }
    expect(told.size).toBe(MAX_TOLD)
    told.add({ ...advert, signature: new Uint8Array(64).fill(9), exp: NOW + 300 }, NOW + 106)
    expect(told.size).toBe(1)
  })
})
