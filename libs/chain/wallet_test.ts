import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { fromHex, toHex } from '@haggle/wire'
import { seededRandom } from '@haggle/wire/testing'
import { inspect } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { newWalletSecret, recoverSigner, walletSigner } from './wallet.ts'

const secret = new Uint8Array(32).fill(7)
const digest = new Uint8Array(32).fill(1)
const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

describe('walletSigner', () => {
  it('signs as other wallets do, and recoverSigner() finds its account', async () => {
    const digests = fc.uint8Array({ minLength: 32, maxLength: 32 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), digests, async (n, hash) => {
        const own = fromHex(n.toString(16).padStart(64, '0'))
        const wallet = walletSigner(own)
        const other = privateKeyToAccount(`0x${toHex(own)}`)
        const signature = wallet.sign(hash)
        expect(wallet.address).toBe(other.address)
        expect(`0x${toHex(signature)}`).toBe(await other.sign({ hash: `0x${toHex(hash)}` }))
        expect(recoverSigner(hash, signature)).toEqual(wallet.account)
      }),
      { numRuns: 20 },
    )
  })

  it('throws E_WALLET_SECRET when the secret is no key', () => {
    for (const bad of [new Uint8Array(32), new Uint8Array(31).fill(1), fromHex(ORDER), new Uint8Array(32).fill(255)])
      expect(() => walletSigner(bad)).toThrow(expect.objectContaining({ code: 'E_WALLET_SECRET' }))
  })

  it('shows its secret nowhere', () => {
    const wallet = walletSigner(secret)
    const shown = `${inspect(wallet, { depth: 9, showHidden: true })}${JSON.stringify(wallet)}${String(wallet)}${wallet.sign.toString()}`
    expect(shown).not.toContain(toHex(secret))
    expect(shown).not.toContain('7, 7, 7')
  })

  it('keeps its own copy of the secret', () => {
    const given = new Uint8Array(secret)
    const wallet = walletSigner(given)
    const before = wallet.sign(digest)
    given.fill(0)
    expect(wallet.sign(digest)).toEqual(before)
  })
})

describe('recoverSigner', () => {
  const signature = walletSigner(secret).sign(digest)
  const changed = (at: number, to: number): Uint8Array => signature.map((octet, i) => (i === at ? to : octet))

  it('gives undefined for what the contracts refuse', () => {
    const s = BigInt(`0x${toHex(signature.subarray(32, 64))}`)
    const high = fromHex((BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, '0'))
    const flipped = new Uint8Array(signature)
    flipped.set(high, 32)
    flipped[64] = 55 - signature[64]!
    for (const bad of [signature.subarray(0, 64), changed(64, 0), changed(64, 29), flipped, new Uint8Array(65).fill(27, 64)])
      expect(recoverSigner(digest, bad)).toBe(undefined)
  })

  it('gives another account for another digest', () => {
    expect(recoverSigner(new Uint8Array(32).fill(2), signature)).not.toEqual(walletSigner(secret).account)
  })
})

describe('newWalletSecret', () => {
  it('gives a key of the curve, and passes over what is none', () => {
    const random = seededRandom('wallet')
    let calls = 0
    const first = newWalletSecret((length) => (calls++ === 0 ? new Uint8Array(length) : random(length)))
    expect(calls).toBe(2)
    expect(() => walletSigner(first)).not.toThrow()
  })
})
