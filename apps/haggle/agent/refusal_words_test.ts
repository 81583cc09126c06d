// What a contract refuses is said with the token's unit and with dates; its code and details stay.

import { HaggleError } from '@haggle/wire'
import { expect, test } from 'vitest'
import { describe as describeError } from '../failure.ts'
import { refusalInWords } from './refusal_words.ts'

const TEST = { unit: 'TEST', decimals: 6 }

function said(code: string, details: Record<string, string>): { code: string; message: string; next: string | undefined } {
  return describeError(refusalInWords(new HaggleError(code, 'as the contract has it', { details }), TEST))
}

test.each([
  ['E_STAKE', 'AboveFree(100000000, 3000000)', 'Cannot ask 100 TEST of the stake back: 3 TEST of it is free'],
  ['E_STAKE', 'UnbondsLater(1797174586)', 'Cannot withdraw the stake yet: it unbonds at 2026-12-13 15:09:46 UTC'],
  ['E_CHANNEL', 'ClosesLater(1795965094)', 'Cannot withdraw from the channel yet: its payee may claim until 2026-11-29 15:11:34 UTC'],
  ['E_FUNDS', `ERC20InsufficientBalance(0x${'ab'.repeat(20)}, 1500000, 2000000)`, 'Cannot pay 2 TEST: the account has 1.5 TEST'],
])('refusalInWords() of %s %s', (code, reason, message) => {
  expect(said(code, { reason })).toMatchObject({ code, message, details: { reason }, next: expect.stringContaining('haggle ') as string })
})

test('refusalInWords() says what the account has and lacks', () => {
  expect(said('E_FUNDS', { amount: '999999000000', balance: '94997308' })).toMatchObject({
    code: 'E_FUNDS',
    message: 'Cannot pay 999999 TEST: the account has 94.997308 TEST',
    next: 'haggle wallet balance',
  })
})

test.each(['Strange(1)', 'AboveFree(a lot, 0x)', 'constructor()', 'AboveFree'])('refusalInWords() leaves %s as it came', (reason) => {
  expect(said('E_STAKE', { reason }).message).toBe('as the contract has it')
})

test('refusalInWords() has a date for any time, and leaves other errors alone', () => {
  expect(said('E_STAKE', { reason: `UnbondsLater(${'9'.repeat(20)})` }).message).toContain('UTC')
  const other = new Error('other')
  expect(refusalInWords(other, TEST)).toBe(other)
})
