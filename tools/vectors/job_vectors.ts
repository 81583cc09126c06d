// Vectors of the job protocol: specs and their hashes, specs that must be refused, paths, globs, the frames of streams, and output digests.

import { portableSuite } from '@haggle/identity'
import {
  decodeSpec,
  encodeHeader,
  encodeSpec,
  type FileRef,
  GET,
  GOT,
  isSafePath,
  type JobSpec,
  LISTING,
  matchesGlob,
  MISSING,
  OPENING,
  outputDigest,
  specHash,
  TRAILER,
} from '@haggle/job'
import { encode, encodeAs, errorCode, HaggleError, toHex, utf8, type Value } from '@haggle/wire'
import type { Json } from './main.ts'

const suite = portableSuite()
const NONE: JobSpec = { runner: 'exec', args: ['true'], env: {}, files: [], inline: [], stdin: false, outputs: [] }
const SALT = Uint8Array.from({ length: 32 }, (_, i) => i)

function fileOf(path: string, content: string, executable = false): FileRef {
  return { path, size: utf8(content).length, sha256: suite.sha256(utf8(content)), executable }
}

const HUGE: FileRef = { ...fileOf('model.bin', ''), size: 5 * 2 ** 32 }

const SPECS: readonly (readonly [string, JobSpec])[] = [
  ['the smallest', NONE],
  [
    'arguments with control characters, bidi controls and text that is not NFC',
    { ...NONE, args: ['sh', '-c', 'echo a\n\techo b', '\u202e', 'e\u0301', ''] },
  ],
  ['variables', { ...NONE, env: { LANG: 'C.UTF-8', EMPTY: '', LINES: 'a\nb' } }],
  [
    'a deno job with an inline module, a file that follows, stdin and outputs',
    {
      runner: 'deno',
      args: ['main.ts', '7'],
      env: {},
      files: [fileOf('main.ts', 'console.log(1)\n'), fileOf('in/scene.json', '{}'), fileOf('bin/tool', '#!', true)],
      inline: [{ file: 0, bytes: utf8('console.log(1)\n') }],
      stdin: true,
      outputs: ['out/**', '*.png'],
    },
  ],
  ['a file beyond 4 GiB', { ...NONE, files: [HUGE] }],
]

const HASH = new Uint8Array(32)
const raw = (change: Readonly<Record<number, Value>>): Uint8Array => {
  const values: Value[] = [1, 'exec', [utf8('true')], [], [], [], false, []]
  for (const [at, value] of Object.entries(change)) values[Number(at)] = value
  return encode(values)
}
const file = (path: string, size: readonly number[] = []): Value => [path, Uint8Array.from(size), HASH, false]

const BAD_SPECS: readonly (readonly [string, Uint8Array])[] = [
  ['version 2', raw({ 0: 2 })],
  ['no runner', raw({ 1: '' })],
  ['no argument', raw({ 2: [] })],
  ['an argument as text', raw({ 2: ['true'] })],
  ['an argument that is not UTF-8', raw({ 2: [Uint8Array.of(0xc3, 0x28)] })],
  ['an argument with an encoded surrogate', raw({ 2: [Uint8Array.of(0xed, 0xa0, 0x80)] })],
  ['an argument with NUL', raw({ 2: [Uint8Array.of(0x61, 0)] })],
  ['an argument of 4,097 octets', raw({ 2: [new Uint8Array(4097).fill(0x61)] })],
  ['a variable with a bad name', raw({ 3: [['A-B', utf8('1')]] })],
  [
    'a variable twice',
    raw({
      3: [
        ['A', utf8('1')],
        ['A', utf8('2')],
      ],
    }),
  ],
  ['a path out of the folder', raw({ 4: [file('a/../../b')] })],
  ['a path twice', raw({ 4: [file('a'), file('a')] })],
  ['a file that is a folder of another', raw({ 4: [file('a/b'), file('a')] })],
  ['a size with a leading zero', raw({ 4: [file('a', [0, 1])] })],
  ['a size of seven octets', raw({ 4: [file('a', [1, 0, 0, 0, 0, 0, 0])] })],
  ['inline content of no file', raw({ 5: [[0, new Uint8Array(0)]] })],
  ['inline content of another size', raw({ 4: [file('a', [2])], 5: [[0, Uint8Array.of(1)]] })],
  [
    'inline content twice',
    raw({
      4: [file('a', [1])],
      5: [
        [0, Uint8Array.of(1)],
        [0, Uint8Array.of(1)],
      ],
    }),
  ],
  ['a deno job whose entry is no file of it', raw({ 1: 'deno', 2: [utf8('main.ts')] })],
  ['an absolute pattern', raw({ 7: ['/etc/*'] })],
  ['a position too few', encode([1, 'exec', [utf8('true')], [], [], [], false])],
  ['a position too many', encode([1, 'exec', [utf8('true')], [], [], [], false, [], null])],
  ['bytes after the end', Uint8Array.of(...raw({}), 0xc0)],
]

const PATHS = [
  'a',
  'a/b.c',
  'größe.txt',
  'two words',
  '.hidden',
  '...',
  'x'.repeat(255),
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
  'a\u007f',
  'a\u0085',
  'a\u200eb',
  'a\u202eb',
  'e\u0301',
  '\ufeffa',
]

