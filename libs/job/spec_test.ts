import { portableSuite } from '@haggle/identity'
import { type Value, encode, utf8 } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSafePath } from './path.ts'
import { decodeSpec, encodeSpec, type FileRef, type JobSpec, MAX_INLINE_BYTES, specHash } from './spec.ts'

const suite = portableSuite()
const SPEC: JobSpec = { runner: 'exec', args: ['echo', 'x'], env: {}, files: [], inline: [], stdin: false, outputs: [] }
const fileOf = (path: string, content = ''): FileRef => ({
  path,
  size: utf8(content).length,
  sha256: suite.sha256(utf8(content)),
  executable: false,
})

const arg = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\0', '').toWellFormed())
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
const part = fc.stringMatching(/^[a-z0-9][a-z0-9._ -]{0,12}$/)
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const files = fc
  .uniqueArray(fc.tuple(part, fc.uint8Array({ maxLength: 64 }), fc.boolean()), { maxLength: 6, selector: ([at]) => at })
  .map((all) =>
    all.map(([at, content, executable]) => ({
      ref: { path: at, size: content.length, sha256: suite.sha256(content), executable },
      content,
    })),
  )
const anySpec = fc
  .record({
    args: fc.array(arg, { minLength: 1, maxLength: 8 }),
    env: fc.dictionary(name, arg, { maxKeys: 6 }),
    files,
    stdin: fc.boolean(),
    outputs: fc.array(path, { maxLength: 4 }),
  })
  .map(({ files: all, ...rest }): JobSpec => ({
    ...rest,
    runner: 'exec',
    files: all.map(({ ref }) => ref),
    inline: all.flatMap(({ content }, file) => (file % 2 === 0 ? [{ file, bytes: content }] : [])),
  }))

/** The dialect form of SPEC with some positions replaced. */
const raw = (change: Readonly<Record<number, Value>>): Uint8Array => {
  const values: Value[] = [1, 'exec', [utf8('echo')], [], [], [], false, []]
  for (const [at, value] of Object.entries(change)) values[Number(at)] = value
  return encode(values)
}
const rawFile = (at: string, size = 0): Value => [at, size === 0 ? new Uint8Array(0) : Uint8Array.of(size), new Uint8Array(32), false]

describe('encodeSpec() and decodeSpec()', () => {
  it('give the same spec again, and one encoding for it', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const bytes = encodeSpec(spec)
        const read = decodeSpec(bytes)
        expect(read).toEqual(spec)
        expect(encodeSpec(read)).toEqual(bytes)
      }),
    )
  })

  it.each([
    ['tabs and line breaks', ['sh', '-c', 'for x in a b; do\n\techo $x\ndone\n']],
    ['escape sequences and bidi controls', ['\u001b[31m', '\u202e\u200b']],
    ['text that is not NFC', ['e\u0301', '\ufeffbom']],
    ['an empty argument', ['']],
  ])('carry arguments and values with %s', (_, args) => {
    const spec: JobSpec = { ...SPEC, args, env: { KEY: args.join(' ') } }
    expect(decodeSpec(encodeSpec(spec))).toEqual(spec)
  })

  it('carry a variable named __proto__', () => {
    const env = Object.fromEntries([['__proto__', 'x']])
    expect(Object.entries(decodeSpec(encodeSpec({ ...SPEC, env })).env)).toEqual([['__proto__', 'x']])
  })

  it('carry sizes beyond 4 GiB', () => {
    const file = { ...fileOf('model.bin'), size: 5 * 2 ** 32 }
    expect(decodeSpec(encodeSpec({ ...SPEC, files: [file] })).files).toEqual([file])
  })
})

