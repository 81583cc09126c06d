import { describe, expect, it } from 'vitest'
import { exampleBody, examplesOfPage, examplesOfSource } from './doctest.ts'

describe('examplesOfSource()', () => {
  it('takes each bare ts fence, named after the symbol below it', () => {
    const source = [
      '/**',
      ' * Adds.',
      ' * ```ts',
      ' * add(1)',
      ' * ```',
      ' * ```ts no-run',
      ' * dial()',
      ' * ```',
      ' */',
      'export function add() {}',
    ].join('\n')
    expect(examplesOfSource('a.ts', source)).toEqual([{ title: 'add example at line 1', code: 'add(1)\n' }])
  })

  it('takes nothing from plain comments', () => {
    expect(examplesOfSource('a.ts', '/* ```ts\nno()\n``` */')).toEqual([])
  })
})

describe('examplesOfPage()', () => {
  it('takes each bare ts fence of a page', () => {
    expect(examplesOfPage('# a\n\n```ts\none()\n```\n\n```sh\nls\n```\n')).toEqual([{ title: 'README example at line 3', code: 'one()\n' }])
  })
})

describe('exampleBody()', () => {
  it('turns imports into dynamic ones, over several lines and with other names', () => {
    const code =
      "import {\n  a,\n  b as c,\n} from 'x'\nimport * as y from 'y'\nimport type { T } from 't'\nimport { type U, v } from 'u'\na(c, y, v)"
    expect(exampleBody(code)).toBe(
      'const { a: a, b: c } = await import("x")\nconst y = await import("y")\n\nconst { v: v } = await import("u")\na(c, y, v)',
    )
  })
})
