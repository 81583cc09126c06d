import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundled, bundlesOf, markOf } from './fresh.mjs'

const SOURCE = 'libs/some/mod.ts'
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'haggle-bundle-'))
  mkdirSync(join(root, 'libs/some'), { recursive: true })
  mkdirSync(bundlesOf('some', root), { recursive: true })
  writeFileSync(join(root, SOURCE), 'export const one = 1\n')
})
afterEach(() => rmSync(root, { recursive: true }))

const bundle = (): void =>
  writeFileSync(join(bundlesOf('some', root), 'current.json'), JSON.stringify({ folder: 'abc', sources: [[SOURCE, markOf(SOURCE, root)]] }))

it('bundled() names a module of the bundle while its sources are as they were', () => {
  bundle()
  expect(bundled('some', undefined, root)).toBe(join(bundlesOf('some', root), 'abc/main.js'))
  expect(bundled('some', 'agent/main.js', root)).toBe(join(bundlesOf('some', root), 'abc/agent/main.js'))
})

it('bundled() is undefined where there is no bundle', () => {
  expect(bundled('some', undefined, root)).toBe(undefined)
})

it('bundled() is undefined once a source was edited, however quickly, or is gone', () => {
  bundle()
  writeFileSync(join(root, SOURCE), 'export const one = 11\n')
  expect(bundled('some', undefined, root)).toBe(undefined)
  bundle()
  // Of the same length, at another time.
  utimesSync(join(root, SOURCE), 1, 1)
  expect(bundled('some', undefined, root)).toBe(undefined)
  bundle()
  rmSync(join(root, SOURCE))
  expect(bundled('some', undefined, root)).toBe(undefined)
})
