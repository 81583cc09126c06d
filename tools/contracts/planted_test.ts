import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { plant, PLANTED } from './planted.ts'
import { CONTRACTS } from './solc.ts'

it('plant() finds the one place of every planted bug, and changes the source', () => {
  for (const one of PLANTED) {
    const source = readFileSync(join(CONTRACTS, `${one.contract}.sol`), 'utf8')
    expect(plant(source, one), one.bug).not.toBe(source)
  }
})

it('plant() throws when the place is not there', () => {
  expect(() => plant('a', { bug: 'b', contract: 'A', find: 'c', replace: '' })).toThrow(/0 places/)
})
