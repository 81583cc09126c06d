// The page of the court names the next step of a claim.

import { expect, test } from 'vitest'
import { courtPage } from './court_page.ts'
import type { CourtView } from './money_views.ts'

const screen = { tty: true, colour: false, columns: 160 }
const EMPTY: CourtView = { chain: 31337, unit: 'TEST', account: '0x00', owed: '0', seat: null, cases: [], did: null, sent: null }

test('courtPage() says when there is no case, and what waits to be collected', () => {
  expect(courtPage(EMPTY, screen)).toEqual(['no cases: only a contract that sold a service level has one'])
  expect(courtPage({ ...EMPTY, owed: '0.5' }, screen).at(-1)).toBe('0.5 TEST of bonds wait to be collected')
})

test('courtPage() says what a call did, and what seat there is', () => {
  const page = courtPage({ ...EMPTY, did: 'claimed: 3', seat: { number: 2, cases: 1, left: false } }, screen)
  expect(page[0]).toBe('claimed: 3')
  expect(page.at(-1)).toBe('seat 2: witness in 1 open case')
})

test('courtPage() shows each case and until when its claims can be refuted', () => {
  const claim = { number: '3', window: 1, slots: 2, refuted: 1, refutableUntil: '2026-01-02T03:04:05.000Z', bond: '1', finalized: false }
  const one = {
    id: `0x${'3fa9'.repeat(16)}`,
    roles: ['provider', 'witness'] as const,
    state: 'drawn',
    from: '2026-01-01T00:00:00.000Z',
    slots: 120,
    slotS: 60,
    locked: '5',
    witnesses: 7,
    claims: [claim, { ...claim, number: '2', finalized: true }],
  }
  const page = courtPage({ ...EMPTY, cases: [one] }, screen).join('\n')
  expect(page).toMatch(/0x3fa9…3fa9 +provider, witness +drawn +2026-01-01 00:00 +120 × 60 s +5 +7/)
  expect(page).toContain('claim 3: 2 slots of window 1 down, 1 refuted, refutable until 2026-01-02 03:04, then haggle court finalize 3')
  expect(page).toContain('claim 2: 2 slots of window 1 down, 1 refuted, final')
})
