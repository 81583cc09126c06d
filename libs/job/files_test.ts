import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matchesGlob } from './files.ts'

it.each([
  ['out/a.png', 'out/*', true],
  ['out/a.png', 'out/*.png', true],
  ['out/a.png', '*.png', false],
  ['out/b/a.png', 'out/*', false],
  ['out/b/a.png', 'out/**', true],
  ['out/a', 'out/**/a', true],
  ['out/x/y/a', 'out/**/a', true],
  ['out', 'out/**', true],
  ['a', '**', true],
  ['a/b/c', '**/b/**', true],
  ['ab', 'a**b', true],
  ['a/b', 'a**b', false],
  ['abcabc', 'a*bc', true],
  ['abcab', 'a*bc', false],
  ['a[1]', 'a[1]', true],
  ['a1', 'a[1]', false],
  ['a', 'A', false],
  ['a+b', 'a+b', true],
])('matchesGlob() of %j with %j is %j', (path, glob, expected) => {
  expect(matchesGlob(path, [glob])).toBe(expected)
})

it('matchesGlob() is false when there are no globs', () => {
  expect(matchesGlob('a', [])).toBe(false)
})

/** The same meaning, written the slow and obvious way. */
function slowMatch(path: readonly string[], glob: readonly string[]): boolean {
  const [first, ...rest] = glob
  if (first === undefined) return path.length === 0
  if (first === '**') return path.some((_, at) => slowMatch(path.slice(at), rest)) || slowMatch([], rest)
  const [part, ...others] = path
  return part !== undefined && slowPart(part, first) && slowMatch(others, rest)
}
function slowPart(part: string, glob: string): boolean {
  if (glob === '') return part === ''
  if (glob[0] !== '*') return part[0] === glob[0] && slowPart(part.slice(1), glob.slice(1))
  return slowPart(part, glob.slice(1)) || (part !== '' && slowPart(part.slice(1), glob))
}

it('matchesGlob() agrees with the obvious definition', () => {
  const partOf = (letters: string) => fc.stringMatching(new RegExp(`^[${letters}]{1,5}$`))
  const paths = fc.array(partOf('ab'), { minLength: 1, maxLength: 4 })
  const globs = fc.array(fc.oneof(fc.constant('**'), partOf('ab*')), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(paths, globs, (path, glob) => {
      expect(matchesGlob(path.join('/'), [glob.join('/')])).toBe(slowMatch(path, glob))
    }),
    { numRuns: 1000 },
  )
})

it('matchesGlob() takes no time when a glob is made to take it', () => {
  const before = process.threadCpuUsage()
  matchesGlob(`${'a'.repeat(100)}/${'a/'.repeat(70)}b`, [`${'*a'.repeat(60)}*b/${'**/'.repeat(60)}c`])
  // The processor's time, not the clock's: others may be at work on this machine.
  expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(200)
})
