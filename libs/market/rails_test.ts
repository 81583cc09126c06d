import { freeRail, type PaymentRail } from '@haggle/payment'
import { expect, it } from 'vitest'
import { hourPrice, isOwnMoney, Rails, rateOf } from './rails.ts'

const railNamed = (name: string, unit: string, decimals = 18): PaymentRail =>
  Object.assign(Object.create(freeRail()) as PaymentRail, { name, unit, decimals, isMoney: true, account: new Uint8Array(20).fill(1) })
const HGL = railNamed('evm:31337:0xa', 'HGL')

it('pick() takes a rail by name, by its money in any case, and the first one when nothing is said', () => {
  const rails = new Rails([HGL])
  expect(rails.pick()).toBe(HGL)
  expect(rails.pick('evm:31337:0xa')).toBe(HGL)
  expect(rails.pick('hgl')).toBe(HGL)
  expect([rails.pick('free').name, rails.pick('credits').name]).toEqual(['free', 'free'])
  expect(() => rails.pick('USDC')).toThrowError(expect.objectContaining({ code: 'E_RAIL_UNKNOWN' }))
})

it('Rails always has the free rail, and only once', () => {
  expect(new Rails([]).all.map(({ name }) => name)).toEqual(['free'])
  expect(new Rails([freeRail(), freeRail()]).all.map(({ name }) => name)).toEqual(['free'])
  expect(new Rails([freeRail(), HGL]).all.map(({ name }) => name)).toEqual(['free', 'evm:31337:0xa'])
})

it('add() takes one more rail, and none twice', () => {
  const rails = new Rails([freeRail()])
  expect(() => rails.pick('HGL')).toThrowError(expect.objectContaining({ code: 'E_RAIL_UNKNOWN' }))
  rails.add(HGL)
  expect([rails.pick('HGL'), rails.pick().name]).toEqual([HGL, 'free'])
  expect(() => rails.add(HGL)).toThrowError(expect.objectContaining({ code: 'E_RAIL_TWICE' }))
})

it('rateOf() writes a price that hourPrice() reads back, also one that needs a shorter count than an hour', () => {
  for (const price of ['0', '0.31', '0.000000000000000001', '1234.5', '20']) {
    const rate = rateOf(HGL, price)
    expect(rate.meters[0]?.price).toBeLessThan(2n ** 64n)
    expect(hourPrice(rate)).toBe(BigInt(Math.round(Number(price) * 1e6)) * 10n ** 12n || (price === '0' ? 0n : 1n))
  }
})

it('isOwnMoney() is false for other decimals, and for a second rail that calls its money the same', () => {
  const mine = rateOf(HGL, '1')
  expect(isOwnMoney({ rails: [mine] }, HGL)).toBe(true)
  expect(isOwnMoney({ rails: [{ ...mine, decimals: 6 }] }, HGL)).toBe(false)
  expect(isOwnMoney({ rails: [{ ...mine, rail: 'evm:31337:0xb' }] }, HGL)).toBe(false)
  expect(isOwnMoney({ rails: [mine, { ...mine, rail: 'evm:31337:0xb' }] }, HGL)).toBe(false)
})
