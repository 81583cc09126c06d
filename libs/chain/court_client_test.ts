// The court on a real chain passes the suite that its memory implementation passes.

import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import type { Court, CourtEvent } from '@haggle/witness'
import { testCourt } from '@haggle/witness/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stakeVaultAbi } from './abi/mod.ts'
import { openChain } from './chain.ts'
import { type EvmCourt, evmCourt } from './court_client.ts'
import { revertReason } from './revert_reason.ts'
import { chainRpc } from './rpc.ts'
import { openSender } from './sender.ts'
import { startStakedChain, type StakedChain } from './_test_court.ts'
import { walletSigner } from './wallet.ts'
import { NO_ANVIL, onAnvil } from './_test_chain.ts'

describe.skipIf(NO_ANVIL)(onAnvil('evmCourt'), () => {
  const clock = systemClock()
  let usual: StakedChain
  /** The chain of the test that runs: the usual one, or one whose court draws with secrets. */
  let staked: StakedChain
  let snapshot: string
  const opened: { stop(): Promise<void> }[] = []
  beforeAll(async () => {
    usual = staked = await startStakedChain()
    snapshot = await staked.anvil.snapshot()
  }, 60_000)
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.stop()
    if (staked !== usual) await staked.anvil.stop()
    staked = usual
    await staked.anvil.revert(snapshot)
    snapshot = await staked.anvil.snapshot()
  })
  afterAll(() => usual.anvil.stop())

  const chain = () =>
    openChain({ chainId: staked.anvil.chainId, rpc: chainRpc({ urls: [staked.anvil.url], chainId: staked.anvil.chainId, clock }) })
  async function courtOf(n: number): Promise<EvmCourt> {
    const wallet = walletSigner(staked.anvil.accounts[n]!.secret)
    const store = memoryStore()
    const sender = await openSender({ chain: chain(), wallet, store: store.sub('sender'), clock, reasonOf: revertReason })
    const court = await evmCourt({ chain: chain(), sender, contract: staked.deployment.court, store: store.sub('court'), clock })
    opened.push(sender, court)
    return court
  }

  testCourt('evmCourt', {
    it: (title, run) => it(title, run, 60_000),
    equal: (actual, expected) => expect(actual).toEqual(expected),
    make: async ({ commitReveal }) => {
      if (commitReveal) staked = await startStakedChain({ commitReveal })
      const courts: Court[] = []
      for (const n of staked.signers.keys()) courts.push(await courtOf(n))
      return {
        signers: staked.signers,
        court: (account) => courts[account]!,
        pass: async (seconds) => {
          await staked.anvil.rpc('evm_increaseTime', [seconds])
          await staked.anvil.mine(1)
        },
        mine: async (blocks) => void (await staked.anvil.mine(blocks)),
        staked: async (account) => {
          const address = walletSigner(staked.anvil.accounts[account]!.secret).address
          const [amount] = await chain().view({
            address: staked.deployment.vault,
            abi: stakeVaultAbi,
            functionName: 'stakeOf',
            args: [address],
          })
          return amount
        },
      }
    },
  })

  it('follow() tells what is confirmed, latestBlock() a block that blockTime() knows', async () => {
    const court = await courtOf(0)
    const told: CourtEvent[] = []
    const heard = new Promise<void>((resolve) => court.follow((event) => (told.push(event), resolve())))
    const { block, blockHash } = await court.latestBlock()
    expect(await court.blockTime(block, blockHash)).toBeGreaterThan(1_000_000_000)
    expect(await court.blockTime(block, new Uint8Array(32))).toBeNull()
    expect(await court.blockTime(block + 1_000, blockHash)).toBeNull()
    const { id } = await court.openSla({
      renter: staked.signers[1]!.account,
      renterKey: new Uint8Array(32),
      providerKey: new Uint8Array(32),
      terms: new Uint8Array(32).fill(1),
      rule: 1,
      slotS: 60,
      slots: 60,
      startsAtS: (await court.nowS()) + 100,
      pricePerSlot: 10n,
      factor: 10,
      lock: 6_000n,
      renterCommit: null,
      providerCommit: null,
    })
    await heard
    expect(told).toMatchObject([{ kind: 'opened', id, claim: null }])
    expect(await court.caseOf(new Uint8Array(32))).toBeNull()
    expect(await court.claimOf(0n)).toBeNull()
  })
})
