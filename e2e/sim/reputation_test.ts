// What cheating does for a score, smaller than `npm run sim:reputation`, and that the figures do see a weak score when there is one.

import { expect, it } from 'vitest'
import { simulateSybil } from './reputation_sybil.ts'
import { simulateWhitewash } from './reputation_whitewash.ts'

it('simulateSybil() finds that collusion gives less than a twentieth of what honest work gives', () => {
  const figures = simulateSybil({ seed: 3, renters: 60, viewers: 4 })
  expect(figures.worst).toBeLessThanOrEqual(0.05)
  expect(figures.ok).toBe(true)
  // The control is real: honest work does raise scores, and fronts do pass something on.
  expect(Math.min(...figures.strategies.map((each) => each.honest))).toBeGreaterThan(0)
  expect(figures.worst).toBeGreaterThan(0)
}, 60_000)

it('simulateWhitewash() finds no new name above its honest twin', () => {
  const figures = simulateWhitewash({ seed: 3, renters: 40, viewers: 5 })
  expect(figures).toMatchObject({ ok: true, above: 0, bornAbove: 0 })
  expect(figures.looks).toBeGreaterThan(500)
  for (const habit of figures.habits) expect(habit.mean).toBeLessThanOrEqual(habit.twinMean)
}, 60_000)
