// Memory in the market: what contracts leave in both ledgers, proofs of them, and scores that both sides act upon.

import { createIdentity, peerIdOf, portableSuite } from '@haggle/identity'
import { CONTRACT_MESSAGES } from '@haggle/contract'
import { type Entry, type Facts, memoryJournal, openMemory, PROOF_BYTES, verifyAnchorProof, verifyProof } from '@haggle/reputation'
import { memoryAnchors } from '@haggle/reputation/testing'
import { networkId, seal, systemClock, systemRandom, toHex, utf8 } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import type { StartableMarket } from './market_node.ts'
import { type MemoryHome, memoryHome, type MemoryMarket, memoryMarket } from './testing.ts'

const suite = portableSuite()
const network = networkId('devnet-memory')
let market: (MemoryMarket & AsyncDisposable) | undefined
afterEach(async () => {
  await market?.close()
  market = undefined
})

const peerOf = (home: MemoryHome): string => createIdentity(home.seed).peerId
const keyOf = (home: MemoryHome): Uint8Array => createIdentity(home.seed).publicKey

/** The receipts of both parties of a contract. */
function receiptsOf(contract: Uint8Array, owed: bigint, ...[a, b]: [MemoryHome, MemoryHome]): Uint8Array[] {
  const nowS = Math.floor(Date.now() / 1000)
  const body = { contract, termsHash: suite.sha256(utf8('terms')), usage: [3_600_000n], owed, reason: null }
  const head = { network, thread: new Uint8Array(16), seq: 9, prev: contract, ack: contract, iat: nowS, exp: nowS + 60, body }
  const signed = (by: MemoryHome, to: MemoryHome): Uint8Array =>
    seal(CONTRACT_MESSAGES.receipt, { ...head, audience: keyOf(to) }, createIdentity(by.seed).signer, suite).bytes
  return [signed(a, b), signed(b, a)]
}

/** Contracts that `home` has had with `peer` before, all of one kind. Resolves with the id of the last, in hex. */
async function remember(home: MemoryHome, peer: MemoryHome, facts: Partial<Facts>, count = 20): Promise<string> {
  const memory = await openMemory({
    store: home.store.sub('memory').sub('memory'),
    journal: async (log) => (home.journals[log] ??= memoryJournal()),
    signer: createIdentity(home.seed).signer,
    suite,
    clock: systemClock(),
    random: systemRandom(),
    network,
  })
  const all: Facts = {
    role: 'provider',
    outcome: 'settled',
    liable: null,
    rail: 'free',
    settled: 100n,
    meteredS: 3_600,
    upS: 3_600,
    speedPermille: null,
    ...facts,
  }
  const contracts = Array.from({ length: count }, (_, n) => suite.sha256(utf8(`${n}`)))
  await memory.ledger.append(
    contracts.map((contract, number): Entry => ({
      kind: 'closed',
      at: Math.floor(Date.now() / 1000),
      number,
      peer: keyOf(peer),
      contract,
      facts: all,
      evidence: receiptsOf(contract, all.settled, home, peer),
    })),
  )
  await memory.close()
  return toHex(contracts.at(-1)!)
}

async function provider(price: string, options: { home?: MemoryHome; accept?: string } = {}): Promise<StartableMarket> {
  const node = await market!.join({ run: async () => 0, ...(options.home === undefined ? {} : { home: options.home }) })
  await node.provide({ price, ...(options.accept === undefined ? {} : { accept: options.accept }) })
  return node
}

it('a settled contract is in both ledgers, signed by both, with a proof of less than 2 KiB', async () => {
  market = await memoryMarket()
  const seller = await provider('0.36')
  const renter = await market.join()
  const job = await renter.run({ command: ['true'] })
  expect((await job.done).receipt?.signedBy).toBe('both')
  for (const [node, peer, role] of [
    [seller, renter, 'renter'],
    [renter, seller, 'provider'],
  ] as const) {
    await expect.poll(async () => (await node.ledger()).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['closed', 'opened']))
    await expect.poll(async () => (await node.memory.prove(job.contract)).bothSigned).toBe(true)
    const { file } = await node.memory.prove(job.contract)
    expect(file.length).toBeLessThan(PROOF_BYTES)
    const proof = verifyProof(file, suite)
    expect(proof).toMatchObject({ bothSigned: true, entry: { number: 0, facts: { role, outcome: 'settled', liable: null, rail: 'free' } } })
    expect(peerIdOf(proof.entry.peer!)).toBe(peer.peerId)
    // The renter saw its provider all the time; nobody looks whether a renter is there.
    expect(proof.entry.facts?.upS).toBe(role === 'provider' ? proof.entry.facts?.meteredS : null)
    expect(await node.memory.status()).toMatchObject({ state: 'ok', ledger: 'ok', missing: 0, convicted: 0 })
  }
})

it("a number that became no contract is void in the renter's ledger, and the next contract has the next number", async () => {
  market = await memoryMarket()
  const picky = await provider('0.10', { accept: 'renter.jobs >= 1' })
  const open = await provider('0.20')
  const renter = await market.join()
  const job = await renter.run({ command: ['true'] })
  await job.done
  expect(job.provider).toBe(open.peerId)
  expect((await picky.ledger()).length).toBe(0)
  await expect.poll(async () => (await renter.ledger()).map(({ kind }) => kind).toSorted()).toEqual(['closed', 'opened', 'void'])
})

