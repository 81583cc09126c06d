import { describe, expect, it } from 'vitest'
import { untilSignedByBoth } from './signed_by_both.ts'

/** Says `words` one after the other, the last one for good. */
function saying(words: readonly string[]): { look: () => Promise<string>; looks: () => number } {
  let at = 0
  return { look: async () => words[Math.min(at++, words.length - 1)] ?? '', looks: () => at }
}

describe('untilSignedByBoth()', () => {
  it('waits for a countersignature that is on its way', async () => {
    const { look, looks } = saying(['renter', 'renter', 'both', 'renter'])
    expect(await untilSignedByBoth(look, { everyMs: 1, mostMs: 10 })).toBe('both')
    expect(looks()).toBe(3)
  })

  it('says who signed when the other side does not any more', async () => {
    const { look, looks } = saying(['renter'])
    expect(await untilSignedByBoth(look, { everyMs: 1, mostMs: 3 })).toBe('renter')
    expect(looks()).toBe(4)
  })
})
