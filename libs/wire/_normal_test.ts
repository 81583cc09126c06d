import fc from 'fast-check'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { isNormal } from './_normal.ts'
import { decode, DOCUMENT_LIMITS, encode, errorCode } from './mod.ts'

/** Octets of text that still fit a document. */
const MOST = DOCUMENT_LIMITS.maxBytes - 8
/** What the largest text may take, ms: a linear check needs a few, a quadratic one a second and more. */
const BOUND_MS = 50

/** Marks of falling combining class, each in a run: putting them in order by insertion takes a step for every pair. */
const FALLING = ['\u0345', '\u0315', '\u0301', '\u0316', '\u0327', '\u0334']
const falling = (points: number): string => FALLING.map((mark) => mark.repeat(points / FALLING.length)).join('')

/** Where normal forms are decided: code points that compose, decompose, reorder, or look as if they did. */
const TRICKY: readonly (readonly [number, number])[] = [
  [0x41, 0x7a],
  [0xc0, 0x17f],
  [0x1c4, 0x233],
  [0x300, 0x36f], // marks of most classes, U+0345, singletons U+0340, U+0341, U+0343, and U+0344, which is two marks
  [0x370, 0x3ce],
  [0x591, 0x5c7], // Hebrew marks, each of a class of its own
  [0x64b, 0x670],
  [0x915, 0x963], // Devanagari with its composition exclusions
  [0x9be, 0x9dd],
  [0xb3e, 0xb57],
  [0xbc6, 0xbd7],
  [0xcbf, 0xcd6],
  [0xd3e, 0xd57],
  [0xdca, 0xddf],
  [0xf39, 0xfbc], // Tibetan: U+0F73, U+0F75 and U+0F81 are starters that decompose into marks
  [0x1025, 0x103a],
  [0x1100, 0x11ff], // Hangul: jamo
  [0xac00, 0xac40],
  [0xd788, 0xd7fb],
  [0x1b05, 0x1b44],
  [0x1e00, 0x1eff],
  [0x1f00, 0x1fff],
  [0x20d0, 0x20f0],
  [0x2126, 0x2190],
  [0x2adc, 0x2adc],
  [0x302a, 0x309a],
  [0xf900, 0xfa6d], // singletons
  [0xfb1d, 0xfb4e],
  [0x11099, 0x110ba],
  [0x11131, 0x1114d],
  [0x11347, 0x11357],
  [0x11382, 0x113c9],
  [0x114b0, 0x114c3],
  [0x115b8, 0x115c0],
  [0x11930, 0x11943],
  [0x1611e, 0x1612f],
  [0x16d63, 0x16d6a],
  [0x1d15e, 0x1d1c0], // musical symbols, all excluded from composition
  [0x1e000, 0x1e02a],
  [0x2f800, 0x2f820],
]
const point = fc.constantFrom(...TRICKY).chain(([least, most]) => fc.integer({ min: least, max: most }))
const mark = fc.constantFrom(
  ...FALLING,
  '\u0300',
  '\u0308',
  '\u0323',
  '\u0328',
  '\u05b0',
  '\u0f71',
  '\u0f72',
  '\u3099',
  '\u094d',
  '\ud834\udd65',
)
const piece = fc.oneof(
  { arbitrary: point.map((code) => String.fromCodePoint(code)), weight: 4 },
  { arbitrary: fc.tuple(mark, fc.nat({ max: 90 })).map(([text, times]) => text.repeat(times)), weight: 2 },
  { arbitrary: fc.constantFrom('q', 'e', 'é', '가', '\u1100', '\u1161', '\u11a8', '😀', '\u0dd9', 'ᾂ', '\ud834', '\udd65'), weight: 1 },
)
/** Texts of any length around that at which a text is looked at piece by piece. */
const tricky = fc.array(piece, { maxLength: 60, size: 'max' }).map((pieces) => pieces.join(''))

/** The shortest of a few runs, ms: what the work takes, not what the machine does beside it. */
function shortestMs(run: () => void): number {
  return Math.min(
    ...[1, 2, 3].map(() => {
      const start = performance.now()
      run()
      return performance.now() - start
    }),
  )
}

