import { expect, it } from 'vitest'
import { claimAtS } from './auto_claim.ts'

const policy = { claimAt: 100n, closeDelayS: 1_000 }
const view = { claimable: 50n, claimed: 0n, running: true, closesAtS: null }

it('claimAtS() waits below the threshold and claims at it, counting only what is not claimed yet', () => {
  expect(claimAtS(view, policy)).toBe(null)
  expect(claimAtS({ ...view, claimable: 100n }, policy)).toBe(0)
  expect(claimAtS({ ...view, claimable: 150n, claimed: 100n }, policy)).toBe(null)
})

it('claimAtS() is half of the delay before a close while a job runs, and at once when none does', () => {
  expect(claimAtS({ ...view, closesAtS: 5_000 }, policy)).toBe(4_500)
  expect(claimAtS({ ...view, closesAtS: 5_000, running: false }, policy)).toBe(0)
})

it('claimAtS() does nothing when nothing is due, whatever else happens', () => {
  expect(claimAtS({ claimable: 50n, claimed: 50n, running: false, closesAtS: 5_000 }, policy)).toBe(null)
})
