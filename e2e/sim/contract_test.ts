import { allTransitions } from '@haggle/contract'
import { expect, test } from 'vitest'
import { explore, findPlanted } from './contract/explore.ts'
import { PLANTED } from './contract/planted.ts'

test('two machines keep every property when links, processes and owners fail', () => {
  const visited = explore({ seed: 1_000, count: 700 })
  expect(visited.wrong).toEqual([])
  expect(visited.steps / visited.runs).toBeGreaterThanOrEqual(40)
  expect(Object.keys(visited.transitions).length).toBeGreaterThan(allTransitions().length * 0.8)
}, 60_000)

test('the simulator finds every planted bug', () => {
  const found = findPlanted({ seed: 10_000_000, count: 2_000 })
  expect(found.length).toBe(PLANTED.length)
  expect(found.filter((bug) => !bug.found)).toEqual([])
}, 60_000)
