import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { equalBytes, fromHex } from '@haggle/wire'
import { signatureCheck } from './voucher_verifier.ts'
import { recoverSigner, walletSigner } from './wallet.ts'

const wallets = [1, 2, 3].map((n) => walletSigner(new Uint8Array(32).fill(n)))
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('signatureCheck', () => {
  it('says the same as recovering the signer, for good and for damaged signatures', () => {
    const check = signatureCheck()
    const damage = fc.option(fc.record({ at: fc.nat(64), to: fc.nat(255) }), { nil: undefined, freq: 2 })
    let good = 0
    fc.assert(
      fc.property(fc.nat(2), fc.nat(2), digests, damage, (by, claimed, digest, wrong) => {
        const signature = wallets[by]!.sign(digest)
        if (wrong) signature[wrong.at] = wrong.to
        const { account } = wallets[claimed]!
        const recovered = recoverSigner(digest, signature)
        const expected = recovered !== undefined && equalBytes(recovered, account)
        if (expected) good++
        expect(check(digest, signature, account)).toBe(expected)
      }),
      { numRuns: 150 },
    )
    expect(good).toBeGreaterThan(5)
  })

  it('refuses the high s and the wrong v of a signature that it knows the key of', () => {
    const check = signatureCheck()
    const [wallet] = wallets
    const digest = new Uint8Array(32).fill(9)
    const signature = wallet!.sign(digest)
    for (let i = 0; i < 6; i++) expect(check(digest, signature, wallet!.account)).toBe(true)
    const order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
    const s = signature.subarray(32, 64).reduce((sum, octet) => sum * 256n + BigInt(octet), 0n)
    const high = new Uint8Array(signature)
    high.set(fromHex((order - s).toString(16).padStart(64, '0')), 32)
    for (const v of [27, 28]) {
      high[64] = v
      expect(check(digest, high, wallet!.account)).toBe(false)
    }
    const otherV = signature.map((octet, i) => (i === 64 ? 55 - octet : octet))
    expect(check(digest, otherV, wallet!.account)).toBe(false)
  })

  it('forgets the oldest of more than 64 signers and still knows them', () => {
    const check = signatureCheck()
    const digest = new Uint8Array(32).fill(5)
    for (let n = 1; n <= 66; n++) {
      const wallet = walletSigner(new Uint8Array(32).fill(n))
      expect(check(digest, wallet.sign(digest), wallet.account)).toBe(true)
    }
    expect(check(digest, wallets[0]!.sign(digest), wallets[0]!.account)).toBe(true)
  })
})
