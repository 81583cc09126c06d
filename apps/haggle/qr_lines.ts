// A QR code for a terminal: two rows of squares in one line of text.

import { encode } from 'uqr'
import type { Screen } from './term.ts'

/** Squares of quiet around the code: the standard asks for four, and phones read two. */
const QUIET = 2
/** By upper and lower square: both light, upper dark, lower dark, both dark. Light is drawn, because most terminals are dark. */
const HALVES = ['█', '▄', '▀', ' '] as const

/**
 * The lines of a QR code of `text`. With colour it is black on white whatever the terminal's own colours are; without, its light squares are drawn in the
 * terminal's colour, which a dark terminal shows the right way round.
 */
export function qrLines(text: string, screen: Screen): string[] {
  const { data } = encode(text, { border: QUIET, ecc: 'M' })
  const dark = (row: number, column: number): boolean => data[row]?.[column] ?? false
  return Array.from({ length: Math.ceil(data.length / 2) }, (_, at) => {
    const line = (data[0] ?? []).map((_, column) => HALVES[(dark(2 * at, column) ? 1 : 0) + (dark(2 * at + 1, column) ? 2 : 0)]).join('')
    return screen.colour ? `\u001b[97;40m${line}\u001b[0m` : line
  })
}
