import { demandSchema, offerSchema } from '@haggle/offer'
import { decodeAs, errorCode, fromHex, toHex } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { encodeTerms, type Terms } from './terms.ts'
import { termsFrom } from './terms_from.ts'

interface Case {
  readonly name: string
  readonly demand: string
  readonly devices: readonly string[]
  readonly bytes?: string
  readonly code?: string
}
interface Vectors {
  readonly from: {
    readonly offer: string
    readonly offerId: string
    readonly provider: string
    readonly renter: string
    readonly good: readonly Case[]
    readonly bad: readonly Case[]
  }
}

const { from } = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors/terms.json'), 'utf8')) as Vectors
const offer = { id: fromHex(from.offerId), signer: fromHex(from.provider), body: decodeAs(offerSchema, fromHex(from.offer)) }

function joined({ demand, devices }: Case): Terms {
  return termsFrom({ offer, demand: decodeAs(demandSchema, fromHex(demand)), renter: fromHex(from.renter), devices })
}

it.each(from.good.map((each) => [each.name, each] as const))('termsFrom() writes the bytes of "%s"', (_, each) => {
  expect(toHex(encodeTerms(joined(each)))).toBe(each.bytes)
})

it.each(from.bad.map((each) => [each.name, each] as const))('termsFrom() refuses "%s"', (_, each) => {
  let thrown: unknown
  try {
    joined(each)
  } catch (error) {
    thrown = error
  }
  expect(errorCode(thrown)).toBe(each.code)
})
