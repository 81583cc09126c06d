// What is printed: tables that fit, panels that stack, colour only where it belongs, and no control characters of others.

import { expect, test } from 'vitest'
import { complaint } from './complain.ts'
import { Failure } from './failure.ts'
import { amount, bytes, duration, pathText, shortPeer } from './format.ts'
import { explanation } from './explain.ts'
import { pad, painter, panels, safe, screenOf, table, widthOf } from './term.ts'

const wide = { tty: true, colour: false, columns: 120 }
const narrow = { tty: true, colour: false, columns: 30 }
const pipe = { tty: false, colour: false, columns: 80 }
const columns = [{ head: 'provider' }, { head: 'price/h', right: true }]
const rows = [
  ['12D3…Qm7 with a long name', '0.004'],
  ['12D3…f0c', '12'],
]

test('table() aligns columns when they fit', () => {
  expect(table(columns, rows, wide)).toEqual([
    'provider                   price/h',
    '12D3…Qm7 with a long name    0.004',
    '12D3…f0c                        12',
  ])
})

test('table() stacks rows on a narrow terminal and not in a pipe', () => {
  expect(table(columns, rows, narrow)).toEqual([
    'provider  12D3…Qm7 with a long name',
    'price/h   0.004',
    '',
    'provider  12D3…f0c',
    'price/h   12',
  ])
  expect(table(columns, rows, { ...pipe, columns: 30 })).toHaveLength(3)
})

test('panels() stand side by side when there is room', () => {
  const blocks = [
    { title: 'Node', lines: ['up 3 h'] },
    { title: 'Jobs', lines: ['1 open', '2 done'] },
  ]
  expect(panels(blocks, wide)).toEqual(['Node      Jobs', 'up 3 h    1 open', '          2 done'])
  expect(panels(blocks, { ...wide, columns: 12 })).toEqual(['Node', '  up 3 h', '', 'Jobs', '  1 open', '  2 done'])
})

test('screenOf() has colour on a terminal unless NO_COLOR or a dumb one says no', () => {
  expect(screenOf({ isTTY: true, columns: 100 }, {})).toEqual({ tty: true, colour: true, columns: 100 })
  expect(screenOf({ isTTY: true }, { NO_COLOR: '1' }).colour).toBe(false)
  expect(screenOf({ isTTY: true }, { TERM: 'dumb' }).colour).toBe(false)
  expect(screenOf({}, {})).toEqual({ tty: false, colour: false, columns: 80 })
})

test('painted text keeps its width', () => {
  const painted = painter({ ...wide, colour: true })('good', 'live')
  expect(painted).not.toBe('live')
  expect(widthOf(painted)).toBe(4)
  expect(widthOf(pad(painted, 8))).toBe(8)
})

test('safe() disarms what others wrote', () => {
  expect(safe('a\u001b[31mb\u202ec\n')).toBe('a·[31mb·c·')
  expect(safe('x'.repeat(300), 10)).toBe('xxxxxxxxx…')
})

test('figures are short and have units', () => {
  expect([0.4, 38, 2400, 190_000, 11_520_000, 90_000_000].map(duration)).toEqual([
    '0 ms',
    '38 ms',
    '2.4 s',
    '3 m 10 s',
    '3 h 12 m',
    '1 d 1 h',
  ])
  expect([12, 1536, 24 * 1024 ** 3].map(bytes)).toEqual(['12 B', '1.5 KiB', '24.0 GiB'])
  expect(['0.004000', '12', '0.000000', '1.50'].map(amount)).toEqual(['0.004', '12', '0', '1.5'])
  expect(shortPeer('12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7')).toBe('12D3…Qm7')
  expect(pathText({ kind: 'relay', relay: '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7', address: '' }, 23.4)).toBe(
    'via relay 12D3…Qm7, 23 ms',
  )
})

test('complaint() puts a caret under the column of a bad expression', () => {
  const error = new Failure('E_EXPR_SYNTAX', 'Cannot read the expression at column 12', {
    next: 'see haggle run --help',
    details: { column: 12, source: 'gpu.vram>= GiB' },
  })
  expect(complaint(error)).toEqual([
    'haggle: Cannot read the expression at column 12 (E_EXPR_SYNTAX)',
    '  gpu.vram>= GiB',
    '             ^',
    '  next: see haggle run --help',
  ])
})

test('explanation() says what failed, how near it was and what to relax', () => {
  const view = {
    rows: [],
    seen: 214,
    failures: [
      { constraint: 'price.hour', count: 180, nearest: 'cheapest 0.34 (RTX 4090, DE)', relax: 'price.hour<=0.34', gains: 12 },
      { constraint: 'busy', count: 13, nearest: null, relax: null, gains: 0 },
    ],
    unknown: [{ property: 'bench.f16', count: 3 }],
  }
  expect(explanation(view, wide)).toEqual([
    'nothing fits: 0 of 214 offers',
    '     180  price.hour  cheapest 0.34 (RTX 4090, DE)  → price.hour<=0.34 gives 12',
    '      13  busy',
    '       3  bench.f16 is not in the offer: unknown is no match',
  ])
  expect(explanation({ ...view, seen: 0, failures: [], unknown: [] }, wide)[0]).toBe('nothing heard: no offer has reached this node')
  expect(explanation(view, narrow)).toContain('          → price.hour<=0.34 gives 12')
})
