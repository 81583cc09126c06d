import { expect, test } from 'vitest'
import { nameMoney, parseQuery, printQuery } from './mod.ts'

const inHgl = (where: string): string => printQuery(nameMoney(parseQuery(where), 'HGL'))

test('nameMoney() gives every bare amount the unit, wherever it stands', () => {
  expect(inHgl('not (price.hour>0.5 or price.request>0.001) stake>=10')).toBe(
    'not (price.hour > 0.5HGL or price.request > 0.001HGL) and stake >= 10HGL',
  )
  expect(inHgl('price.hour in [0.1, 0.2USDC]')).toBe('price.hour in [0.1HGL, 0.2USDC]')
})

test('nameMoney() leaves other numbers and named amounts as they are', () => {
  const where = 'price.hour <= 0.4USDC and gpu.vram >= 24GiB and any(gpu, power >= 300) order by price.hour limit 5'
  expect(inHgl(where)).toBe(where)
})

test('nameMoney() changes nothing in credits', () => {
  const query = parseQuery('price.hour<=0.4')
  expect(nameMoney(query, 'credits')).toBe(query)
})
