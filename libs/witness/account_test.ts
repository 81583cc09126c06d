import { fromHex, toHex, utf8 } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256, localAccount, recoverAddress } from './account.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('localAccount', () => {
  it('localAccount() has the address that wallets show when the secret is known', () => {
    const secret = fromHex('ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
    expect(toHex(localAccount(secret).account)).toBe('f39fd6e51aad88f6f4ce6ab8827279cfffb92266')
  })

  it('keccak256() is the hash of the chain, not SHA3-256, when nothing is hashed', () => {
    expect(toHex(keccak256(utf8('')))).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  })
})

describe('recoverAddress', () => {
  const account = localAccount(new Uint8Array(32).fill(5))

  it('recoverAddress() finds the signer of any digest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (digest) => {
        const sig = await account.sign(digest)
        expect(sig.length).toBe(65)
        expect(recoverAddress(digest, sig)).toEqual(account.account)
      }),
      { numRuns: 20 },
    )
  })

  it('recoverAddress() is null or another address when the signature was changed, and never throws', async () => {
    const digest = new Uint8Array(32).fill(9)
    const sig = await account.sign(digest)
    fc.assert(
      fc.property(fc.nat({ max: 64 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bad = sig.map((byte, i) => (i === at ? byte ^ change : byte))
        expect(recoverAddress(digest, bad)).not.toEqual(account.account)
      }),
      { numRuns: 40 },
    )
    expect(recoverAddress(digest, sig.subarray(0, 64))).toBeNull()
    expect(recoverAddress(digest, new Uint8Array(65))).toBeNull()
  })

  it('recoverAddress() refuses the same signature with its s in the upper half', async () => {
    const digest = new Uint8Array(32).fill(3)
    const sig = await account.sign(digest)
    const s = BigInt(`0x${toHex(sig.subarray(32, 64))}`)
    const high = fromHex((ORDER - s).toString(16).padStart(64, '0'))
    const twin = Uint8Array.from([...sig.subarray(0, 32), ...high, sig[64] === 27 ? 28 : 27])
    expect(recoverAddress(digest, twin)).toBeNull()
  })
})
