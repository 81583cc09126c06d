// The lowest of many are those that a sort would put first.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Lowest } from './lowest.ts'

it('Lowest gives what sorting all of them and taking the first gives, equals in the order of their coming', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 0, max: 12 }), (numbers, max) => {
      const items = numbers.map((value, at) => ({ value, at }))
      const lowest = new Lowest<(typeof items)[number]>(max, (a, b) => a.value - b.value)
      for (const item of items) lowest.offer(item)
      expect(lowest.items).toEqual(items.toSorted((a, b) => a.value - b.value).slice(0, max))
    }),
  )
})

it('Lowest compares most items once', () => {
  let compared = 0
  const lowest = new Lowest<number>(32, (a, b) => {
    compared += 1
    return a - b
  })
  for (let i = 0; i < 10_000; i++) lowest.offer(i)
  expect(compared).toBeLessThan(11_000)
})
