// A binding says one thing by one key, and whatever else is in the transaction binds nobody.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdentity, portableSuite } from './mod.ts'
import { checkBinding, sealBinding, type WalletBinding } from './wallet_binding.ts'

const suite = portableSuite()
const { signer, publicKey } = createIdentity(new Uint8Array(32).fill(5))
const binding: WalletBinding = { chain: 31337, registry: new Uint8Array(20).fill(2), account: new Uint8Array(20).fill(3) }
const proof = sealBinding(binding, { signer, network: new Uint8Array(32).fill(9), nowS: 1_790_000_000, suite })
const claim = { ...binding, peerKey: publicKey }

describe('checkBinding()', () => {
  it('takes the node’s own word', () => {
    expect(checkBinding(proof, claim, suite)).toBe(true)
  })

  it.each([
    ['chain', { chain: 1 }],
    ['registry', { registry: new Uint8Array(20) }],
    ['account', { account: new Uint8Array(20) }],
    ['key', { peerKey: createIdentity(new Uint8Array(32).fill(6)).publicKey }],
  ])('refuses it for another %s', (_, other) => {
    expect(checkBinding(proof, { ...claim, ...other }, suite)).toBe(false)
  })

  it('refuses whatever else somebody puts there, without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !checkBinding(bytes, claim, suite)),
      { numRuns: 200 },
    )
    for (let at = 0; at < proof.length; at++) {
      const changed = proof.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(checkBinding(changed, claim, suite)).toBe(false)
    }
  })
})
