// The golden bytes of the dialect, as another implementation would check them.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decode, encode, fromHex, toHex, type Value } from './mod.ts'

type Json = string | number | boolean | null | Json[] | { bin: string }
interface Vectors {
  good: { name: string; hex: string; value: Json }[]
  bad: { name: string; hex: string; code: string }[]
}
const { good, bad } = JSON.parse(readFileSync(new URL('../../spec/vectors/dialect.json', import.meta.url), 'utf8')) as Vectors

function valueOf(json: Json): Value {
  if (Array.isArray(json)) return json.map(valueOf)
  return typeof json === 'object' && json !== null ? fromHex(json.bin) : json
}

describe('spec/vectors/dialect.json', () => {
  it.each(good)('encode() and decode() agree with "$name"', ({ hex, value }) => {
    expect(toHex(encode(valueOf(value)))).toBe(hex)
    expect(decode(fromHex(hex))).toEqual(valueOf(value))
  })

  it.each(bad)('decode() refuses "$name"', ({ hex, code }) => {
    expect(() => decode(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })
})
