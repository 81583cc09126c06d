import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Rule, RULES } from './rule.ts'
import { countBits } from './slots.ts'
import { contradiction, opensClaim, planClaims, planRefutations, refutes, settle } from './verdict.ts'

const rules: fc.Arbitrary<Rule> = fc.constantFrom(...Object.values(RULES))
const masks = fc.bigInt({ min: 0n, max: (1n << 12n) - 1n })
const bitmapsOf = ({ n }: Rule): fc.Arbitrary<{ index: number; down: bigint }[]> =>
  fc.array(masks, { minLength: n, maxLength: n }).map((all) => all.map((down, index) => ({ index, down })))

describe('planClaims', () => {
  it('planClaims() claims every open slot with t down bits once, in claims that open', () => {
    fc.assert(
      fc.property(
        rules.chain((rule) => fc.tuple(fc.constant(rule), bitmapsOf(rule), masks)),
        ([rule, bitmaps, open]) => {
          const plans = planClaims(rule, bitmaps, open)
          let claimed = 0n
          for (const { mask, indices } of plans) {
            expect(claimed & mask).toBe(0n)
            claimed |= mask
            expect(
              opensClaim(
                rule,
                mask,
                indices.map((index) => bitmaps[index]!),
              ),
            ).toBe(true)
          }
          for (let i = 0n; i < 12n; i++) {
            const downs = bitmaps.filter(({ down }) => (down >> i) & 1n).length
            expect((claimed >> i) & 1n).toBe((open >> i) & 1n && downs >= rule.t ? 1n : 0n)
          }
        },
      ),
    )
  })
})

describe('opensClaim', () => {
  it('opensClaim() is false when a witness speaks twice, out of order, too few speak, or nothing is claimed', () => {
    const rule = RULES[2]
    const all = [0, 1, 2].map((index) => ({ index, down: 1n }))
    expect(opensClaim(rule, 1n, all)).toBe(true)
    expect(opensClaim(rule, 0n, all)).toBe(false)
    expect(opensClaim(rule, 1n, [all[0]!, all[0]!, all[1]!])).toBe(false)
    expect(opensClaim(rule, 1n, all.toReversed())).toBe(false)
    expect(opensClaim(rule, 1n, all.slice(1))).toBe(false)
    expect(opensClaim(rule, 3n, all)).toBe(false)
  })
})

describe('planRefutations', () => {
  it('planRefutations() refutes every slot of the claim with q receipts and no other', () => {
    const held = new Map([
      [60, [3, 1]],
      [61, [2]],
      [62, [0, 1, 3]],
    ])
    const plans = planRefutations(RULES[2], { window: 1, mask: 0b1011n }, (slot) => held.get(slot) ?? [])
    expect(plans).toEqual([{ slot: 60, indices: [1, 3] }])
    expect(plans.every(({ indices }) => refutes(RULES[2], indices))).toBe(true)
    expect(refutes(RULES[2], [1, 1])).toBe(false)
  })
})

describe('the rule', () => {
  it('a slot that q honest witnesses saw up opens no claim, and what q receipts refute shares a liar with any claim', () => {
    fc.assert(
      fc.property(
        rules.chain((rule) => fc.tuple(fc.constant(rule), fc.subarray([...Array(rule.n).keys()]))),
        ([rule, sawUp]) => {
          // Whoever did not see it may say "down", liar or cut off.
          const others = [...Array(rule.n).keys()].filter((index) => !sawUp.includes(index))
          const claims = planClaims(
            rule,
            others.map((index) => ({ index, down: 1n })),
            1n,
          )
          if (sawUp.length >= rule.q) expect(claims).toEqual([])
          for (const { indices } of planClaims(
            rule,
            [...Array(rule.n).keys()].map((index) => ({ index, down: 1n })),
            1n,
          )) {
            const receipts = sawUp.slice(0, rule.q)
            if (receipts.length === rule.q) expect(receipts.some((index) => indices.includes(index))).toBe(true)
          }
        },
      ),
    )
  })
})

describe('settle', () => {
  it('settle() takes at most factor times the price of what stands and never more than the lock, and gives the whole bond to somebody', () => {
    fc.assert(
      fc.property(
        masks,
        masks,
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.integer({ min: 1, max: 10 }),
        fc.bigInt({ min: 0n, max: 10n ** 11n }),
        (mask, some, pricePerSlot, factor, lockLeft) => {
          const refuted = some & mask
          const { slash, toVictim, bondBack, bondLost } = settle({ mask, refuted, pricePerSlot, factor, lockLeft })
          const standing = BigInt(countBits(mask & ~refuted))
          expect(slash <= lockLeft && slash <= BigInt(factor) * pricePerSlot * standing).toBe(true)
          expect(toVictim <= slash && toVictim <= pricePerSlot * standing).toBe(true)
          expect(bondBack + bondLost).toBe(pricePerSlot * BigInt(countBits(mask)))
        },
      ),
    )
  })
})

describe('contradiction', () => {
  it('contradiction() finds a receipt against its bit and two bitmaps of one window, and nothing in an honest record', () => {
    const receipt = { kind: 'receipt', slot: 3 } as const
    const honest = { kind: 'bitmap', window: 0, down: 0b10n } as const
    const lie = { kind: 'bitmap', window: 0, down: 0b1000n } as const
    expect(contradiction([receipt, honest, { ...honest, window: 1, down: 1n }])).toBeNull()
    expect(contradiction([honest, receipt, lie])).toEqual([honest, lie])
    expect(contradiction([receipt, lie])).toEqual([receipt, lie])
  })
})
