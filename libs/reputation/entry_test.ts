// Entries: the bytes written by hand are those of the schema, for every entry there can be.

import { DOCUMENT_LIMITS, encode, errorCode } from '@haggle/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sha256 } from './_fixture.ts'
import { decodeEntry, encodeEntry, encodePayload, type Entry, ENTRY_KINDS, entryLeaf, entrySchema, type Facts } from './entry.ts'
import { decodeSummary, encodeSummary } from './summary.ts'
import { TreeHasher } from './tree.ts'

const u32 = fc.oneof(
  fc.nat({ max: 300 }),
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000),
)
const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyFacts = fc.record<Facts>({
  role: fc.constantFrom('provider', 'renter'),
  outcome: fc.constantFrom('settled', 'failed', 'cancelled', 'disputed'),
  liable: fc.constantFrom('provider', 'renter', 'network', null),
  rail: fc.constantFrom('free', 'evm'),
  settled: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), fc.bigInt({ min: 0n, max: 300n })),
  meteredS: u32,
  upS: fc.option(u32),
  speedPermille: fc.option(fc.nat({ max: 1_000_000 })),
})
const anyEntry = fc.record<Entry>({
  kind: fc.constantFrom(...ENTRY_KINDS),
  at: u32,
  number: fc.option(u32),
  peer: fc.option(key),
  contract: fc.option(key),
  facts: fc.option(anyFacts),
  evidence: fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }),
})

it('encodeEntry() writes what the schema writes, and decodeEntry() gives the entry back', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const bytes = encodeEntry(entry)
      expect(bytes).toEqual(encode(entrySchema.build({ version: 1, ...entry }), DOCUMENT_LIMITS))
      expect(decodeEntry(bytes)).toEqual(entry)
    }),
    { numRuns: 500 },
  )
})

it('encodeEntry() refuses what the schema refuses', () => {
  const entry: Entry = { kind: 'receipt', at: 1, number: null, peer: null, contract: null, facts: null, evidence: [] }
  const facts: Facts = {
    role: 'provider',
    outcome: 'settled',
    liable: null,
    rail: 'free',
    settled: 0n,
    meteredS: 0,
    upS: null,
    speedPermille: null,
  }
  const bad: Entry[] = [
    { ...entry, at: -1 },
    { ...entry, at: 1.5 },
    { ...entry, number: 2 ** 32 },
    { ...entry, peer: new Uint8Array(31) },
    { ...entry, kind: 'other' as 'void' },
    { ...entry, facts: { ...facts, settled: -1n } },
    { ...entry, facts: { ...facts, settled: 2n ** 128n } },
    { ...entry, facts: { ...facts, speedPermille: 1_000_001 } },
    { ...entry, evidence: Array.from({ length: 65 }, () => new Uint8Array(0)) },
    { ...entry, evidence: [new Uint8Array(60 * 1024), new Uint8Array(60 * 1024)] },
  ]
  for (const each of bad) {
    const code = codeOf(() => encodeEntry(each))
    expect(code).toMatch(/^E_WIRE_/)
    expect(code).toBe(codeOf(() => encode(entrySchema.build({ version: 1, ...each }), DOCUMENT_LIMITS)))
  }
})

it('entryLeaf() is the leaf that the tree takes of salt and entry', () => {
  fc.assert(
    fc.property(anyEntry, fc.uint8Array({ minLength: 16, maxLength: 16 }), (entry, salt) => {
      expect(entryLeaf(salt, encodeEntry(entry), sha256)).toEqual(new TreeHasher(sha256).leaf(encodePayload(salt, entry)))
    }),
  )
})

it('encodeSummary() keeps what a score needs, amounts above 2^48 as 2^48', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const summary = decodeSummary(encodeSummary(entry))!
      const { facts } = entry
      expect(summary).toMatchObject({ kind: entry.kind, at: entry.at })
      if (facts === null) expect(summary.facts).toBeNull()
      else {
        const settled = facts.settled > 2n ** 48n ? 2n ** 48n : facts.settled
        const upS = facts.upS === 0xffffffff ? 0xfffffffe : facts.upS
        expect(summary.facts).toEqual({ ...facts, settled, upS })
      }
    }),
  )
  expect(decodeSummary(new Uint8Array(7))).toBeUndefined()
})

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    return errorCode(error)
  }
}
