// The court on a real chain with short slots: a provider that stops is claimed against and slashed, one that is up refutes, and nobody is asked.

import {
  chainRpc,
  evmCourt,
  type EvmCourt,
  evmStake,
  openChain,
  openSender,
  revertReason,
  type WalletSigner,
  walletSigner,
} from '@haggle/chain'
import { type Anvil, deployDevnet, type Deployment, findAnvil, fundAccount, startAnvil } from '@haggle/chain/testing'
import { createIdentity, type Identity } from '@haggle/identity'
import { memoryNetwork, type MemoryNetwork, type MemoryNode } from '@haggle/mesh'
import { memoryStore, type Store } from '@haggle/store'
import { serve, startWatch, type WatchEvent, type WatchInit } from '@haggle/watch'
import { bitmapDigest, type Case, countBits, keccak256, receiptDigest } from '@haggle/witness'
import { systemClock } from '@haggle/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const clock = systemClock()
/** Compressed: a slot is three seconds, a dispute eight. */
const COURT = { witnessStake: 100_000n, claimS: 120, refuteS: 8, drawDelay: 2 }
const SLOT_S = 3
const SLOTS = 3
const PRICE = 1_000n
const LOCK = 10n * PRICE * BigInt(SLOTS)
const STAKED = 1_000_000n

interface Node {
  readonly identity: Identity
  readonly wallet: WalletSigner
  readonly network: MemoryNode
  readonly court: EvmCourt
  readonly store: Store
  readonly events: WatchEvent[]
  readonly hears: Set<(event: WatchEvent) => void>
  staked(): Promise<bigint>
}

const why = findAnvil() === undefined ? ' (skipped: anvil has no program for this machine)' : ''

describe.skipIf(why !== '')(`a court on a chain${why}`, () => {
  let anvil: Anvil
  let deployment: Deployment
  let hub: MemoryNetwork
  const running: { stop(): Promise<unknown> }[] = []
  let accounts = 0
  beforeAll(async () => {
    anvil = await startAnvil({ blockTimeS: 1 })
    deployment = await deployDevnet(anvil.url, { unbondDelayS: 600, court: COURT })
  }, 60_000)
  afterEach(async () => {
    for (const one of running.splice(0).toReversed()) await one.stop()
    await hub.stop()
  })
  afterAll(() => anvil.stop())

  async function join(): Promise<Node> {
    const n = accounts++
    const wallet = walletSigner(keccak256(Uint8Array.of(n)))
    await fundAccount(anvil.url, deployment, wallet.address, { tokens: 10n * STAKED, coin: 10n ** 20n })
    const store = memoryStore()
    const chain = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock }) })
    const sender = await openSender({ chain, wallet, store: store.sub('sender'), clock, reasonOf: revertReason })
    const stake = await evmStake({ chain, sender, contract: deployment.vault, store: store.sub('stake'), clock })
    await stake.stake(STAKED)
    const court = await evmCourt({
      chain,
      sender,
      contract: deployment.court,
      store: store.sub('court'),
      clock,
      fromBlock: deployment.fromBlock,
    })
    running.push(sender, court)
    const identity = createIdentity(keccak256(Uint8Array.of(n, 1)))
    return {
      identity,
      wallet,
      network: hub.join(identity),
      court,
      store,
      events: [],
      hears: new Set(),
      staked: async () => (await stake.stakeOf()).staked,
    }
  }

  async function start({ network, court, wallet, store, events, hears }: Node, init: Partial<WatchInit> = {}): Promise<void> {
    const onEvent = (event: WatchEvent): void => {
      events.push(event)
      for (const hear of hears) hear(event)
    }
    running.push(await startWatch({ network, court, signer: wallet, clock, store, onEvent, ...init }))
  }

  /** A case between the two, drawn: all four that have seats witness it. */
  async function open(provider: Node, renter: Node): Promise<Uint8Array> {
    const { court } = provider
    const { id } = await court.openSla({
      renter: renter.wallet.account,
      renterKey: renter.identity.publicKey,
      providerKey: provider.identity.publicKey,
      terms: keccak256(provider.identity.publicKey),
      rule: 2,
      slotS: SLOT_S,
      slots: SLOTS,
      // Time for the draw before the first slot, also on a busy machine.
      startsAtS: (await court.nowS()) + 20,
      pricePerSlot: PRICE,
      factor: 10,
      lock: LOCK,
      renterCommit: null,
      providerCommit: null,
    })
    const { drawBlock } = (await court.caseOf(id)) as Case
    await anvil.mine(3)
    expect((await court.latestBlock()).block).toBeGreaterThanOrEqual(drawBlock)
    await court.drawWitnesses(id)
    return id
  }

  /** Resolves when `node` has done `kind` of itself. */
  async function done(node: Node, kind: WatchEvent['kind']): Promise<void> {
    if (node.events.some((event) => event.kind === kind)) return
    await new Promise<void>((resolve) => node.hears.add((event) => event.kind === kind && resolve()))
  }

  it('a provider that never beats is slashed, and one that is up refutes what a liar and a partition claimed', async () => {
    hub = memoryNetwork()
    const [dead, up, renter, liar, ...honest] = (await Promise.all(Array.from({ length: 7 }, join))) as [Node, Node, Node, Node, ...Node[]]
    await Promise.all([liar, ...honest].map(({ court, identity }) => court.enroll(identity.publicKey)))
    const [deadCase, upCase] = (await Promise.all([open(dead, renter), open(up, renter)])) as [Uint8Array, Uint8Array]

    // The liar gives receipts to whoever beats, and says "down" to whoever asks.
    const { parameters } = liar.court
    const down = (1n << BigInt(SLOTS)) - 1n
    const end = await serve({ network: liar.network, clock }, async ({ name, body }) => {
      if (name === 'beat') return { name: 'receipt', body: { sig: liar.wallet.sign(receiptDigest(parameters, body)) } }
      if (name === 'here') return { name: 'yes', body: { sig: null } }
      if (name !== 'bitmap') return { name: 'refused', body: { reason: 'none' } }
      return { name: 'bitmap', body: { down, sig: liar.wallet.sign(bitmapDigest(parameters, { ...body, down })) } }
    })
    running.push({ stop: end })
    // Two of three honest witnesses are cut off: one more than the rule covers without the liar's own receipts.
    for (const node of honest.slice(0, 2)) hub.cut(up.identity.peerId, node.identity.peerId)
    await start(dead, { serving: () => false })
    for (const node of [up, renter, ...honest]) await start(node)

    await Promise.all([done(renter, 'collect'), done(up, 'refute'), done(up, 'proveWitnessEquivocation')])
    const [against] = await renter.court.claimsOf(deadCase)
    expect(against).toMatchObject({ refuted: 0n, finalized: true })
    // On a machine that is too busy to watch in time, witnesses say nothing of a slot; of most they can.
    const missed = BigInt(countBits(against?.mask ?? 0n))
    expect(missed).toBeGreaterThan(0n)
    expect(await dead.staked()).toBe(STAKED - 10n * PRICE * missed)

    const [refuted] = await up.court.claimsOf(upCase)
    expect(refuted?.refuted).toBe(refuted?.mask)
    expect((await up.court.caseOf(upCase))?.lockLeft).toBe(LOCK)
    expect(await up.staked()).toBe(STAKED)
    expect(await liar.staked()).toBe(STAKED - COURT.witnessStake)
    for (const node of honest) expect(await node.staked()).toBe(STAKED)
  }, 300_000)
})
