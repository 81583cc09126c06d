import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CONTRACTS, ROOT } from './solc.ts'

it('spec/threats.md names tests that there are', () => {
  const sources = globSync('test/*.t.sol', { cwd: CONTRACTS }).map((path) => readFileSync(join(CONTRACTS, path), 'utf8'))
  const there = new Set(sources.flatMap((source) => [...source.matchAll(/function (test_\w+)\(/g)].map(([, name]) => name)))
  const named = [...readFileSync(join(ROOT, 'spec/threats.md'), 'utf8').matchAll(/`(test_\w+)`/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((name) => !there.has(name))).toEqual([])
})