describe('isNormal()', () => {
  it('says what normalize() says, of any text', () => {
    fc.assert(
      fc.property(tricky, (text) => {
        expect(isNormal(text)).toBe(text === text.normalize('NFC'))
      }),
      { numRuns: 400 },
    )
  })

  it('is true of every text in normal form C, wherever it is cut', () => {
    fc.assert(
      fc.property(tricky, fc.nat({ max: 40 }), (text, shift) => {
        expect(isNormal('東'.repeat(shift) + text.normalize('NFC'))).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('is true of any piece of a text in normal form C', () => {
    fc.assert(
      fc.property(tricky, fc.nat(), fc.nat({ max: 80 }), (text, at, length) => {
        const normal = text.normalize('NFC')
        const from = normal.length === 0 ? 0 : at % normal.length
        const part = normal.slice(from, from + length)
        expect(part.normalize('NFC')).toBe(part)
      }),
      { numRuns: 400 },
    )
  })

  it('sees a mark that composes with a letter far before it, wherever the cuts are', () => {
    for (let before = 0; before < 300; before++) {
      const start = '東'.repeat(before)
      for (const marks of [1, 60, 200, 300, 700]) {
        expect(isNormal(`${start}e${'\u0316'.repeat(marks)}\u0301`)).toBe(false)
        expect(isNormal(`${start}q${'\u0316'.repeat(marks)}\u0301東`)).toBe(true)
        expect(isNormal(`${start}😀${'\u{1d165}'.repeat(marks)}\u0301\u{16127}`)).toBe(true)
      }
    }
  })

  it.each([
    ['jamo', '\u1100\u1161'],
    ['a syllable and a last consonant', '가\u11a8'],
    ['two vowel signs', '\u09c7\u09be'],
    ['two letters of two units each', '\u{16d67}\u{16d67}'],
    ['a letter and a mark', 'e\u0301'],
    ['two marks out of order', '\u{1d165}\u0334'],
    ['a singleton', '\u212b'],
  ])('sees %s, wherever the cuts are', (_, pair) => {
    for (let before = 0; before < 600; before++) {
      expect(isNormal('東'.repeat(before) + pair + '東'.repeat(300))).toBe(false)
      expect(isNormal('東'.repeat(before) + pair.normalize('NFC') + '東'.repeat(300))).toBe(true)
    }
  })

  it.each([
    ['marks of falling class', falling(30_000)],
    ['marks of falling class after a letter', `e${falling(30_000)}`],
    ['two marks in turn', '\u0301\u0316'.repeat(15_000)],
    ['marks in order, the first of which composes last', `e${'\u0316'.repeat(30_000)}\u0301`],
    ['a composed letter, and marks that go before its own', `ᾂ${'\u0316'.repeat(30_000)}`],
    ['musical marks of falling class', '\u{1d165}'.repeat(8_000) + '\u0316'.repeat(4_000) + '\u0334'.repeat(4_000)],
    ['starters that compose backwards', '\u0dd9\u0dcf\u0dca'.repeat(7_000)],
    ['jamo', '\u1100\u1161\u11a8'.repeat(7_000)],
    ['letters that are put together of each other', '\u{16d67}'.repeat(16_000)],
    ['composed letters that may be put together with what is before them', '\u{16127}'.repeat(16_000)],
  ])('takes time in proportion to the text: %s', (_, text) => {
    expect(shortestMs(() => isNormal(text))).toBeLessThan(BOUND_MS)
  })
})

describe('decode()', () => {
  it('refuses the largest text of marks out of order before anything else could run', () => {
    const bytes = Uint8Array.from(pack(falling(30_000)))
    expect(bytes.length).toBeLessThan(MOST)
    expect(shortestMs(() => expect(refusal(() => decode(bytes, DOCUMENT_LIMITS))).toBe('E_WIRE_TEXT'))).toBeLessThan(BOUND_MS)
  })
})

describe('encode()', () => {
  it('refuses the largest text of marks out of order before anything else could run', () => {
    const text = falling(30_000)
    expect(shortestMs(() => expect(refusal(() => encode(text, DOCUMENT_LIMITS))).toBe('E_WIRE_TEXT'))).toBeLessThan(BOUND_MS)
  })
})

function refusal(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    return errorCode(error)
  }
}
