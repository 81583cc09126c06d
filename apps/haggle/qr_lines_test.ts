// What the terminal shows is the code that was encoded, square for square.

import { encode } from 'uqr'
import { expect, test } from 'vitest'
import { qrLines } from './qr_lines.ts'

const TEXT = 'ethereum:0x00000000000000000000000000000000000000aa@31337'
const plain = { tty: true, colour: false, columns: 80 }

/** The squares of printed lines: true is dark. */
function squaresOf(lines: readonly string[]): boolean[][] {
  return lines.flatMap((line) => [
    [...line].map((half) => half === ' ' || half === '▄'),
    [...line].map((half) => half === ' ' || half === '▀'),
  ])
}

test('qrLines() draws every square of the code', () => {
  const { data, size } = encode(TEXT, { border: 2, ecc: 'M' })
  expect(squaresOf(qrLines(TEXT, plain)).slice(0, size)).toEqual(data)
})

test('qrLines() fits a terminal of 80 columns and keeps light around the code', () => {
  const lines = qrLines(TEXT, plain)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80)
  expect(lines[0]).toMatch(/^█+$/)
  expect(lines.every((line) => line.startsWith('██') && line.endsWith('██'))).toBe(true)
})

test('qrLines() sets both colours where the terminal has any', () => {
  expect(qrLines(TEXT, { ...plain, colour: true }).every((line) => line.startsWith('\u001b[97;40m') && line.endsWith('\u001b[0m'))).toBe(
    true,
  )
})
