// What the ledger survives, smaller than `npm run torture:ledger`, over the same code.

import { expect, it } from 'vitest'
import { torturedByFlips } from './ledger_flips.ts'
import { torturedByKills } from './ledger_kills.ts'

it('nothing acknowledged is lost, and no size has two roots, when the process is killed while it appends', async () => {
  const figures = await torturedByKills({ kills: 12, seed: 11 })
  expect(figures).toMatchObject({ kills: 12, lost: 0, secondRoots: 0, notOk: 0, errors: [] })
  expect(figures.inFlight).toBeGreaterThanOrEqual(6)
  expect(figures.acknowledged).toBeGreaterThan(100)
}, 120_000)

it('nothing is lost in silence when a bit is flipped or a file cut anywhere in the home', async () => {
  const figures = await torturedByFlips({ flips: 40, seed: 11 })
  expect(figures).toMatchObject({ silent: 0, secondRoots: 0, errors: [] })
  expect(figures.healed).toBeGreaterThan(10)
}, 120_000)