it('run() prefers whom it trusts to who is a little cheaper, unless prices alone are asked for', async () => {
  market = await memoryMarket()
  const [mine, known] = [memoryHome(), memoryHome()]
  await remember(mine, known, {})
  await provider('0.10')
  const trusted = await provider('0.12', { home: known })
  const renter = await market.join({ home: mine })
  const first = async (where: string): Promise<string | undefined> => (await renter.offers({ where })).rows[0]?.provider
  expect(await first('')).toBe(trusted.peerId)
  expect(await first('order by price.hour')).not.toBe(trusted.peerId)
  expect(await first('order by trust.score desc')).toBe(trusted.peerId)
  const { rows, failures } = await renter.offers({ where: 'trust.score>=0.5' })
  expect(rows).toMatchObject([{ provider: trusted.peerId, jobs: 20 }])
  expect(rows[0]!.trust).toBeGreaterThan(0.5)
  expect(failures).toMatchObject([{ constraint: 'provider.score >= 0.5', count: 1 }])
  const job = await renter.run({ command: ['true'] })
  await job.done
  expect(job.provider).toBe(trusted.peerId)
})

it('run() asks for the offer of now when its provider was started anew since', async () => {
  market = await memoryMarket()
  const home = memoryHome()
  const first = await provider('0.36', { home })
  const renter = await market.join()
  await (
    await renter.run({ command: ['true'] })
  ).done
  await market.leave(first)
  const again = await provider('0.30', { home })
  expect(again.peerId).toBe(first.peerId)
  const job = await renter.run({ command: ['true'] })
  expect(await job.done).toMatchObject({ exitCode: 0, receipt: { provider: first.peerId } })
})

it('run() puts whoever failed before behind strangers', async () => {
  market = await memoryMarket()
  const [mine, failed] = [memoryHome(), memoryHome()]
  await remember(mine, failed, { outcome: 'failed', liable: 'provider', settled: 0n })
  await provider('0.01', { home: failed })
  const stranger = await provider('0.30')
  const renter = await market.join({ home: mine })
  expect((await renter.offers()).rows.map((row) => row.provider)).toEqual([stranger.peerId, peerOf(failed)])
})

it('provide() asks renters for their score, and a stranger gets in with a proof from somebody whom the provider trusts', async () => {
  market = await memoryMarket()
  const [careful, worker, home] = [memoryHome(), memoryHome(), memoryHome()]
  // The careful one has rented from the worker, so that the worker's word about its renters counts there.
  await remember(careful, worker, {})
  const contract = await remember(worker, home, { role: 'renter', upS: null }, 1)
  const seller = await provider('0.10', { home: careful, accept: 'trust.score > 0.05' })
  const work = await market.join({ home: worker })
  const newcomer = await market.join({ home })
  const at = { command: ['true'], providers: [seller.peerId] }
  await expect(newcomer.run(at)).rejects.toMatchObject({ code: 'E_NOBODY_TAKES' })
  const { file, bothSigned } = await work.memory.prove(contract)
  expect(bothSigned).toBe(true)
  expect(await newcomer.memory.importProof(file)).toMatchObject({ kind: 'carried', owner: work.peerId, about: newcomer.peerId })
  const job = await newcomer.run(at)
  expect((await job.done).receipt?.signedBy).toBe('both')
  const explained = async (): Promise<unknown> => (await seller.memory.explain(newcomer.peerId)).roles.find(({ role }) => role === 'renter')
  const of = (by: string): unknown => expect.objectContaining({ by })
  await expect.poll(explained).toMatchObject({ receipts: expect.arrayContaining([of(work.peerId), of(seller.peerId)]) })
})

it('anchorFile() has the log of a renter without a chain anchored by its provider, under a root of both', async () => {
  market = await memoryMarket()
  const seller = await provider('0.36')
  const renter = await market.join()
  await (
    await renter.run({ command: ['true'] })
  ).done
  await expect.poll(async () => (await renter.ledger()).map(({ kind }) => kind)).toContain('closed')
  await expect(renter.memory.anchorFile(seller.peerId)).rejects.toMatchObject({ code: 'E_ANCHOR_NONE' })
  const anchors = memoryAnchors().of(new Uint8Array(20).fill(3))
  const aggregator = await seller.memory.aggregate({ anchors, chain: 31337 })
  await expect(renter.memory.anchorFile(seller.peerId)).rejects.toMatchObject({ code: 'E_ANCHOR_WAITING' })
  const head = await aggregator.anchors.anchor(await aggregator.sign())
  const { file, ...about } = await renter.memory.anchorFile(seller.peerId)
  const { signedSize } = await renter.memory.status()
  expect(about).toEqual({ log: 0, size: signedSize, chain: 31337, account: anchors.account })
  const { log, size, root, account, head: found } = verifyAnchorProof(file, suite)
  expect([peerIdOf(found.signer), root]).toEqual([renter.peerId, head.root])
  expect(await anchors.check({ account, log, size, root })).toBe('anchored')
})

it('explain() names the receipts of a score and their weight', async () => {
  market = await memoryMarket()
  const [mine, known] = [memoryHome(), memoryHome()]
  await remember(mine, known, {}, 3)
  const renter = await market.join({ home: mine })
  const { roles, peer } = await renter.memory.explain(peerOf(known), { receipts: 2 })
  const [asProvider, asRenter] = roles
  expect(peer).toBe(peerOf(known))
  expect(asProvider).toMatchObject({ role: 'provider', receiptCount: 3, receipts: [{ by: renter.peerId, outcome: 'settled' }, {}] })
  const good = asProvider!.lines.find(({ axis }) => axis === 'completes')!.good
  expect(asProvider!.receipts[0]!.weight * 3).toBeCloseTo(good)
  expect(asRenter).toMatchObject({ score: expect.closeTo(0.05), lines: [] })
})
