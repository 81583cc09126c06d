// What goes wrong with chains, on a real one behind a node that misbehaves: no service on unconfirmed money, nothing lost, nothing twice, all goes on.

import { memoryStore, type Store } from '@haggle/store'
import { type Clock, HaggleError, systemClock } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Fault } from './faulty_rpc.ts'
import {
  type Chain,
  chainRpc,
  type EvmChannels,
  evmChannels,
  evmStake,
  type FeePolicy,
  openChain,
  openSender,
  revertReason,
  type TransactionSender,
  type WalletSigner,
  walletSigner,
} from './mod.ts'
import { type Anvil, deployDevnet, type Deployment, type FaultyRpc, fundAccount, startAnvil, startFaultyRpc } from './testing.ts'
import { NO_ANVIL, onAnvil } from './_test_chain.ts'

const GWEI = 1_000_000_000n
/** Seconds on an idle machine; many blocks and looks on a busy one. */
const LONG = { timeout: 300_000 }
const PAYEE = new Uint8Array(20).fill(0xee)
const TOKENS = 1_000_000n

let anvil: Anvil
let deployment: Deployment
let proxy: FaultyRpc
let wallet: WalletSigner
const open: { stop(): Promise<void> }[] = []

interface Setup {
  readonly store?: Store
  readonly clock?: Clock
  readonly confirmations?: number
  readonly raiseMs?: number
  readonly fees?: Partial<FeePolicy>
  readonly fetch?: typeof fetch
  readonly urls?: readonly string[]
}

/** A node with money behind the proxy: its sender and its channels. */
async function node(setup: Setup = {}): Promise<{ chain: Chain; sender: TransactionSender; channels: EvmChannels; store: Store }> {
  const { store = memoryStore(), clock = systemClock(), confirmations, fees, raiseMs, urls = [proxy.url] } = setup
  const rpc = chainRpc({ urls, chainId: 31337, clock, attemptMs: 400, ...(setup.fetch && { fetch: setup.fetch }) })
  const chain = openChain({ rpc, chainId: 31337, ...(confirmations && { confirmations }) })
  const init = { chain, wallet, store: store.sub('sender'), clock, reasonOf: revertReason, pollMs: 25 }
  const sender = await openSender({ ...init, ...(fees && { fees }), ...(raiseMs && { raiseMs }) })
  const channels = await evmChannels({
    chain,
    sender,
    signer: wallet,
    token: deployment.token,
    contract: deployment.channels,
    store,
    clock,
  })
  open.push(sender, channels)
  return { chain, sender, channels, store }
}

