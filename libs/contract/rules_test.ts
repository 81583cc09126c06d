import { fromHex } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { learn, live, metered, NO_FACTS, takenBack } from './facts.ts'
import { noUsage } from './metering.ts'
import { recordOf } from './record.ts'
import { brokenRule, CANCEL_RULES, extendsTerms, type Parties, RULES } from './rules.ts'
import { decodeTerms, encodeTerms, termsHash } from './terms.ts'

interface Vectors {
  readonly good: readonly { readonly bytes: string }[]
  readonly extends: {
    readonly inForce: { readonly bytes: string; readonly hash: string }
    readonly cases: readonly { readonly name: string; readonly bytes: string; readonly extends: boolean }[]
  }
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors/terms.json'), 'utf8')) as Vectors
const now = { terms: decodeTerms(fromHex(vectors.extends.inForce.bytes)), hash: vectors.extends.inForce.hash }
const parties: Parties = { renter: now.terms.renter, provider: now.terms.provider }

it.each(vectors.extends.cases.map((each) => [each.name, each] as const))('extendsTerms() judges "%s"', (_, each) => {
  expect(extendsTerms(decodeTerms(fromHex(each.bytes)), now)).toBe(each.extends)
})

describe('brokenRule()', () => {
  const terms = encodeTerms(now.terms)
  const accept = recordOf({ by: 'renter', seq: 0, ack: -1, id: 'aa'.repeat(32) }, 'accept', {
    terms,
    termsHash: termsHash(terms),
    specHash: new Uint8Array(32),
    number: 1,
    funding: null,
  })
  const confirm = recordOf({ by: 'provider', seq: 0, ack: 0, id: 'bb'.repeat(32) }, 'confirm', {
    accept: new Uint8Array(32).fill(0xaa),
    termsHash: termsHash(terms),
    number: 1,
  })
  const cancel = (ack: number): ReturnType<typeof recordOf> =>
    recordOf({ by: 'renter', seq: 1, ack, id: 'cc'.repeat(32) }, 'cancel', { reason: ack < 0 ? 'expired' : 'user' })

  it('takes ACCEPT, then CONFIRM, and nothing of either twice', () => {
    expect(brokenRule(NO_FACTS, accept, parties)).toBeNull()
    expect(brokenRule(NO_FACTS, confirm, parties)).toBe('turn')
    const accepted = learn(NO_FACTS, accept)
    expect(brokenRule(accepted, confirm, parties)).toBeNull()
    expect(brokenRule(accepted, accept, parties)).toBe('turn')
    expect(brokenRule(learn(accepted, confirm), confirm, parties)).toBe('turn')
  })

  it('takes only what its side signs', () => {
    expect(brokenRule(NO_FACTS, { ...accept, by: 'provider' }, parties)).toBe('signer')
    expect(RULES).toContain('signer')
  })

  it('lets each side give only its own reasons of CANCEL', () => {
    const contract = learn(learn(NO_FACTS, accept), confirm)
    for (const [reason, { by, when }] of Object.entries(CANCEL_RULES)) {
      for (const side of ['renter', 'provider'] as const) {
        const rec = recordOf({ by: side, seq: 1, ack: 0, id: null }, 'cancel', { reason })
        const mayNow = (by === 'both' || by === side) && when !== 'before' && reason !== 'reclaim'
        expect([reason, side, brokenRule(contract, rec, parties)]).toEqual([reason, side, mayNow ? null : 'reason'])
      }
    }
  })

  it('binds the renter by an acknowledgement of CONFIRM, and by nothing that comes from an ACCEPT taken back', () => {
    const contract = learn(learn(NO_FACTS, accept), confirm)
    expect([contract.bound, live(contract), takenBack(contract)]).toEqual([false, true, false])
    expect(learn(contract, cancel(0)).bound).toBe(true)
    const crossed = learn(contract, cancel(-1))
    expect([crossed.bound, takenBack(crossed), live(crossed)]).toEqual([false, true, false])
    expect(metered(contract).usage).toEqual(noUsage(now.terms))
  })
})
