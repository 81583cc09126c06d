import { HaggleError } from '@haggle/wire'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomExpr } from './_random_expr.ts'
import { checkBounds, depthOf, type Expr, nodesOf } from './ast.ts'
import { parse, parseQuery } from './parse.ts'
import { print, printQuery } from './print.ts'
import { seededNumbers } from './testing.ts'

function failure(
  text: string,
  over: 'offer' | 'renter' = 'offer',
): { code: string; column: unknown; expected: unknown; message: string; next: string | undefined } {
  try {
    parseQuery(text, { over })
  } catch (error) {
    if (!(error instanceof HaggleError)) throw error
    return {
      code: error.code,
      column: error.details['column'],
      expected: error.details['expected'],
      message: error.message,
      next: error.next,
    }
  }
  throw new Error(`"${text}" parses`)
}

describe('parse()', () => {
  test('parse() reads the whole language when people write it loosely', () => {
    const text =
      'gpu.vram>=24GiB gpu.model in ["RTX 4090",\'RTX 3090\'] count(gpu, vram>=24GiB and cc>=8.6)>=2 net.down >= 300 Mbps price.hour<=0.40 region in [DE,FR] order by price.hour, bench.f16 desc limit 5'
    expect(printQuery(parseQuery(text))).toBe(
      'gpu.vram >= 24GiB and gpu.model in ["RTX 4090", "RTX 3090"] and count(gpu, vram >= 24GiB and cc >= 8.6) >= 2 and net.down >= 300Mbps and price.hour <= 0.4 and region in [DE, FR] order by price.hour, gpu.bench.f16 desc limit 5',
    )
  })

  test.each([
    ['', 'true'],
    ['true', 'true'],
    ['gpu.free', 'gpu.free = true'],
    ['not gpu.free', 'not gpu.free = true'],
    ['gpu.free not gpu.cuda>=12.4', 'gpu.free = true and not gpu.cuda >= 12.4'],
    ['a_region not in [DE]'.replace('a_', ''), 'region not in [DE]'],
    ['region=IN OR region=NOT', 'region = "IN" or region = "NOT"'],
    ['(os=linux or arch=x64) region=DE', '(os = linux or arch = x64) and region = DE'],
    ['os=linux or arch=x64 region=DE', 'os = linux or arch = x64 and region = DE'],
    ['((os=linux and arch=x64) and disk>=1TB)', 'os = linux and arch = x64 and disk >= 1TB'],
    ['not (os=linux or os=darwin)', 'not (os = linux or os = darwin)'],
    ['not not has(region)', 'not not has(region)'],
    ['memory>=1.5GiB', 'memory >= 1536MiB'],
    ['memory>=0', 'memory >= 0'],
    ['gpu.vram>=24gib', 'gpu.vram >= 24GiB'],
    ['limit.duration>=90m', 'limit.duration >= 90m'],
    ['limit.duration>=120m', 'limit.duration >= 2h'],
    ['gpu.cuda>=12.10', 'gpu.cuda >= 12.10'],
    ['gpu.driver>=570.86.10', 'gpu.driver >= 570.86.10'],
    ['gpu.cc=9', 'gpu.cc = 9.0'],
    ['price.hour==0.500', 'price.hour = 0.5'],
    ['price.hour<0.000001', 'price.hour < 0.000001'],
    ['price.hour<0.5USDC', 'price.hour < 0.5USDC'],
    ['provider.score>0.25', 'provider.score > 0.25'],
    ['trust.score>=0.7', 'provider.score >= 0.7'],
    ['trust.completes>0.5 trust.uptime>0.9', 'provider.completes > 0.5 and provider.uptime > 0.9'],
    ['limit.cpu>=0.5', 'limit.cpu >= 0.5'],
    ['gpu.model~4090', 'gpu.model ~ "4090"'],
    ['count(gpu)>=2', 'count(gpu) >= 2'],
    ['any(gpu, gpu.vram>=1GiB)', 'any(gpu, vram >= 1GiB)'],
    ['all(gpu, free)', 'all(gpu, free = true)'],
    ['cached.image in ["a\\"b\\\\c"]', 'cached.image in ["a\\"b\\\\c"]'],
  ])('parse() reads %s as %s', (text, canonical) => {
    expect(print(parse(text))).toBe(canonical)
    expect(print(parse(canonical))).toBe(canonical)
  })

  test.each([
    ['gpu.vrma>=24GiB', 'E_EXPR_PROPERTY', 1, 'gpu.vram'],
    ['vram>=24GiB', 'E_EXPR_PROPERTY', 1, 'gpu.vram'],
    ['price<=3', 'E_EXPR_PROPERTY', 1, 'price.egress, price.hour, price.input'],
    ['renter.score>=0.5', 'E_EXPR_PROPERTY', 1, undefined],
    ['any(gpu, price.hour<1)', 'E_EXPR_PROPERTY', 10, undefined],
    ['gpu.vram>=24', 'E_EXPR_UNIT', 11, 'TiB, GiB, TB, GB, MiB, MB, KiB, kB, B'],
    ['gpu.vram>=24Mbps', 'E_EXPR_UNIT', 11, 'TiB, GiB, TB, GB, MiB, MB, KiB, kB, B'],
    ['cpu.cores>=4GiB', 'E_EXPR_UNIT', 12, 'a whole number such as 8'],
    ['cpu.cores>=4.5', 'E_EXPR_LITERAL', 12, 'a whole number such as 8'],
    ['price.hour<=0.0000001', 'E_EXPR_LITERAL', 13, 'an amount such as 0.40, at most 6 decimals'],
    ['price.hour<=99999999999', 'E_EXPR_LITERAL', 13, 'an amount such as 0.40, at most 6 decimals'],
    ['gpu.cuda>=12.999999', 'E_EXPR_LITERAL', 11, 'a version such as 12.4'],
    ['price.hour<=cheap', 'E_EXPR_LITERAL', 13, 'an amount such as 0.40, at most 6 decimals'],
    ['provider.key=abc', 'E_EXPR_LITERAL', 14, '64 hex digits'],
    ['gpu.free=maybe', 'E_EXPR_LITERAL', 10, 'true or false'],
    ['price.hour~4', 'E_EXPR_TYPE', 11, '= != < <= > >=, in, not in'],
    ['region<DE', 'E_EXPR_TYPE', 7, '= != ~, in, not in'],
    ['order by region', 'E_EXPR_TYPE', 10, 'a property with numbers'],
    ['region', 'E_EXPR_SYNTAX', 7, 'an operator (= != ~, in, not in)'],
    ['region in [DE', 'E_EXPR_SYNTAX', 14, ']'],
    ['region in []', 'E_EXPR_LITERAL', 12, 'a region such as DE'],
    ['(region=DE', 'E_EXPR_SYNTAX', 11, ')'],
    ['region=DE)', 'E_EXPR_SYNTAX', 10, 'and, or, order by, limit or the end'],
    ['region=DE and', 'E_EXPR_SYNTAX', 14, 'a property such as price.hour'],
    ['region=DE or or', 'E_EXPR_SYNTAX', 14, 'a property such as price.hour'],
    ['count(gpu, free)', 'E_EXPR_SYNTAX', 17, '=, !=, <, <=, > or >='],
    ['any(cpu, free)', 'E_EXPR_SYNTAX', 5, 'gpu, software, device or runner'],
    ['any(gpu, any(gpu, free))', 'E_EXPR_SYNTAX', 10, 'a property'],
    ['limit 0', 'E_EXPR_LITERAL', 7, 'how many, such as 20'],
    ['region="DE', 'E_EXPR_SYNTAX', 8, '"'],
    ['region="D\\n"', 'E_EXPR_LITERAL', 8, undefined],
    ['region="D\u202eE"', 'E_EXPR_LITERAL', 8, undefined],
    ['cpu.model="ü" ümlaut', 'E_EXPR_SYNTAX', 15, 'a property, an operator or a value'],
    ['cpu.model="😀" ?', 'E_EXPR_SYNTAX', 15, 'a property, an operator or a value'],
    ['\u0000', 'E_EXPR_SYNTAX', 1, 'a property, an operator or a value'],
  ])('parse() refuses %j with %s at column %i', (text, code, column, expected) => {
    expect(failure(text)).toMatchObject({ code, column, ...(expected === undefined ? {} : { expected }) })
  })

  test('parse() shows nothing invisible in its messages', () => {
    expect(failure('\u202e').message).toBe('Cannot read the expression at column 1: an invisible character means nothing here')
    expect(failure('gpu.vrma>=1GiB').next).toBe('did you mean gpu.vram?')
  })

  test('parse() knows only the properties of a renter when it reads an accept rule', () => {
    expect(print(parse('renter.jobs>=1 job.duration<=10m', { over: 'renter' }), { over: 'renter' })).toBe(
      'renter.jobs >= 1 and job.duration <= 10m',
    )
    expect(failure('price.hour<=1', 'renter').code).toBe('E_EXPR_PROPERTY')
    expect(failure('any(gpu, free)', 'renter').code).toBe('E_EXPR_SYNTAX')
  })
})

