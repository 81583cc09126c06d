import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import { type Chain, chainRpc, openChain, openSender, type TransactionSender, walletSigner, type SenderInit } from './mod.ts'
import { type Anvil, startAnvil } from './testing.ts'
import { NO_ANVIL, onAnvil } from './_test_chain.ts'

const clock = systemClock()
const NOBODY = '0x00000000000000000000000000000000000000aa'
const transfer = (value: bigint) => ({ to: NOBODY, data: '0x', value }) as const

describe.skipIf(NO_ANVIL)(onAnvil('openSender'), () => {
  let anvil: Anvil
  let chain: Chain
  let snapshot: string
  const senders: TransactionSender[] = []
  beforeAll(async () => {
    anvil = await startAnvil()
  })
  beforeEach(async () => {
    await Promise.all(senders.splice(0).map((sender) => sender.stop()))
    snapshot = await anvil.snapshot()
    chain = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock }) })
    return async () => {
      await Promise.all(senders.splice(0).map((sender) => sender.stop()))
      await anvil.revert(snapshot)
    }
  })
  afterAll(async () => await anvil.stop())

  async function open(init: Partial<SenderInit> = {}): Promise<TransactionSender> {
    const wallet = walletSigner(anvil.accounts[1]!.secret)
    const sender = await openSender({ chain, wallet, store: memoryStore(), clock, ...init })
    senders.push(sender)
    return sender
  }
  const balance = async (): Promise<bigint> => BigInt((await anvil.rpc('eth_getBalance', [NOBODY, 'latest'])) as string)

  it('send() resolves with the block when a transaction is mined', async () => {
    const sender = await open()
    const mined = await sender.send(transfer(5n))
    expect(mined).toMatchObject({ gasUsed: 21000n })
    expect(await balance()).toBe(5n)
    expect(sender.status()).toEqual({ pending: [], waiting: null })
  })

  it('send() gives many transactions at once one nonce each', async () => {
    const sender = await open()
    const mined = await Promise.all(Array.from({ length: 20 }, () => sender.send(transfer(1n))))
    expect(new Set(mined.map(({ hash }) => hash)).size).toBe(20)
    expect(await balance()).toBe(20n)
  })
})