/** Waits until `check` holds; a hanging test ends by its own limit. */
async function until(check: () => boolean | Promise<boolean>, between: () => Promise<unknown> = async () => undefined): Promise<void> {
  while (!(await check())) {
    await between()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Transactions of the wallet that are in blocks. */
const nonce = async (): Promise<number> => Number(await anvil.rpc('eth_getTransactionCount', [wallet.address, 'latest']))

/** Nobody tells of a rejection that a test looks at later. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

describe.skipIf(NO_ANVIL)(onAnvil('a chain in trouble'), () => {
  let snapshot = ''
  beforeAll(async () => {
    anvil = await startAnvil()
    deployment = await deployDevnet(anvil.url, { closeDelayS: 600 })
    wallet = walletSigner(anvil.accounts[5]!.secret)
    await fundAccount(anvil.url, deployment, wallet.address, { tokens: TOKENS, coin: 10n ** 20n })
  })
  beforeEach(async () => {
    snapshot = await anvil.snapshot()
    proxy = await startFaultyRpc(anvil.url)
  })
  afterEach(async () => {
    for (const one of open.splice(0).toReversed()) await one.stop()
    await proxy?.stop()
    await anvil.rpc('anvil_dropAllTransactions')
    await anvil.revert(snapshot)
  })
  afterAll(() => (anvil as Anvil | undefined)?.stop())

  const FAULTS: readonly [string, (method: string) => Fault][] = [
    ['hangs', () => 'hang'],
    ['drops connections', () => 'drop'],
    ['limits the rate', () => 'limit'],
    ['answers with nonsense', () => 'fail'],
    ['loses its answers', () => 'lose'],
    ['loses only the answers to transactions', (method) => (method === 'eth_sendRawTransaction' ? 'lose' : 'pass')],
    [
      'knows no transaction that it was sent',
      (method) => (method === 'eth_getTransactionByHash' || method === 'eth_getTransactionReceipt' ? () => null : 'pass'),
    ],
  ]
  it.each(FAULTS)('open() comes true once when the node %s for a while', async (_what, fault) => {
    const { sender, channels } = await node()
    let since = 0
    // It begins when the transaction is prepared, and lasts until the sender has noticed or has asked a few times.
    proxy.fault = ({ method }) => (since > 0 || method === 'eth_estimateGas' ? (since++, fault(method)) : 'pass')
    const opening = channels.open({ payee: PAYEE, deposit: 500n })
    await until(() => since > 12 || sender.status().waiting !== null)
    proxy.fault = () => 'pass'
    expect((await opening).deposit).toBe(500n)
    expect(await channels.balance()).toBe(TOKENS - 500n)
    // One approval, one opening.
    expect(await nonce()).toBe(2)
  })

  it('sends nothing anew while a node counts a nonce and denies its transaction, however long', async () => {
    const { sender, channels } = await node()
    let denied = 0
    proxy.fault = ({ method }) =>
      method === 'eth_getTransactionByHash' || method === 'eth_getTransactionReceipt' ? () => (denied++, null) : 'pass'
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => denied > 30 && sender.status().waiting?.code === 'E_CHAIN_LIE')
    expect(await nonce()).toBe(1)
    proxy.fault = () => 'pass'
    expect((await opening).deposit).toBe(500n)
    expect([await nonce(), await channels.balance()]).toEqual([2, TOKENS - 500n])
  })

  it('goes on with another node when one dies, and refuses one of another chain', async () => {
    const other = await startAnvil({ chainId: 5 })
    onTestFinished(() => other.stop())
    const { channels } = await node({ urls: [other.url, proxy.url, anvil.url] })
    await proxy.stop()
    expect((await channels.open({ payee: PAYEE, deposit: 500n })).deposit).toBe(500n)
    expect(await other.rpc('eth_getTransactionCount', [wallet.address, 'latest'])).toBe('0x0')
    await expect(node({ urls: [other.url] })).rejects.toMatchObject({ code: 'E_CHAIN_WRONG' })
    proxy = await startFaultyRpc(anvil.url)
  })

  it('serves nothing on what a node says of a height that it has no blocks for', async () => {
    await anvil.mine(20)
    const { channels } = await node({ confirmations: 6 })
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    // The approval gets its confirmations, the opening only one.
    await until(async () => (await nonce()) === 1)
    await anvil.mine(5)
    await until(async () => (await nonce()) === 2)
    const higher = (result: unknown): unknown => {
      const block = result as Record<string, unknown> | null
      return block && { ...block, number: `0x${(Number(block['number']) + 5).toString(16)}` }
    }
    proxy.fault = ({ method, params }) => (method === 'eth_getBlockByNumber' && params[0] === 'latest' ? higher : 'pass')
    await expect(channels.find(PAYEE)).rejects.toMatchObject({ code: 'E_CHAIN_LIE' })
    proxy.fault = () => 'pass'
    expect(await channels.find(PAYEE)).toBe(null)
    await anvil.mine(5)
    expect((await opening).deposit).toBe(500n)
  })

  it('a reorganisation of 1 to 12 blocks takes nothing that counted, and what it took comes again', LONG, async () => {
    await anvil.mine(30)
    const { channels } = await node({ confirmations: 13 })
    const events: string[] = []
    channels.follow(({ kind, channel }) => events.push(`${kind} ${channel.payee[0]}`))
    const approving = quiet(channels.topUp(new Uint8Array(32), 1n))
    await until(async () => (await nonce()) === 1)
    await anvil.mine(12)
    await approving.catch(() => undefined)
    for (let depth = 1; depth <= 12; depth++) {
      const payee = new Uint8Array(20).fill(depth)
      const opening = quiet(channels.open({ payee, deposit: 500n }))
      await until(async () => (await nonce()) === depth + 1)
      await anvil.mine(depth - 1)
      // The block with the opening is the oldest that is replaced.
      await anvil.reorg(depth)
      expect([await channels.find(payee), events]).toEqual([null, events.slice(0, depth - 1)])
      await until(async () => (await nonce()) === depth + 1)
      expect(await channels.find(payee)).toBe(null)
      await anvil.mine(12)
      expect((await opening).deposit).toBe(500n)
      await until(() => events.length === depth)
    }
    expect(events).toEqual(Array.from({ length: 12 }, (_, i) => `opened ${i + 1}`))
    expect([await nonce(), await channels.balance()]).toEqual([13, TOKENS - 6000n])
  })

  it('raises the fee of a transaction that no block takes, and it comes true once', async () => {
    const { sender, channels } = await node({ raiseMs: 100 })
    await channels.topUp(new Uint8Array(32), 1n).catch(() => undefined)
    await anvil.rpc('evm_setAutomine', [false])
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => (sender.status().pending[0]?.raised ?? 0) >= 2)
    const [stuck] = sender.status().pending
    await anvil.rpc('evm_setAutomine', [true])
    await anvil.mine()
    expect((await opening).deposit).toBe(500n)
    expect([stuck?.state, await nonce()]).toEqual(['sent', 2])
  })

  it('gives up a nonce that another program of the same key has taken, and sends anew', async () => {
    const { channels } = await node()
    await channels.topUp(new Uint8Array(32), 1n).catch(() => undefined)
    await anvil.rpc('evm_setAutomine', [false])
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => proxy.calls.some(({ method }) => method === 'eth_sendRawTransaction'))
    const before = await nonce()
    await anvil.rpc('anvil_dropAllTransactions')
    proxy.fault = ({ method }) => (method === 'eth_sendRawTransaction' ? 'drop' : 'pass')
    await anvil.rpc('eth_sendTransaction', [{ from: wallet.address, to: wallet.address, nonce: `0x${before.toString(16)}`, gas: '0x5208' }])
    await anvil.mine()
    expect(await nonce()).toBe(before + 1)
    proxy.fault = () => 'pass'
    await anvil.rpc('evm_setAutomine', [true])
    expect((await opening).deposit).toBe(500n)
    expect(await channels.balance()).toBe(TOKENS - 500n)
  })

  it('waits while gas is above the limit, says so, and sends when it has fallen', async () => {
    const { sender, channels } = await node({ fees: { maxFee: 100n * GWEI } })
    const spike = async (gwei: bigint): Promise<void> => {
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(gwei * GWEI).toString(16)}`])
      await anvil.mine()
    }
    await spike(500n)
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => sender.status().waiting?.code === 'E_CHAIN_GAS')
    expect(sender.status()).toMatchObject({
      pending: [{ state: 'queued' }],
      waiting: { why: expect.stringContaining('the limit is 100 gwei') },
    })
    expect(await nonce()).toBe(0)
    await spike(1n)
    expect((await opening).deposit).toBe(500n)
  })

  it('takes back a transaction that was not sent yet when its signal aborts', async () => {
    const { sender, channels } = await node({ fees: { maxFee: 1n } })
    const stop = new AbortController()
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }, { signal: stop.signal }))
    await until(() => sender.status().waiting?.code === 'E_CHAIN_GAS')
    stop.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    await until(() => sender.status().pending.length === 0)
  })

  it('an hour without the chain loses nothing, also over a restart, and serves nothing', LONG, async () => {
    const clock = virtualClock()
    let [down, tries, asking] = [false, 0, 0]
    const outage: typeof fetch = async (input, init) => {
      if (down) {
        tries++
        throw new TypeError('fetch failed')
      }
      asking++
      try {
        const response = await fetch(input, init)
        return new Response(await response.arrayBuffer(), response)
      } finally {
        asking--
      }
    }
    // No time passes while anvil is asked: it answers in real time, and a question may take 400 ms of the other.
    const tick = async (): Promise<void> => {
      for (let ms = 0; asking > 0 && ms < 2_000; ms++) await new Promise((resolve) => setTimeout(resolve, 1))
      await clock.settle(1000)
    }
    // Whatever is waited for may itself wait for a pause to be over: time goes on meanwhile.
    const passing = async <T>(work: Promise<T>): Promise<T> => {
      let over = false
      const watched = quiet(work.finally(() => (over = true)))
      await until(() => over, tick)
      return await watched
    }
    const store = memoryStore()
    const first = await passing(node({ store, clock, fetch: outage }))
    await passing(first.channels.topUp(new Uint8Array(32), 1n)).catch(() => undefined)
    // Mined by nobody, so that it is under way when the chain goes.
    await anvil.rpc('evm_setAutomine', [false])
    const opening = quiet(first.channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => first.sender.status().pending[0]?.state === 'sent', tick)
    down = true
    await clock.settle(1_800_000)
    expect(first.sender.status()).toMatchObject({ pending: [{ state: 'sent' }], waiting: { code: 'E_CHAIN_UNREACHABLE' } })
    const reading = quiet(first.channels.read(new Uint8Array(32)))
    await clock.settle(60_000)
    await expect(reading).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
    await passing(first.channels.stop())
    await passing(first.sender.stop())
    await expect(passing(opening)).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    // The node comes back before the chain does.
    const second = await passing(node({ store, clock, fetch: outage }))
    await clock.settle(1_800_000)
    expect(second.sender.status()).toMatchObject({ pending: [{ state: 'sent' }], waiting: { code: 'E_CHAIN_UNREACHABLE' } })
    // Four tries a look, and a look a minute at most.
    expect(tries).toBeLessThan(600)
    down = false
    await anvil.rpc('evm_setAutomine', [true])
    await anvil.mine()
    await until(() => second.sender.status().pending.length === 0, tick)
    expect([(await passing(second.channels.find(PAYEE)))?.deposit, await nonce()]).toEqual([500n, 2])
  })

  it('a transaction that was written down and not sent is sent after a restart, and joined by who asks for the same', async () => {
    const store = memoryStore()
    const first = await node({ store })
    await first.channels.topUp(new Uint8Array(32), 1n).catch(() => undefined)
    proxy.fault = ({ method }) => (method === 'eth_sendRawTransaction' ? 'drop' : 'pass')
    const opening = quiet(first.channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => first.sender.status().pending[0]?.state === 'sent')
    await first.sender.stop()
    await expect(opening).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    const second = await node({ store })
    const asked = proxy.calls.length
    const again = quiet(second.channels.open({ payee: PAYEE, deposit: 500n }))
    // Sent when the second asking is under way, and not before.
    await until(() => proxy.calls.slice(asked).filter(({ method }) => method === 'eth_call').length >= 4)
    proxy.fault = () => 'pass'
    expect((await again).deposit).toBe(500n)
    expect([await nonce(), await second.channels.balance()]).toEqual([2, TOKENS - 500n])
  })

  it('stake() that a stop interrupted is joined by who asks for the same, and is not done twice', async () => {
    const store = memoryStore()
    const book = async ({ chain, sender }: { chain: Chain; sender: TransactionSender }): ReturnType<typeof evmStake> =>
      await evmStake({ chain, sender, contract: deployment.vault, store: store.sub('stake'), clock: systemClock() })
    const first = await node({ store })
    proxy.fault = ({ method }) =>
      method === 'eth_sendRawTransaction' && first.sender.status().pending[0]?.key === 'stake' ? 'drop' : 'pass'
    const staking = quiet((await book(first)).stake(500n))
    await until(() => first.sender.status().pending.some(({ key, state }) => key === 'stake' && state === 'sent'))
    await first.sender.stop()
    await expect(staking).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    const second = await node({ store })
    const stake = await book(second)
    const [again, other] = [quiet(stake.stake(500n)), quiet(stake.stake(400n))]
    await until(() => second.sender.status().pending.some(({ key }) => key === 'stake'))
    await expect(other).rejects.toMatchObject({ code: 'E_STAKE' })
    proxy.fault = () => 'pass'
    await again
    expect([(await stake.stakeOf()).staked, await nonce()]).toEqual([500n, 2])
  })

  it('open() gives the channel of an opening that came through after a restart, before it was asked for again', async () => {
    const store = memoryStore()
    const first = await node({ store })
    proxy.fault = ({ method }) =>
      method === 'eth_sendRawTransaction' && first.sender.status().pending[0]?.key.startsWith('open:') ? 'drop' : 'pass'
    const opening = quiet(first.channels.open({ payee: PAYEE, deposit: 500n }))
    await until(
      () => first.sender.status().pending[0]?.key.startsWith('open:') === true && first.sender.status().pending[0]?.state === 'sent',
    )
    await first.sender.stop()
    await expect(opening).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    proxy.fault = () => 'pass'
    const second = await node({ store })
    await until(() => second.sender.status().pending.length === 0)
    expect((await second.channels.open({ payee: PAYEE, deposit: 500n })).deposit).toBe(500n)
    expect([await nonce(), await second.channels.balance()]).toEqual([2, TOKENS - 500n])
  })

  it('open() rejects while another opening to the same payee is under way', async () => {
    const { sender, channels } = await node({ fees: { maxFee: 1n } })
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => sender.status().pending.length > 0)
    await expect(sender.send({ to: deployment.token, data: '0x1234' }, { key: sender.status().pending[0]!.key })).rejects.toMatchObject({
      code: 'E_SENDER_KEY',
    })
    await sender.stop()
    await expect(opening).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    await expect(sender.send({ to: deployment.token, data: '0x' })).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
    expect(sender.status().pending).toHaveLength(1)
  })

  it('waits while the wallet is locked, and sends when it is not', async () => {
    const real = wallet
    let locked = true
    wallet = {
      ...real,
      sign(digest) {
        if (locked) throw new HaggleError('E_WALLET_LOCKED', 'The wallet is locked')
        return real.sign(digest)
      },
    }
    const { sender, channels } = await node()
    const opening = quiet(channels.open({ payee: PAYEE, deposit: 500n }))
    await until(() => sender.status().waiting?.code === 'E_WALLET_LOCKED')
    locked = false
    expect((await opening).deposit).toBe(500n)
  })
})
