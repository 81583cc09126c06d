import { createIdentity, portableSuite, sealBinding } from '@haggle/identity'
import { AGGREGATE_LOG, checkpointMessage, openAggregate, type SignedHead, verifyAnchorProof } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { seal, systemClock } from '@haggle/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bindPeer } from './bonds.ts'
import { unhex } from './_bytes.ts'
import { anchorOnChain, headOnChain } from './chain_verdict.ts'
import { NO_ANVIL, startTestChain, type TestChain, onAnvil } from './_test_chain.ts'

const suite = portableSuite()
const owner = createIdentity(new Uint8Array(32).fill(1))
const network = new Uint8Array(32).fill(3)
let test: TestChain
beforeAll(async () => {
  test = await startTestChain()
})
afterEach(() => test.reset())
afterAll(async () => await test?.stop())

function head(size: number, by = owner): SignedHead {
  const iat = 1_790_000_000 + size
  const body = {
    log: 0,
    size,
    root: new Uint8Array(32).fill(size),
    prevSize: 0,
    prevRoot: new Uint8Array(32),
    block: null,
    reason: 'asked' as const,
  }
  return seal(
    checkpointMessage,
    { network, audience: null, thread: null, seq: iat, prev: null, ack: null, iat, exp: iat + 60, body },
    by.signer,
    suite,
  )
}
const place = (options?: Parameters<TestChain['chain']>[0]) => ({
  chain: test.chain(options),
  contract: test.deployment.registry,
  fromBlock: test.deployment.fromBlock,
})
const DOWN = { url: 'http://127.0.0.1:1' }

async function bound(n: number) {
  const account = await test.account(n)
  const registry = test.registry(account)
  const binding = { chain: 31337, registry: unhex(test.deployment.registry), account: account.wallet.account }
  const proof = sealBinding(binding, { signer: owner.signer, network, nowS: 1_790_000_000, suite })
  await bindPeer({ ...place(), sender: account.sender, clock: systemClock() }, { peerKey: owner.publicKey, proof })
  return registry
}

describe.skipIf(NO_ANVIL)(onAnvil('headOnChain()'), () => {
  it('says anchored, by whom and when, of a head that an account of its owner anchored', async () => {
    const registry = await bound(1)
    const anchored = await registry.anchor(head(5).body)
    await registry.anchor(head(7).body)
    const verdict = await headOnChain(head(5), { place: place(), suite })
    expect(verdict).toMatchObject({
      state: 'anchored',
      chainId: 31337,
      account: registry.account,
      block: anchored.block,
      transaction: anchored.transaction,
      unchecked: [],
    })
    expect(verdict.atS).toBeGreaterThan(1_700_000_000)
  })

  it('says absent of another head, and of one that a stranger anchored', async () => {
    const registry = await bound(1)
    await registry.anchor(head(5).body)
    await test.registry(await test.account(2)).anchor(head(9).body)
    expect(await headOnChain(head(9), { place: place(), suite })).toMatchObject({ state: 'absent', account: null, unchecked: [] })
    expect(await headOnChain(head(5, createIdentity(new Uint8Array(32).fill(2))), { place: place(), suite })).toMatchObject({
      state: 'absent',
    })
  })

  it('says what it could not check when no chain is set, or none answers', async () => {
    expect(await headOnChain(head(5), { place: null, suite })).toMatchObject({
      state: 'unchecked',
      unchecked: [{ what: 'binding', code: 'E_CHAIN_NONE' }, { what: 'anchor' }],
    })
    expect(await headOnChain(head(5), { place: place(DOWN), suite })).toMatchObject({
      state: 'unchecked',
      chainId: 31337,
      unchecked: [{ what: 'binding', code: 'E_CHAIN_UNREACHABLE' }, { what: 'anchor' }],
    })
  })
})

describe.skipIf(NO_ANVIL)(onAnvil('anchorOnChain()'), () => {
  it('says whether the aggregator that the file names anchored its root', async () => {
    const registry = test.registry(await test.account(3))
    const tree = await openAggregate({ store: memoryStore(), suite })
    await tree.add([head(5), head(4, createIdentity(new Uint8Array(32).fill(2)))], 1_790_000_000)
    const anchor = { chain: 31337, account: registry.account, size: tree.size, root: tree.root() }
    const proof = verifyAnchorProof((await tree.prove(owner.publicKey, anchor))!, suite)
    expect(await anchorOnChain(proof, { place: place() })).toMatchObject({ state: 'absent' })
    const { block } = await registry.anchor({ log: AGGREGATE_LOG, size: tree.size, root: tree.root() })
    expect(await anchorOnChain(proof, { place: place() })).toMatchObject({ state: 'anchored', block, account: registry.account })
    expect(await anchorOnChain({ ...proof, chain: 1 }, { place: place() })).toMatchObject({
      state: 'unchecked',
      unchecked: [{ what: 'anchor', code: 'E_CHAIN_WRONG' }],
    })
    expect(await anchorOnChain(proof, { place: null })).toMatchObject({ state: 'unchecked', chainId: 31337 })
    expect(await anchorOnChain(proof, { place: place(DOWN) })).toMatchObject({
      state: 'unchecked',
      unchecked: [{ what: 'anchor', code: 'E_CHAIN_UNREACHABLE' }],
    })
  })
})
