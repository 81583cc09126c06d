import fc from 'fast-check'
import { expect, it } from 'vitest'
import { printable, printableCommand } from './printable.ts'

it('printable() leaves nothing that a terminal obeys, and no line break', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(printable(text))).toBe(false)
    }),
  )
})

it('printable() tells texts apart', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(printable(a) === printable(b)).toBe(a === b)
    }),
  )
  expect(printable('a\n')).toBe('a\\n')
  expect(printable('a\\n')).toBe('a\\\\n')
})

it('printable() escapes a lone surrogate', () => {
  expect(printable('\ud800x')).toBe('\\u{d800}x')
})

it('printableCommand() quotes what needs it', () => {
  expect(printableCommand(['python3', 'main.py', '--n=3', 'größer'])).toBe('python3 main.py --n=3 größer')
  expect(printableCommand(['sh', '-c', 'echo "x"\n', ''])).toBe('sh -c "echo \\"x\\"\\n" ""')
})

it('printableCommand() keeps to its length when one argument is huge', () => {
  expect(printableCommand(['x', '\u0007'.repeat(4096)]).length).toBeLessThanOrEqual(200)
  expect(printableCommand(['x'.repeat(300)], 10)).toBe(`${'x'.repeat(9)}…`)
  expect(printableCommand(['\u{1f600}'.repeat(8)], 8)).not.toMatch(/\p{Cs}/u)
})
