// The golden bytes of the job protocol, as another implementation would check them.

import { readFileSync } from 'node:fs'
import { portableSuite } from '@haggle/identity'
import { encodeAs, decodeAs, fromHex, type Schema, toHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import {
  decodeHeader,
  decodeSpec,
  encodeHeader,
  encodeSpec,
  type FileRef,
  GET,
  GOT,
  isSafePath,
  LISTING,
  matchesGlob,
  MISSING,
  OPENING,
  outputDigest,
  specHash,
  TRAILER,
} from './mod.ts'

type File = [string, number, string, boolean]
interface Vectors {
  salt: string
  specs: {
    name: string
    spec: {
      runner: string
      args: string[]
      env: [string, string][]
      files: File[]
      inline: [number, string][]
      stdin: boolean
      outputs: string[]
    }
    hex: string
    specHash: string
  }[]
  badSpecs: { name: string; hex: string; code: string }[]
  paths: { path: string; safe: boolean }[]
  globs: { path: string; glob: string; matches: boolean }[]
  frames: { name: string; kind: string; value: unknown; hex: string }[]
  outputDigests: { name: string; stdout: string; stderr: string; files: File[]; digest: string }[]
}
const vectors = JSON.parse(readFileSync(new URL('../../spec/vectors/job.json', import.meta.url), 'utf8')) as Vectors
const suite = portableSuite()
const fileOf = ([path, size, sha256, executable]: File): FileRef => ({ path, size, sha256: fromHex(sha256), executable })
const FRAMES: Readonly<Record<string, Schema<unknown>>> = {
  opening: OPENING,
  missing: MISSING,
  get: GET,
  got: GOT,
  trailer: TRAILER,
  listing: LISTING,
}

/** An object by its positions, bytes as hex. */
function positions(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(positions)
  return typeof value === 'object' && value !== null ? Object.values(value).map(positions) : value
}

describe('spec/vectors/job.json', () => {
  it.each(vectors.specs)('encodeSpec() and decodeSpec() agree with "$name"', ({ spec, hex, specHash: hash }) => {
    const { env, files, inline, ...rest } = spec
    const given = {
      ...rest,
      env: Object.fromEntries(env),
      files: files.map(fileOf),
      inline: inline.map(([file, bytes]) => ({ file, bytes: fromHex(bytes) })),
    }
    expect(toHex(encodeSpec(given))).toBe(hex)
    expect(decodeSpec(fromHex(hex))).toEqual(given)
    expect(toHex(specHash(fromHex(vectors.salt), fromHex(hex), suite))).toBe(hash)
  })

  it.each(vectors.badSpecs)('decodeSpec() refuses "$name"', ({ hex, code }) => {
    expect(() => decodeSpec(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })

  it('isSafePath() and matchesGlob() agree', () => {
    for (const { path, safe } of vectors.paths) expect([path, isSafePath(path)]).toEqual([path, safe])
    for (const { path, glob, matches } of vectors.globs) expect([path, glob, matchesGlob(path, [glob])]).toEqual([path, glob, matches])
  })

  it.each(vectors.frames)('the frame "$name" is the same', ({ kind, value, hex }) => {
    if (kind === 'header') {
      const header = decodeHeader(fromHex(hex))
      expect(positions(header)).toEqual(value)
      expect(toHex(encodeHeader(header))).toBe(hex)
      return
    }
    const schema = FRAMES[kind] as Schema<unknown>
    const read = decodeAs(schema, fromHex(hex))
    expect(positions(read)).toEqual(value)
    expect(toHex(encodeAs(schema, read))).toBe(hex)
  })

  it.each(vectors.outputDigests)('outputDigest() agrees with "$name"', ({ stdout, stderr, files, digest }) => {
    expect(toHex(outputDigest({ stdout: fromHex(stdout), stderr: fromHex(stderr), files: files.map(fileOf) }, suite))).toBe(digest)
  })
})
