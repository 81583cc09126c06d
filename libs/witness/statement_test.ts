import { toHex } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localAccount } from './account.ts'
import { bitmapDigest, caseId, contradict, endDigest, heartbeatDigest, receiptDigest, signedBy, type Statement } from './statement.ts'

const domain = { chain: 31_337, court: new Uint8Array(20).fill(7) }
const id = new Uint8Array(32).fill(1)

describe('digests', () => {
  it('digests differ for another chain, court, case, type or number: nothing signed can be used elsewhere', () => {
    const other = { ...domain, chain: 1 }
    const elsewhere = { ...domain, court: new Uint8Array(20).fill(8) }
    const all = [domain, other, elsewhere].flatMap((each) => [
      receiptDigest(each, { id, slot: 3 }),
      receiptDigest(each, { id, slot: 4 }),
      receiptDigest(each, { id: new Uint8Array(32), slot: 3 }),
      bitmapDigest(each, { id, window: 3, down: 0n }),
      bitmapDigest(each, { id, window: 3, down: 1n }),
      endDigest(each, { id, slots: 3 }),
      heartbeatDigest(each, { id, slot: 3, block: 0, blockHash: new Uint8Array(32) }),
    ])
    expect(new Set(all.map(toHex)).size).toBe(all.length)
  })

  it('signedBy() is true for the signer alone', async () => {
    const account = localAccount(new Uint8Array(32).fill(3))
    const digest = receiptDigest(domain, { id, slot: 1 })
    const sig = await account.sign(digest)
    expect(signedBy(account.account, digest, sig)).toBe(true)
    expect(signedBy(domain.court, digest, sig)).toBe(false)
    expect(signedBy(account.account, receiptDigest(domain, { id, slot: 2 }), sig)).toBe(false)
  })

  it('caseId() depends on chain, court, both parties and the terms', () => {
    const parties = { provider: new Uint8Array(20).fill(1), renter: new Uint8Array(20).fill(2), terms: id }
    const ids = [
      caseId(domain, parties),
      caseId({ ...domain, chain: 2 }, parties),
      caseId({ ...domain, court: new Uint8Array(20) }, parties),
      caseId(domain, { ...parties, provider: parties.renter, renter: parties.provider }),
      caseId(domain, { ...parties, terms: new Uint8Array(32) }),
    ]
    expect(new Set(ids.map(toHex)).size).toBe(5)
  })
})

describe('contradict', () => {
  const statement: fc.Arbitrary<Statement> = fc.oneof(
    fc.record({ kind: fc.constant('receipt' as const), slot: fc.nat(130) }),
    fc.record({ kind: fc.constant('bitmap' as const), window: fc.nat(2), down: fc.bigInt({ min: 0n, max: (1n << 60n) - 1n }) }),
  )

  it('contradict() is the same either way round, and never true of a statement and itself', () => {
    fc.assert(
      fc.property(statement, statement, (a, b) => {
        expect(contradict(a, b)).toBe(contradict(b, a))
        expect(contradict(a, a)).toBe(false)
      }),
    )
  })
})
