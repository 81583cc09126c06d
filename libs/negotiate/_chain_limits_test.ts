import { errorCode } from '@haggle/wire'
import { expect, it } from 'vitest'
import { checkChainLimit, limitedBy } from './_chain_limits.ts'

const counted = (counts: Readonly<Record<string, number>>) => ({ count: (type: string) => counts[type] ?? 0 })
const TERMS = { maxMs: 60_000, tickMs: 5_000 }

/** How many messages of a type a chain takes. */
function mostOf(type: string, { meters = 0, terms = TERMS as typeof TERMS | null } = {}): number {
  const other = counted({ meter: meters })
  for (let count = 0; count < 5_000; count++) {
    try {
      checkChainLimit(type, { chain: counted({ [type]: count }), other, terms })
    } catch (error) {
      expect(errorCode(error)).toBe('E_THREAD_LIMIT')
      return count
    }
  }
  return Infinity
}

it('checkChainLimit() counts what a peer could repeat without end', () => {
  expect(mostOf('grant')).toBe(256)
  expect(mostOf('accept')).toBe(256)
  expect([mostOf('voucher'), mostOf('voucher', { meters: 100 })]).toEqual([16, 116])
  expect([mostOf('meter'), mostOf('meter', { terms: null })]).toEqual([1_024 + 24, Infinity])
  expect(mostOf('quote')).toBe(Infinity)
})

it('checkChainLimit() counts the steps of all walks together', () => {
  const other = counted({})
  const full = { 'quote-req': 100, counter: 100, accept: 56 }
  for (const type of Object.keys(full)) {
    expect(() => checkChainLimit(type, { chain: counted(full), other, terms: TERMS })).toThrow('at most 256')
    expect(() => checkChainLimit(type, { chain: counted({ ...full, accept: 55 }), other, terms: TERMS })).not.toThrow()
  }
})

it('limitedBy() names what a command signs where that is limited', () => {
  expect([limitedBy('grant'), limitedBy('extend'), limitedBy('request'), limitedBy('cancel')]).toEqual([
    'grant',
    'accept',
    'quote-req',
    undefined,
  ])
})
