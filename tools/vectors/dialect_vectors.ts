// Vectors of the dialect: values with their one encoding, and bytes that every reader refuses.

import { decode, encode, errorCode, fromHex, toHex, type Value } from '@haggle/wire'
import type { Json } from './main.ts'

/** A dialect value in JSON: a bin is `{ "bin": hex }`, the rest is itself. */
export function toJson(value: Value): Json {
  if (value instanceof Uint8Array) return { bin: toHex(value) }
  return Array.isArray(value) ? value.map((item: Value) => toJson(item)) : (value as Json)
}

const zeros = (bytes: number): string => '00'.repeat(bytes)

const GOOD: readonly (readonly [string, Value])[] = [
  ['nil', null],
  ['false', false],
  ['true', true],
  ['uint 0', 0],
  ['uint 127, the largest of one byte', 127],
  ['uint 128', 128],
  ['uint 255', 255],
  ['uint 256', 256],
  ['uint 65535', 65535],
  ['uint 65536', 65536],
  ['uint 2^32 - 1', 0xffffffff],
  ['empty bin', new Uint8Array(0)],
  ['bin of 3', Uint8Array.of(0, 255, 128)],
  ['bin of 255', new Uint8Array(255).fill(1)],
  ['bin of 256', new Uint8Array(256).fill(2)],
  ['empty text', ''],
  ['text', 'haggle'],
  ['text of 31 bytes', 'a'.repeat(31)],
  ['text of 32 bytes', 'a'.repeat(32)],
  ['text of 255 bytes', 'a'.repeat(255)],
  ['text of 256 bytes', 'a'.repeat(256)],
  ['text of 32 bytes in 16 characters', 'é'.repeat(16)],
  ['text with U+007E, U+00A0 and U+02FF', '~\u00a0\u02ff'],
  ['text in several scripts', 'Größe 東京 Δοκιμή 😀'],
  ['text of combining marks that have no composed form', 'q\u0307\u0323'.normalize('NFC')],
  ['empty array', []],
  ['array of 15', Array.from({ length: 15 }, (_, i) => i)],
  ['array of 16', Array.from({ length: 16 }, (_, i) => i)],
  ['8 arrays deep', [[[[[[[[]]]]]]]]],
  ['1,024 items', Array.from({ length: 1023 }, () => null)],
  ['one of each', [0, 300, 70000, 'text', Uint8Array.of(1, 2), true, false, null, [[], ['a']]]],
]

