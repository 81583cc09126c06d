import { expect, it } from 'vitest'
import { countOf, FrameBudget } from './_frame_budget.ts'

it('FrameBudget lets a burst through, then a rate', () => {
  const budget = new FrameBudget({ perSecond: 10, burst: 5 }, 0)
  for (let i = 0; i < 5; i++) {
    budget.spend(1, 0)
    expect(budget.waitMs(0)).toBe(0)
  }
  budget.spend(1, 0)
  expect(budget.waitMs(0)).toBe(100)
  expect(budget.waitMs(98)).toBeGreaterThan(0)
  expect(budget.waitMs(101)).toBe(0)
})

it('FrameBudget makes who owes much wait long, and forgets no debt', () => {
  const budget = new FrameBudget({ perSecond: 10, burst: 5 }, 0)
  budget.spend(105, 0)
  expect(budget.waitMs(0)).toBe(10_000)
  expect(budget.isFull(10_000)).toBe(false)
  expect(budget.isFull(10_500)).toBe(true)
})

it('FrameBudget keeps no more than a burst, and a clock that stands still gives nothing', () => {
  const budget = new FrameBudget({ perSecond: 10, burst: 5 }, 0)
  budget.spend(6, 1_000_000)
  expect(budget.waitMs(1_000_000)).toBe(100)
  expect(budget.waitMs(999_000)).toBe(100)
})

it('countOf() counts long frames several times', () => {
  expect([0, 400, 4095, 4096, 72 * 1024].map(countOf)).toEqual([1, 1, 1, 2, 19])
})
