import { describe, expect, it } from 'vitest'
import { MAX_LINES, type ShapeFiles, shapeErrors } from './check_shape.ts'

const MOD = "/**\n * Adds.\n *\n * ```ts\n * add(1)\n * ```\n *\n * @module\n */\nexport * from './add.ts'\n"
const ADD = '// Addition.\nexport function add() {}\n'

const check = (sources: Readonly<Record<string, string>>, files: Partial<ShapeFiles> = {}): string[] =>
  shapeErrors(
    {
      dir: 'libs/a',
      version: '0.1.0',
      manifest: { name: '@haggle/a', exports: { '.': { '@haggle/source': './mod.ts' }, './package.json': './package.json' } },
      sources: new Map(Object.entries(sources).map(([file, text]) => [`libs/a/${file}`, text])),
    },
    { readme: '# a\n\n```ts\nadd(1)\n```\n', deno: { name: '@haggle/a', version: '0.1.0', exports: { '.': './mod.ts' } }, ...files },
  )

describe('shapeErrors()', () => {
  it('accepts a library that has everything', () => {
    expect(check({ 'mod.ts': MOD, 'add.ts': ADD, 'add_test.ts': '// t' })).toEqual([])
  })

  it('refuses a missing mod.ts, README or deno.json', () => {
    expect(check({}, { readme: null, deno: null })).toEqual([
      'libs/a: has no mod.ts',
      'libs/a: has no README.md',
      'libs/a: has no deno.json',
      'libs/a: export "." names ./mod.ts, which is not there',
    ])
  })

  it('refuses a mod.ts with no example or with code of its own', () => {
    expect(check({ 'mod.ts': '/** a */\nexport const a = 1\n' })).toEqual([
      'libs/a/mod.ts: its module doc has no example in a ts fence',
      'libs/a/mod.ts: does more than re-export',
    ])
  })

  it('refuses deno.json out of step with package.json', () => {
    const deno = { name: '@haggle/b', version: '0.2.0', exports: { '.': './mod.ts', './node': './node.ts' } }
    expect(check({ 'mod.ts': MOD }, { deno })).toEqual([
      'libs/a/deno.json: name is @haggle/b, package.json says @haggle/a',
      'libs/a/deno.json: version is 0.2.0, package.json says 0.1.0',
      'libs/a: export "./node" is missing in package.json and ./node.ts in deno.json',
    ])
  })

  it('refuses a public file with functions and no test, but not an inner one or one of types', () => {
    expect(check({ 'mod.ts': MOD, 'add.ts': ADD })).toEqual(['libs/a/add.ts: has no test beside it, and no test of the library imports it'])
    expect(check({ 'mod.ts': MOD, 'add.ts': ADD, 'sum_test.ts': "import { add } from './add.ts'" })).toEqual([])
    expect(check({ 'mod.ts': MOD.replace('add', 'types'), 'inner.ts': ADD, 'types.ts': '// t\nexport interface A {}\n' })).toEqual([])
  })

  it('refuses a long file and one without a first comment', () => {
    expect(check({ 'mod.ts': MOD, '_long.ts': `// long${'\n'.repeat(MAX_LINES)}`, '_bare.ts': 'const a = 1\n' })).toEqual([
      expect.stringContaining('is it still one concept?'),
      'libs/a/_bare.ts: does not begin with a comment that says what it is',
    ])
  })
})
