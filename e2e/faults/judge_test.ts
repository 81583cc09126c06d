import type { Outcome } from '@haggle/contract'
import { expect, it } from 'vitest'
import { judge, type KeptThread } from './judge.ts'

const SETTLED: Outcome = { kind: 'settled', by: null, reason: null, bound: true, usage: [5n], owed: 5n, claimed: 5n, signedBy: 'both' }
const EXPIRED: Outcome = { kind: 'expired', by: 'renter', reason: null, bound: false, usage: [], owed: 0n, claimed: 0n, signedBy: 'none' }
const LEDGER = ['opened abcdef01 with x', 'closed abcdef01 with x settled']
const kept = (role: 'renter' | 'provider', change: Partial<KeptThread> = {}): KeptThread => ({
  id: '00'.repeat(16),
  role,
  closed: true,
  phase: 'settled',
  outcome: SETTLED,
  contract: `abcdef01${'00'.repeat(28)}`,
  own: [`${role} 0`, `${role} 1`],
  theirs: role === 'renter' ? ['provider 0', 'provider 1'] : ['renter 0', 'renter 1'],
  errors: [],
  ...change,
})
const judged = (renter: Partial<KeptThread> | null, provider: Partial<KeptThread> | null, ledger = { renter: LEDGER, provider: LEDGER }) =>
  judge({
    renter: { threads: renter === null ? [] : [kept('renter', renter)], ledger: ledger.renter },
    provider: { threads: provider === null ? [] : [kept('provider', provider)], ledger: ledger.provider },
  })

it('judge() finds nothing wrong with two sides that agree', () => {
  expect(judged({}, {})).toEqual({ atRest: true, wrong: [], outcomes: ['settled'] })
  // One may lack the other's last words: nothing that it has heard is lost.
  expect(judged({}, { theirs: ['renter 0'] }).wrong).toEqual([])
})

it.each([
  ['outcomes differ', judged({}, { outcome: { ...SETTLED, owed: 4n } })],
  ['a message that was acknowledged is lost', judged({ own: ['renter 0'] }, {})],
  ['a message was signed twice', judged({ own: ['renter 0', 'another'] }, {})],
  ['a transcript does not verify', judged({ errors: ['3: E_TRANSCRIPT_ACK'] }, {})],
  ['one side has never heard of a bound contract', judged({}, null)],
  ['an entry is missing in a ledger', judged({}, {}, { renter: LEDGER, provider: LEDGER.slice(0, 1) })],
])('judge() says what is wrong when %s', (_, { wrong }) => {
  expect(wrong).toHaveLength(1)
})

it('judge() asks to wait while a side may still speak', () => {
  expect(judged({ closed: false }, {}).atRest).toBe(false)
  expect(judged({ phase: 'running' }, {}).atRest).toBe(false)
})

it('judge() lets a side be without a thread that bound nobody', () => {
  expect(judged({ outcome: EXPIRED, phase: 'expired' }, null)).toEqual({ atRest: true, wrong: [], outcomes: ['expired'] })
})
