// One literal of an expression, read as the type of the property that it stands beside.

import { exprError, type Token } from './_lexer.ts'
import type { Literal } from './ast.ts'
import type { Property } from './properties.ts'
import { DECIMALS, isNumeric, scaleDecimal, UNITS, versionNumber } from './units.ts'

/** The value at `list[at]` and how many tokens it took. Throws `E_EXPR_LITERAL` and `E_EXPR_UNIT`. */
export function readLiteral(list: readonly Token[], at: number, property: Property): { value: Literal; used: number } {
  const token = list[at] as Token
  if (!isNumeric(property.type)) return { value: readWord(token, property), used: 1 }
  if (token.kind !== 'number') {
    const spelling = token.kind === 'end' ? 'the end' : `"${token.text.slice(0, 24)}"`
    throw exprError('E_EXPR_LITERAL', token.column, `${spelling} is no value of ${property.name}; expected ${sample(property)}`, {
      expected: sample(property),
    })
  }
  const next = list[at + 1]
  const units = UNITS[property.type]
  if (units !== undefined) {
    const apart = token.suffix === '' && next?.kind === 'word' && units.some(([name]) => sameUnit(name, next.text))
    return { value: readQuantity(token, apart ? (next?.text ?? '') : token.suffix, property), used: apart ? 2 : 1 }
  }
  if (property.type === 'money') return { value: readMoney(token, property), used: 1 }
  if (token.suffix !== '')
    throw exprError('E_EXPR_UNIT', token.column, `${property.name} has no unit, "${token.suffix}" is too much`, {
      expected: sample(property),
    })
  const value = property.type === 'version' ? versionNumber(token.text) : scaleDecimal(token.text, 10 ** (DECIMALS[property.type] ?? 0))
  if (value === undefined) throw notExact(token, property)
  return { value, used: 1 }
}

function readWord(token: Token, property: Property): string | boolean {
  const text = token.kind === 'number' ? `${token.text}${token.suffix}` : token.text
  if (token.kind === 'end' || token.kind === 'op') {
    const found = token.kind === 'end' ? 'the end' : `"${token.text}"`
    throw exprError('E_EXPR_LITERAL', token.column, `${found} is no value of ${property.name}; expected ${sample(property)}`, {
      expected: sample(property),
    })
  }
  if (property.type === 'boolean') {
    const folded = text.toLowerCase()
    if (token.kind === 'word' && (folded === 'true' || folded === 'false')) return folded === 'true'
    throw exprError('E_EXPR_LITERAL', token.column, `"${text.slice(0, 24)}" is neither true nor false`, { expected: 'true or false' })
  }
  if (property.type === 'key' && !/^[0-9a-f]{64}$/.test(text))
    throw exprError('E_EXPR_LITERAL', token.column, `${property.name} is compared with 64 hex digits in lower case`, {
      expected: '64 hex digits',
    })
  return text
}

/** Units are told apart by case only where they must be: `GiB`, `gib`, `GIB` are one, `m` is minutes and `ms` milliseconds. */
function sameUnit(name: string, written: string): boolean {
  return name.toLowerCase() === written.toLowerCase()
}

function readQuantity(token: Token, unit: string, property: Property): number {
  const units = UNITS[property.type] ?? []
  if (unit === '' && /^0+(\.0+)?$/.test(token.text)) return 0
  const names = units.map(([name]) => name).join(', ')
  const found = units.find(([name]) => sameUnit(name, unit))
  if (found === undefined) {
    const what = unit === '' ? `${property.name} needs a unit` : `"${unit.slice(0, 24)}" is no unit of ${property.name}`
    throw exprError('E_EXPR_UNIT', token.column, `${what}; expected ${sample(property)}`, { expected: names })
  }
  const value = scaleDecimal(token.text, found[1])
  if (value === undefined) throw notExact(token, property)
  return value
}

function readMoney(token: Token, property: Property): Literal {
  const micros = scaleDecimal(token.text, 1e6)
  if (micros === undefined) throw notExact(token, property)
  if (token.suffix === '') return micros
  if (!/^[A-Za-z][A-Za-z0-9]{0,15}$/.test(token.suffix))
    throw exprError('E_EXPR_UNIT', token.column, `"${token.suffix.slice(0, 24)}" is no name of money`, {
      expected: 'a unit such as credits',
    })
  return { micros, unit: token.suffix }
}

function notExact(token: Token, property: Property): Error {
  return exprError(
    'E_EXPR_LITERAL',
    token.column,
    `"${token.text.slice(0, 32)}${token.suffix}" is too large or too fine for ${property.name}; expected ${sample(property)}`,
    {
      expected: sample(property),
    },
  )
}

const SAMPLES: Readonly<Record<Property['type'], string>> = {
  count: 'a whole number such as 8',
  size: 'a size such as 24GiB',
  rate: 'a rate such as 300Mbps',
  speed: 'a speed such as 900GB/s',
  flops: 'a speed such as 80TFLOPS',
  duration: 'a duration such as 10m',
  money: 'an amount such as 0.40, at most 6 decimals',
  ratio: 'a fraction such as 0.8, at most 6 decimals',
  cores: 'a number of cores such as 0.5, at most 3 decimals',
  version: 'a version such as 12.4',
  string: 'a string such as "RTX 4090"',
  region: 'a region such as DE',
  key: '64 hex digits',
  boolean: 'true or false',
  strings: 'a string such as deno',
}

function sample(property: Property): string {
  return SAMPLES[property.type]
}
