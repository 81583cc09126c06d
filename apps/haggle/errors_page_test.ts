// spec/errors.md names every code that the sources use, and the exit codes it gives are the command's.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exitCodeOf } from './failure.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'spec/errors.md'), 'utf8')

/** Rows of the page: codes and what stands in the second column. */
const rows = page.split('\n').flatMap((line) => {
  const [, codes = '', exit = ''] = line.split('|').map((cell) => cell.trim())
  return [...codes.matchAll(/`(E_[A-Z0-9_]+)`/g)].map(([, code = '']) => ({ code, exit }))
})

test('spec/errors.md names every code of the sources', () => {
  const files = globSync('{libs,apps}/**/*.ts', {
    cwd: root,
    exclude: (path) => /node_modules|\/dist\/|\/out\/|_test\.ts$|\/testing(\/|\.ts$)/.test(path),
  })
  const lines = files.flatMap((file) => readFileSync(join(root, file), 'utf8').split('\n')).filter((line) => !/^\s*(\*|\/\/)/.test(line))
  const used = new Set(lines.flatMap((line) => [...line.matchAll(/['"](E_[A-Z0-9_]*[A-Z0-9])['"]/g)].map(([, code = '']) => code)))
  const listed = new Set(rows.map(({ code }) => code))
  // `startsWith('E_EXPR')` in the agent compares a family.
  listed.add('E_EXPR')
  expect([...used].filter((code) => !listed.has(code)).sort()).toEqual([])
})

test('spec/errors.md names no code twice', () => {
  const codes = rows.map(({ code }) => code)
  expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([])
})

test.each(rows.filter(({ exit }) => /^\d+$/.test(exit)))('exitCodeOf($code) is $exit', ({ code, exit }) => {
  expect(exitCodeOf(code)).toBe(Number(exit))
})
