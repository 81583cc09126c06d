import { describe, expect, it } from 'vitest'
import { chosen, wanted } from './main.ts'
import { alternate, meetsAim, quantile, rates, rowOf } from './row.ts'

describe('quantile()', () => {
  it('takes the nearest rank', () => {
    expect([0, 0.5, 0.95, 1].map((part) => quantile([3, 1, 2, 4], part))).toEqual([1, 2, 4, 4])
  })
})

describe('alternate()', () => {
  it('takes turns, and takes medians', async () => {
    const turns: string[] = []
    const side = (name: string, samples: number[]) => () => {
      turns.push(name)
      return samples
    }
    expect(await alternate({ subject: side('a', [4, 6, 5]), floor: side('b', [2]) })).toEqual({
      value: 5,
      floor: 2,
      p95: 6,
      samples: 9,
      spread: 0,
    })
    expect(turns.join('')).toBe('ababab')
  })

  it('repeats a run whose floor spreads over 25 %, and keeps the steadiest', async () => {
    const floors = [1, 2, 3, 10, 10.1, 10.2]
    const measured = await alternate({ subject: () => [1], floor: () => [floors.shift() ?? 0] })
    expect(measured.floor).toBe(10.1)
    expect(floors).toEqual([])
  })
})

describe('rowOf()', () => {
  it('says in its note that the floor was unsteady', () => {
    expect(rowOf('x', 'ms', { value: 3, floor: 2, p95: 4, samples: 5, spread: 0.5 }, { aim: { atMost: 1.2 } })).toEqual({
      name: 'x',
      value: 3,
      unit: 'ms',
      floor: 2,
      ratio: 1.5,
      p95: 4,
      samples: 5,
      aim: { atMost: 1.2 },
      note: 'floor spread 50 %',
    })
  })
})

describe('meetsAim()', () => {
  it('holds a ratio to its aim from the right side', () => {
    const row = rowOf('x', 'ms', { value: 3, floor: 2, p95: 4, samples: 5, spread: 0 })
    expect([meetsAim(row), meetsAim({ ...row, aim: { atMost: 1.4 } }), meetsAim({ ...row, aim: { atLeast: 1.4 } })]).toEqual([
      true,
      false,
      true,
    ])
  })
})

describe('meetsAim() with a limit', () => {
  it('holds the value to its limit, whatever the ratio', () => {
    const row = rowOf('x', 'ms', { value: 3, floor: 2, p95: 4, samples: 5, spread: 0 }, { aim: { atMost: 2 }, limit: 2.5 })
    expect([meetsAim(row), meetsAim({ ...row, limit: 3 })]).toEqual([false, true])
  })
})

describe('chosen()', () => {
  const files = ['main.ts', 'row.ts', 'row_test.ts', '_floor.ts', 'run_wall.ts', 'match.ts']

  it('takes every file with rows when no name is given', () => {
    expect(chosen(files, [])).toEqual({ paths: ['match.ts', 'run_wall.ts'], unknown: [] })
  })

  it('takes the files of the named rows, and says which names nobody has', () => {
    expect(chosen(files, ['match-1e5', 'run', 'matches'])).toEqual({ paths: ['match.ts', 'run_wall.ts'], unknown: ['matches'] })
  })
})

describe('wanted()', () => {
  it('takes a name and all that starts with it', () => {
    expect(['match-1e5', 'match-1e5-01', 'match-1e6'].map((row) => wanted(row, ['match-1e5']))).toEqual([true, true, false])
  })
})

describe('rates()', () => {
  it('counts what was done', () => {
    const samples = rates(() => undefined, { totalMs: 10, sliceMs: 5 })
    expect(samples).toHaveLength(2)
    expect(Math.min(...samples)).toBeGreaterThan(1000)
  })
})
