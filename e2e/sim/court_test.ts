import { expect, test } from 'vitest'
import { explore, findPlanted } from './court/explore.ts'
import { PLANTED } from './court/planted.ts'

test('no up provider that the rule covers is slashed, and every down one can be, whatever f witnesses do', () => {
  const { counts, wrong, honestProvidersSlashed } = explore({ seed: 7_000_000, count: 400 })
  expect(wrong).toEqual([])
  expect(honestProvidersSlashed).toBe(0)
  expect(counts.downSlashed).toBe(counts.down)
  // Something happened at all: slots of every kind, claims, refutations, and liars that were caught.
  expect(Math.min(counts.upCovered, counts.upUncovered, counts.down, counts.downUnheard)).toBeGreaterThan(100)
  expect(Math.min(counts.claims, counts.refutedSlots, counts.witnessesSlashed)).toBeGreaterThan(5)
}, 60_000)

test('the simulation finds every planted fault', () => {
  const found = findPlanted({ seed: 8_000_000, count: 1_000 })
  expect(found.length).toBe(PLANTED.length)
  expect(found.filter(({ seed }) => seed === null)).toEqual([])
}, 60_000)

test('a witness that dies in the grace before a slot, after it gave a receipt for it, does not call the slot down', () => {
  for (const seed of [1_003_355, 1_008_750, 1_009_029]) expect(explore({ seed, count: 1 }).wrong).toEqual([])
})