const BAD: readonly (readonly [string, string])[] = [
  ['no bytes', ''],
  ['127 in two bytes', 'cc7f'],
  ['255 in three bytes', 'cd00ff'],
  ['65535 in five bytes', 'ce0000ffff'],
  ['uint64', 'cf0000000000000001'],
  ['int8 5', 'd005'],
  ['int16', 'd10100'],
  ['int32', 'd200010000'],
  ['int64', 'd30000000000000001'],
  ['-1', 'ff'],
  ['-32', 'e0'],
  ['float32 1.0', 'ca3f800000'],
  ['float64 1.0', 'cb3ff0000000000000'],
  ['0xc1', 'c1'],
  ['empty map', '80'],
  ['map', '81a16101'],
  ['map with a key twice', '82a16101a16102'],
  ['map16', 'de0001a16101'],
  ['map32', 'df00000001a16101'],
  ['timestamp extension', 'd6ff00000000'],
  ['fixext1', 'd40100'],
  ['fixext2', 'd5010000'],
  ['fixext8', `d701${zeros(8)}`],
  ['fixext16', `d801${zeros(16)}`],
  ['ext8', 'c7000100'],
  ['ext16', 'c8000001'],
  ['ext32', 'c90000000001'],
  ['bin16 of 1', 'c50001ff'],
  ['bin32 of 1', 'c600000001ff'],
  ['bin16 of 255', `c500ff${zeros(255)}`],
  ['str8 of 1', 'd90161'],
  ['str8 of 31', `d91f${'61'.repeat(31)}`],
  ['str16 of 32', `da0020${'61'.repeat(32)}`],
  ['str32 of 1', 'db0000000161'],
  ['array16 of 15', `dc000f${zeros(15)}`],
  ['array32 of 16', `dd00000010${zeros(16)}`],
  ['uint16 cut', 'cd01'],
  ['text cut', 'a361'],
  ['bin cut', 'c402ff'],
  ['length cut', 'da01'],
  ['array cut', '9200'],
  ['array of 1,000 that is empty', 'dc03e8'],
  ['array of 2^32 - 1', 'ddffffffff'],
  ['bin of 2^32 - 1', 'c6ffffffff'],
  ['1,025 items', `dc0400${zeros(1024)}`],
  ['9 arrays deep', `${'91'.repeat(8)}90`],
  ['1 KiB of array heads', '91'.repeat(1024)],
  ['a byte after the end', '9000'],
  ['two values', 'a161a162'],
  ['16 KiB and one byte', `c53ffe${zeros(16 * 1024 - 2)}`],
  ['UTF-8: lone continuation byte', 'a180'],
  ['UTF-8: overlong slash', 'a2c0af'],
  ['UTF-8: overlong NUL', 'a2c080'],
  ['UTF-8: overlong in three bytes', 'a3e080af'],
  ['UTF-8: overlong in four bytes', 'a4f08080af'],
  ['UTF-8: surrogate', 'a3eda080'],
  ['UTF-8: surrogate pair', 'a6eda0bdedb880'],
  ['UTF-8: above U+10FFFF', 'a4f4908080'],
  ['UTF-8: 0xf5', 'a4f5808080'],
  ['UTF-8: 0xff', 'a1ff'],
  ['UTF-8: character cut by the end of its text', '92a1c3a1bc'],
  ['UTF-8: second byte is ASCII', 'a2c341'],
  ['control: NUL', 'a100'],
  ['control: newline', 'a10a'],
  ['control: U+001F', 'a11f'],
  ['control: U+007F', 'a17f'],
  ['control: U+0085', 'a2c285'],
  ['control: U+009F', 'a2c29f'],
  ['format: U+00AD soft hyphen', 'a2c2ad'],
  ['format: U+0600', 'a2d880'],
  ['format: U+200B zero width space', 'a3e2808b'],
  ['format: U+202E right-to-left override', 'a3e280ae'],
  ['format: U+2066', 'a3e281a6'],
  ['format: U+FEFF', 'a3efbbbf'],
  ['format: U+110BD', 'a4f09182bd'],
  ['format: U+E0041 tag', 'a4f3a08181'],
  ['not NFC: e and U+0301', 'a365cc81'],
  ['not NFC: U+212B', 'a3e284ab'],
  ['not NFC: Hangul jamo', 'a6e18480e185a1'],
  ['not NFC: marks out of order', 'a5 71 cc87 cca3'.replaceAll(' ', '')],
  ['not NFC: U+0958, a composition exclusion', 'a3e0a598'],
]

export function make(): Readonly<Record<string, Json>> {
  return {
    'dialect.json': {
      page: 'spec/wire.md, Dialect',
      limits: { maxBytes: 16384, maxDepth: 8, maxItems: 1024 },
      note: 'good: `hex` is the one encoding of `value`. bad: every reader refuses `hex`; `code` is what this implementation says.',
      good: GOOD.map(([name, value]) => ({ name, hex: toHex(encode(value)), value: toJson(value) })),
      bad: BAD.map(([name, hex]) => ({ name, hex, code: refusalOf(hex) })),
    },
  }
}

function refusalOf(hex: string): string {
  try {
    decode(fromHex(hex))
  } catch (error) {
    return errorCode(error)
  }
  throw new Error(`accepted: ${hex}`)
}
