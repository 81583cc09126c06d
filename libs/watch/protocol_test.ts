import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  MAX_FRAME_BYTES,
  type WatchAnswer,
  type WatchQuestion,
} from './protocol.ts'

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
const sig = fc.uint8Array({ minLength: 65, maxLength: 65 })
const number = fc.nat(0xffffffff)
const down = fc.bigInt({ min: 0n, max: 2n ** 60n - 1n })
const question = fc.oneof(
  fc.record({ name: fc.constant('beat'), body: fc.record({ id, slot: number, block: number, blockHash: id, sig }) }),
  fc.record({ name: fc.constant('alive'), body: fc.record({ id, slot: number }) }),
  fc.record({ name: fc.constant('here'), body: fc.record({ id }) }),
  fc.record({ name: fc.constant('bitmap'), body: fc.record({ id, window: number }) }),
  fc.record({ name: fc.constant('said'), body: fc.record({ id, window: number, down, sig }) }),
  fc.record({ name: fc.constant('end'), body: fc.record({ id, slots: number }) }),
  fc.record({ name: fc.constant('commit'), body: fc.record({ id }) }),
  fc.record({ name: fc.constant('reveal'), body: fc.record({ id }) }),
) as fc.Arbitrary<WatchQuestion>
const answer = fc.oneof(
  fc.record({ name: fc.constant('receipt'), body: fc.record({ sig }) }),
  fc.record({ name: fc.constant('beat'), body: fc.record({ block: number, blockHash: id, sig }) }),
  fc.record({ name: fc.constant('yes'), body: fc.record({ sig: fc.option(sig) }) }),
  fc.record({ name: fc.constant('bitmap'), body: fc.record({ down, sig }) }),
  fc.record({ name: fc.constant('commit'), body: fc.record({ commit: id }) }),
  fc.record({ name: fc.constant('secret'), body: fc.record({ secret: id }) }),
  fc.record({
    name: fc.constant('refused'),
    body: fc.record({ reason: fc.constantFrom('unknown', 'early', 'late', 'stale', 'blind', 'none') }),
  }),
) as fc.Arbitrary<WatchAnswer>

describe('frames', () => {
  it('decodeQuestion() and decodeAnswer() give back what was encoded, within the longest frame', () => {
    fc.assert(
      fc.property(question, answer, (asked, said) => {
        expect(decodeQuestion(encodeQuestion(asked))).toEqual(asked)
        expect(decodeAnswer(encodeAnswer(said))).toEqual(said)
        expect(Math.max(encodeQuestion(asked).length, encodeAnswer(said).length)).toBeLessThan(MAX_FRAME_BYTES)
      }),
    )
  })

  it('decodeQuestion() throws a HaggleError and nothing else when the frame is anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        expect(() => decodeQuestion(junk)).toThrow(expect.objectContaining({ name: 'HaggleError' }))
      }),
    )
    expect(() => decodeAnswer(encodeQuestion({ name: 'here', body: { id: new Uint8Array(32) } }))).toThrow(
      expect.objectContaining({ code: 'E_WATCH_QUESTION' }),
    )
  })
})