describe('bounds', () => {
  test.each([
    ['(', 'E_EXPR_DEPTH'],
    ['not ', 'E_EXPR_DEPTH'],
    ['any(gpu, ', 'E_EXPR_SYNTAX'],
  ])('parse() refuses a hundred %j without exhausting the stack', (piece, code) => {
    expect(failure(piece.repeat(100)).code).toBe(code)
    expect(failure(piece.repeat(4000)).code).toBe(piece.length === 1 ? 'E_EXPR_DEPTH' : 'E_EXPR_LENGTH')
  })

  test('parse() takes eight levels and 256 parts, and no more', () => {
    expect(depthOf(parse(`${'not '.repeat(8)}true`))).toBe(8)
    expect(failure(`${'not '.repeat(9)}true`).code).toBe('E_EXPR_DEPTH')
    expect(depthOf(parse(`${'('.repeat(8)}true${')'.repeat(8)}`))).toBe(0)
    expect(failure(`${'('.repeat(9)}true${')'.repeat(9)}`).code).toBe('E_EXPR_DEPTH')
    expect(nodesOf(parse(Array.from({ length: 255 }, () => 'true').join(' ')))).toBe(256)
    expect(failure(Array.from({ length: 256 }, () => 'true').join(' '))).toMatchObject({ code: 'E_EXPR_NODES' })
    expect(failure(`region in [${Array.from({ length: 256 }, () => 'DE').join()}]`).code).toBe('E_EXPR_NODES')
    expect(failure(`region=DE${' '.repeat(4096)}`).code).toBe('E_EXPR_LENGTH')
    expect(failure(`cpu.model="${'é'.repeat(2048)}"`).code).toBe('E_EXPR_LENGTH')
    expect(failure(`cpu.model="${'x'.repeat(129)}"`).code).toBe('E_EXPR_LITERAL')
  })

  test('checkBounds() refuses trees made by hand that text could not be, however tall', () => {
    let tall: Expr = { kind: 'const', value: true }
    for (let i = 0; i < 100_000; i++) tall = { kind: 'not', item: tall }
    expect(() => checkBounds(tall)).toThrowError(/nests deeper/)
    const wide: Expr = { kind: 'and', items: Array.from({ length: 300 }, () => ({ kind: 'const', value: true })) }
    expect(() => checkBounds(wide)).toThrowError(/has 301 parts/)
  })

  test('parse() fails only with a code of its own and a column inside the text, whatever the text', () => {
    const words = fc.constantFrom(
      ...'gpu.vram price.hour region runner any( all( count( has( gpu, ) ( [ ] , >= <= = ~ not in and or order by desc limit 24GiB 0.4 12.4 "DE" DE \' " \\ 5USDC true é \u0000 😀'.split(
        ' ',
      ),
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.array(words, { maxLength: 30 }).map((list) => list.join(' ')),
      fc.array(words, { maxLength: 30 }).map((list) => list.join('')),
    )
    fc.assert(
      fc.property(text, (source) => {
        try {
          const query = parseQuery(source)
          checkBounds(query.where)
          expect(parseQuery(printQuery(query))).toEqual(query)
        } catch (error) {
          if (!(error instanceof HaggleError)) throw error
          expect(error.code).toMatch(/^E_EXPR_/)
          const { column } = error.details
          if (column !== undefined) expect(column).toBeLessThanOrEqual([...source].length + 1)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('print()', () => {
  test('print() and parse() are each other’s inverse for every tree, orders and limits included', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const query = new RandomExpr(seededNumbers(seed)).query(30)
        const text = printQuery(query)
        expect(parseQuery(text)).toEqual(query)
        expect(printQuery(parseQuery(text))).toBe(text)
      }),
      { numRuns: 500 },
    )
  })
})