const BAD: readonly (readonly [string, Partial<JobSpec>])[] = [
  ['no argument', { args: [] }],
  ['NUL in an argument', { args: ['a\0b'] }],
  ['half of a surrogate pair in an argument', { args: ['\ud800'] }],
  ['an argument that is too long', { args: ['x'.repeat(4097)] }],
  ['too many arguments', { args: Array.from({ length: 257 }, () => 'x') }],
  ['NUL in a value', { env: { A: '\0' } }],
  ['a bad name of a variable', { env: { 'A-B': 'x' } }],
  ['no runner', { runner: '' }],
  ['a deno job without its entry module', { runner: 'deno', args: ['main.ts'] }],
  ['a path out of the folder', { files: [fileOf('../x')] }],
  ['a path with a bidi control', { files: [fileOf('a\u202eb')] }],
  ['a path twice', { files: [fileOf('a'), fileOf('a')] }],
  ['a file that is a folder too', { files: [fileOf('a/b'), fileOf('a')] }],
  ['a fraction as size', { files: [{ ...fileOf('a'), size: 0.5 }] }],
  ['a size of 2^48', { files: [{ ...fileOf('a'), size: 2 ** 48 }] }],
  ['inline content of another size', { files: [fileOf('a', 'x')], inline: [{ file: 0, bytes: utf8('xy') }] }],
  ['inline content of no file', { inline: [{ file: 0, bytes: utf8('') }] }],
  [
    'inline content twice',
    {
      files: [fileOf('a', 'x')],
      inline: [
        { file: 0, bytes: utf8('x') },
        { file: 0, bytes: utf8('x') },
      ],
    },
  ],
  [
    'too much inline content',
    {
      files: [fileOf('a', 'x'.repeat(MAX_INLINE_BYTES)), fileOf('b', 'x')],
      inline: [
        { file: 0, bytes: utf8('x'.repeat(MAX_INLINE_BYTES)) },
        { file: 1, bytes: utf8('x') },
      ],
    },
  ],
  ['an absolute pattern', { outputs: ['/etc/*'] }],
  [
    'more values than a document has',
    {
      env: Object.fromEntries(Array.from({ length: 128 }, (__, i) => [`V${i}`, ''])),
      files: Array.from({ length: 128 }, (__, i) => fileOf(`f${i}`)),
    },
  ],
  ['more than 64 KiB', { args: Array.from({ length: 20 }, () => 'x'.repeat(4000)) }],
]

it.each(BAD)('encodeSpec() throws E_JOB_SPEC when there is %s', (_, change) => {
  expect(() => encodeSpec({ ...SPEC, ...change })).toThrow(expect.objectContaining({ code: 'E_JOB_SPEC' }))
})

it.each([
  ['another version', raw({ 0: 2 })],
  ['an argument that is text', raw({ 2: ['echo'] })],
  ['an argument that is not UTF-8', raw({ 2: [Uint8Array.of(0xff)] })],
  ['an argument with NUL', raw({ 2: [Uint8Array.of(0)] })],
  [
    'a variable twice',
    raw({
      3: [
        ['A', utf8('1')],
        ['A', utf8('2')],
      ],
    }),
  ],
  ['a size with a leading zero', raw({ 4: [['a', Uint8Array.of(0, 1), new Uint8Array(32), false]] })],
  ['a size that is a number', raw({ 4: [['a', 1, new Uint8Array(32), false]] })],
  ['a path out of the folder', raw({ 4: [rawFile('a/../../b')] })],
  ['inline content of no file', raw({ 5: [[7, new Uint8Array(1)]] })],
  ['a position too many', encode([1, 'exec', [utf8('echo')], [], [], [], false, [], null])],
  ['no dialect at all', Uint8Array.of(0xc1)],
  ['nothing', new Uint8Array(0)],
])('decodeSpec() throws E_JOB_SPEC when there is %s', (_, bytes) => {
  expect(() => decodeSpec(bytes)).toThrow(expect.objectContaining({ code: 'E_JOB_SPEC' }))
})

it('decodeSpec() gives a spec or E_JOB_SPEC for any bytes', () => {
  const good = encodeSpec({ ...SPEC, env: { A: 'b' }, files: [fileOf('a', 'x')], inline: [{ file: 0, bytes: utf8('x') }] })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const bytes = good.slice()
      bytes[at] = byte
      try {
        expect(encodeSpec(decodeSpec(bytes))).toEqual(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_JOB_SPEC' })
      }
    }),
    { numRuns: 500 },
  )
})

it('decodeSpec() says nothing that a terminal obeys about a hostile spec', () => {
  for (const bytes of [raw({ 3: [['A B', utf8('x')]] }), raw({ 1: 'deno', 2: [utf8('\u001b]0;owned\u0007')] })]) {
    try {
      decodeSpec(bytes)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
  }
})

it('specHash() changes with the salt', () => {
  const bytes = encodeSpec(SPEC)
  expect(specHash(new Uint8Array(32), bytes, suite)).not.toEqual(specHash(new Uint8Array(32).fill(1), bytes, suite))
})

it.each(['a', 'a/b.c', 'größe.txt', 'a b', '.hidden', '...', 'x'.repeat(255)])('isSafePath() is true when it is "%s"', (good) => {
  expect(isSafePath(good)).toBe(true)
})

it.each([
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/..',
  './a',
  'a\\b',
  'x'.repeat(256),
  'ü'.repeat(128),
  'a\nb',
  'a\u0000',
  'a\u007f',
  'a\u0085',
  'a\u200eb',
  'e\u0301',
  'a\ud800',
  '\ufeffa',
])('isSafePath() is false when it is %j', (bad) => {
  expect(isSafePath(bad)).toBe(false)
})
