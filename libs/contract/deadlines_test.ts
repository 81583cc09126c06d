import { expect, it } from 'vitest'
import { ACCEPT_MS, ACCEPT_RESEND_MS, ANSWER_MS, THINK_MS } from './constants.ts'
import { deadlinesOf } from './deadlines.ts'
import { begin } from './engine.ts'
import type { State } from './state.ts'

const idle = (role: 'renter' | 'provider'): State =>
  begin({ role, self: new Uint8Array(32).fill(1), peer: new Uint8Array(32).fill(2) }, { atMs: 100 })

it('deadlinesOf() gives nothing in idle and in every end', () => {
  for (const phase of ['idle', 'settled', 'disputed', 'rejected', 'expired', 'cancelled', 'failed'] as const) {
    expect(deadlinesOf({ ...idle('renter'), phase })).toEqual([])
  }
})

it('deadlinesOf() gives ACCEPT its two repeats and its end', () => {
  const accepted: State = { ...idle('renter'), phase: 'accepted' }
  const at = (repeats: number): readonly number[] => deadlinesOf({ ...accepted, repeats }).map(({ atMs }) => atMs - 100)
  expect([at(0), at(1), at(2)]).toEqual([[ACCEPT_MS, ACCEPT_RESEND_MS[0]], [ACCEPT_MS, ACCEPT_RESEND_MS[1]], [ACCEPT_MS]])
})

it('deadlinesOf() lets the provider answer before the renter stops waiting', () => {
  const [renter] = deadlinesOf({ ...idle('renter'), phase: 'asked' })
  const [provider] = deadlinesOf({ ...idle('provider'), phase: 'asked' })
  expect([renter?.atMs, provider?.atMs]).toEqual([100 + ANSWER_MS, 100 + THINK_MS])
  expect(THINK_MS).toBeLessThan(ANSWER_MS)
})

it('deadlinesOf() only gives up when a side has not SYNCed, and later', () => {
  const alone: State = { ...idle('provider'), phase: 'asked', synced: false, times: { ...idle('provider').times, restored: 50_000 } }
  expect(deadlinesOf(alone)).toEqual([
    { name: 'turn', atMs: 60_000 },
    { name: 'repeat', atMs: 51_000 },
  ])
})
