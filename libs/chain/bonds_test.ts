// Bonds on a real chain: believed when both sides made them, and not otherwise.

import { createIdentity, sealBinding } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { fromHex, systemClock } from '@haggle/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bindPeer, evmBonds, revokePeer } from './bonds.ts'
import { startTestChain, type TestChain, NO_ANVIL, onAnvil } from './_test_chain.ts'

const suite = nodeSuite()
const node = createIdentity(new Uint8Array(32).fill(40))

describe.skipIf(NO_ANVIL)(onAnvil('evmBonds()'), () => {
  let test: TestChain
  beforeAll(async () => {
    test = await startTestChain()
  }, 60_000)
  afterEach(() => test.reset())
  afterAll(() => test.stop())

  const proofOf = (account: Uint8Array): Uint8Array =>
    sealBinding(
      { chain: test.anvil.chainId, registry: fromHex(test.deployment.registry.slice(2), 20), account },
      { signer: node.signer, network: new Uint8Array(32), nowS: 1_790_000_000, suite },
    )
  const bonds = (): ReturnType<typeof evmBonds> => evmBonds({ chain: test.chain(), contract: test.deployment.registry, suite })

  it('of() has an account that was bound both ways until it takes that back, and says() its half', async () => {
    const { sender, wallet } = await test.account(1)
    const init = { chain: test.chain(), sender, contract: test.deployment.registry, clock: systemClock() }
    expect(await bonds().of(node.publicKey)).toEqual([])
    expect((await bindPeer(init, { peerKey: node.publicKey, proof: proofOf(wallet.account) })).gasUsed).toBeGreaterThan(21_000n)
    expect(await bonds().of(node.publicKey)).toMatchObject([{ account: wallet.account }])
    expect(await bonds().says(wallet.account, node.publicKey)).toBe(true)
    await revokePeer(init, node.publicKey)
    expect(await bonds().of(node.publicKey)).toEqual([])
    await expect(revokePeer(init, node.publicKey)).rejects.toMatchObject({ code: 'E_BOND', details: { reason: 'NotBound()' } })
  }, 60_000)

  it('of() leaves out who only says so itself: another account’s proof, and noise', async () => {
    const { sender, wallet } = await test.account(1)
    const other = await test.account(2)
    const init = { chain: test.chain(), sender, contract: test.deployment.registry, clock: systemClock() }
    await bindPeer(init, { peerKey: node.publicKey, proof: proofOf(other.wallet.account) })
    await bindPeer({ ...init, sender: other.sender }, { peerKey: node.publicKey, proof: new Uint8Array(80).fill(7) })
    expect(await bonds().of(node.publicKey)).toEqual([])
    expect(await bonds().says(wallet.account, node.publicKey)).toBe(true)
  }, 60_000)
})
