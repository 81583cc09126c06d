import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSla, decodeSla, encodeSla, MAX_SLA_BYTES, type Sla } from './sla.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const slas: fc.Arbitrary<Sla> = fc
  .record({
    chain: fc.integer({ min: 1, max: 0xffffffff }),
    court: bytes(20),
    rule: fc.constantFrom(1 as const, 2 as const),
    slotS: fc.integer({ min: 1, max: 3_600 }),
    slots: fc.integer({ min: 1, max: 44_640 }),
    pricePerSlot: fc.bigInt({ min: 1n, max: 2n ** 64n }),
    factor: fc.integer({ min: 1, max: 10 }),
    fee: fc.bigInt({ min: 0n, max: 2n ** 64n }),
    renter: bytes(20),
    provider: bytes(20),
  })
  .filter(({ renter, provider }) => renter.some((byte, i) => byte !== provider[i]))
  .map((rest) => ({ ...rest, lock: BigInt(rest.factor) * rest.pricePerSlot }))

describe('encodeSla', () => {
  it('decodeSla() gives back what encodeSla() wrote, within the octets that terms have', () => {
    fc.assert(
      fc.property(slas, (sla) => {
        const encoded = encodeSla(sla)
        expect(encoded.length).toBeLessThanOrEqual(MAX_SLA_BYTES)
        expect(decodeSla(encoded)).toEqual(sla)
      }),
    )
  })

  it('decodeSla() throws a HaggleError and nothing else when the bytes are anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        expect(() => decodeSla(junk)).toThrow(expect.objectContaining({ name: 'HaggleError' }))
      }),
    )
  })

  it('checkSla() throws E_SLA when the numbers do not fit each other', () => {
    const good = fc.sample(slas, { numRuns: 1, seed: 1 })[0] as Sla
    const wrong: Partial<Sla>[] = [
      { pricePerSlot: 0n },
      { lock: 0n },
      { lock: BigInt(good.factor) * good.pricePerSlot * BigInt(good.slots) + 1n },
      { renter: good.provider },
    ]
    for (const change of wrong) expect(() => checkSla({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'E_SLA' }))
  })
})