const GLOBS: readonly (readonly [string, string])[] = [
  ['out/a.png', 'out/*'],
  ['out/a.png', '*.png'],
  ['out/b/a.png', 'out/*'],
  ['out/b/a.png', 'out/**'],
  ['out', 'out/**'],
  ['out/a', 'out/**/a'],
  ['out/x/y/a', 'out/**/a'],
  ['a/b', 'a**b'],
  ['ab', 'a**b'],
  ['abcabc', 'a*bc'],
  ['abcab', 'a*bc'],
  ['a[1]', 'a[1]'],
  ['a1', 'a[1]'],
]

function specJson({ runner, args, env, files, inline, stdin, outputs }: JobSpec): Json {
  return {
    runner,
    args: [...args],
    env: Object.entries(env).map(([name, value]) => [name, value]),
    files: files.map(fileJson),
    inline: inline.map((one) => [one.file, toHex(one.bytes)]),
    stdin,
    outputs: [...outputs],
  }
}

function fileJson({ path, size, sha256, executable }: FileRef): Json {
  return [path, size, toHex(sha256), executable]
}

function codeOf(bytes: Uint8Array): string {
  try {
    decodeSpec(bytes)
  } catch (error) {
    return errorCode(error)
  }
  throw new HaggleError('E_VECTOR', `accepted: ${toHex(bytes)}`)
}

export function make(): Readonly<Record<string, Json>> {
  const contract = new Uint8Array(32).fill(7)
  const header = { contract, channel: 'stdout', offset: 2 ** 32 + 1, capability: null } as const
  const listed = [fileOf('out/a.png', 'a'), fileOf('out/b', '')]
  const output = { stdout: suite.sha256(utf8('hello\n')), stderr: suite.sha256(utf8('')) }
  const sorted = [fileOf('a', '1'), fileOf('a/c', '2'), fileOf('\uffee', '3'), fileOf('\u{1f600}', '4', true)]
  return {
    'job.json': {
      page: 'spec/job.md',
      note: 'Binary values are hex. A file is [path, size, sha256, executable]. args and values of env are the text whose UTF-8 octets travel. specHash is with the salt of this file.',
      salt: toHex(SALT),
      specs: SPECS.map(([name, spec]) => {
        const bytes = encodeSpec(spec)
        return { name, spec: specJson(spec), hex: toHex(bytes), specHash: toHex(specHash(SALT, bytes, suite)) }
      }),
      badSpecs: BAD_SPECS.map(([name, bytes]) => ({ name, hex: toHex(bytes), code: codeOf(bytes) })),
      paths: PATHS.map((path) => ({ path, safe: isSafePath(path) })),
      globs: GLOBS.map(([path, glob]) => ({ path, glob, matches: matchesGlob(path, [glob]) })),
      frames: [
        {
          name: 'header of stdout from 2^32 + 1 on',
          kind: 'header',
          value: [toHex(contract), 'stdout', 2 ** 32 + 1, null],
          hex: toHex(encodeHeader(header)),
        },
        {
          name: 'header of a get stream with a capability',
          kind: 'header',
          value: [toHex(contract), 'get', 0, '0102'],
          hex: toHex(encodeHeader({ contract, channel: 'get', offset: 0, capability: Uint8Array.of(1, 2) })),
        },
        { name: 'served', kind: 'opening', value: [null], hex: toHex(encodeAs(OPENING, { error: null })) },
        { name: 'refused', kind: 'opening', value: ['E_JOB_RIGHT'], hex: toHex(encodeAs(OPENING, { error: 'E_JOB_RIGHT' })) },
        {
          name: 'two files are missing, one in part',
          kind: 'missing',
          value: [
            [
              [0, 0],
              [2, 300],
            ],
          ],
          hex: toHex(
            encodeAs(MISSING, {
              missing: [
                { file: 0, offset: 0 },
                { file: 2, offset: 300 },
              ],
            }),
          ),
        },
        { name: 'a request', kind: 'get', value: ['out/a.png', 300], hex: toHex(encodeAs(GET, { path: 'out/a.png', offset: 300 })) },
        { name: 'its answer', kind: 'got', value: [null, 1000], hex: toHex(encodeAs(GOT, { error: null, size: 1000 })) },
        { name: 'a refusal', kind: 'got', value: ['E_JOB_FILE', 0], hex: toHex(encodeAs(GOT, { error: 'E_JOB_FILE', size: 0 })) },
        { name: 'a trailer', kind: 'trailer', value: [toHex(output.stdout)], hex: toHex(encodeAs(TRAILER, { sha256: output.stdout })) },
        {
          name: 'a listing that left one file out',
          kind: 'listing',
          value: [listed.map(fileJson), false, 1],
          hex: toHex(encodeAs(LISTING, { files: listed, more: false, leftOut: 1 })),
        },
        {
          name: 'a listing of nothing',
          kind: 'listing',
          value: [[], false, 0],
          hex: toHex(encodeAs(LISTING, { files: [], more: false, leftOut: 0 })),
        },
      ],
      outputDigests: [
        {
          name: 'no files',
          stdout: toHex(output.stdout),
          stderr: toHex(output.stderr),
          files: [],
          digest: toHex(outputDigest({ ...output, files: [] }, suite)),
        },
        {
          name: 'files, to be sorted by the octets of their paths',
          stdout: toHex(output.stdout),
          stderr: toHex(output.stderr),
          files: sorted.toReversed().map(fileJson),
          sorted: sorted.map(({ path }) => path),
          digest: toHex(outputDigest({ ...output, files: sorted.toReversed() }, suite)),
        },
      ],
    },
  }
}
