import { describe, expect, it } from 'vitest'
import { memoryStore, type Store } from '@haggle/store'
import { utf8 } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { openChain } from './chain.ts'
import { followLogs, type FollowerInit, type LogBatch } from './follower.ts'

const CONTRACT = `0x${'cc'.repeat(20)}` as const
const CONFIRMATIONS = 4

/** A chain whose blocks each may hold events, named by a number in their data. */
function fakeChain() {
  let forks = 0
  const blocks: { fork: number; events: number[] }[] = [{ fork: 0, events: [] }]
  const word = (value: number | string): string => `0x${String(value).padStart(64, '0')}`
  const quantity = (value: number): string => `0x${value.toString(16)}`
  const hash = (at: number): string => word(`${(blocks[at]?.fork ?? 0).toString(16)}0000${at.toString(16)}`)
  const block = (at: number) =>
    at < blocks.length && {
      number: quantity(at),
      hash: hash(at),
      parentHash: at > 0 ? hash(at - 1) : word(0),
      timestamp: quantity(1000 + at),
      baseFeePerGas: '0x1',
    }
  const logsOf = (at: number) =>
    (blocks[at]?.events ?? []).map((event, index) => ({
      address: CONTRACT,
      topics: [word(7)],
      data: word(event.toString(16)),
      blockNumber: quantity(at),
      blockHash: hash(at),
      transactionHash: word(event.toString(16)),
      logIndex: quantity(index),
      removed: false,
    }))
  const chain = {
    down: false,
    /** Changes what `eth_getLogs` answers. */
    twist: (logs: Record<string, unknown>[]): unknown => logs,
    maxRange: Number.POSITIVE_INFINITY,
    mine(...each: number[][]) {
      for (const events of each) blocks.push({ fork: forks, events })
    },
    reorg(depth: number, ...each: number[][]) {
      forks++
      blocks.length -= depth
      chain.mine(...each)
    },
    async request(method: string, params: readonly unknown[]): Promise<unknown> {
      if (chain.down) throw Object.assign(new Error('down'), { code: 'E_CHAIN_UNREACHABLE' })
      if (method === 'eth_getBlockByNumber') return block(params[0] === 'latest' ? blocks.length - 1 : Number(params[0])) || null
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
      const [from, to] = [Number(fromBlock), Number(toBlock)]
      if (to - from >= chain.maxRange) throw new (await import('./rpc.ts')).RpcError(-32000, 'too many results', null)
      return chain.twist(Array.from({ length: to - from + 1 }, (_, i) => logsOf(from + i)).flat())
    },
  }
  return chain
}

function setup(store: Store = memoryStore(), chain = fakeChain()) {
  const clock = virtualClock()
  const given: number[] = []
  const batches: LogBatch[] = []
  const follow = (init: Partial<FollowerInit> = {}) => {
    const over = openChain({ rpc: chain, chainId: 5, confirmations: CONFIRMATIONS })
    return followLogs({
      chain: over,
      addresses: [CONTRACT],
      store,
      clock,
      fromBlock: 1,
      consume(batch) {
        batches.push(batch)
        for (const log of batch.undone) given.splice(given.lastIndexOf(Number(log.data)), 1)
        given.push(...batch.logs.map(({ data }) => Number(data)))
      },
      ...init,
    })
  }
  return { store, chain, clock, given, batches, follow }
}

describe('followLogs', () => {
  it('gives events in order, and only those with enough confirmations', async () => {
    const { chain, given, follow } = setup()
    chain.mine([1, 2], [], [3], [4], [], [])
    const follower = follow()
    await follower.caughtUp()
    expect(given).toEqual([1, 2, 3])
    expect(follower.block).toBe(3)
    chain.mine([5])
    await follower.caughtUp()
    expect(given).toEqual([1, 2, 3, 4])
    await follower.stop()
  })

  it('begins after the newest confirmed block when nothing else is said', async () => {
    const { chain, given, follow } = setup()
    chain.mine([1], [2], [3], [4], [5])
    const follower = follow({ fromBlock: undefined as never })
    await follower.caughtUp()
    expect([given, follower.block]).toEqual([[], 2])
    chain.mine([6])
    await follower.caughtUp()
    expect(given).toEqual([3])
    await follower.stop()
  })

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'gives what the chain has in the end after a reorganisation of %i blocks',
    async (depth) => {
      const { chain, given, batches, follow } = setup()
      chain.mine(...Array.from({ length: 20 }, (_, i) => [i + 1]))
      const follower = follow()
      await follower.caughtUp()
      expect(given).toEqual(Array.from({ length: 17 }, (_, i) => i + 1))
      // Every second event is in the new blocks too.
      const kept = Array.from({ length: depth }, (_, i) => 20 - depth + i + 1).filter((n) => n % 2 === 0)
      chain.reorg(depth, ...Array.from({ length: depth }, (_, i) => kept.filter((_, at) => at === i)), [99], [], [], [])
      await follower.caughtUp()
      expect(given).toEqual([...Array.from({ length: 20 - depth }, (_, i) => i + 1), ...kept, 99])
      // Shallow ones touch nothing that was given.
      expect(batches.some(({ undone }) => undone.length > 0)).toBe(depth >= CONFIRMATIONS)
      await follower.stop()
    },
  )

  it('goes on after a restart where it was, also when the chain has changed meanwhile', async () => {
    const { chain, given, follow } = setup()
    chain.mine([1], [2], [3], [4], [5], [6])
    const first = follow()
    await first.caughtUp()
    await first.stop()
    expect(given).toEqual([1, 2, 3])
    chain.reorg(5, [12], [13], [14], [15], [16], [17])
    const second = follow()
    await second.caughtUp()
    expect(given).toEqual([1, 12, 13, 14])
    await second.stop()
  })

  it('gives a batch again when the consumer fails, and writes what it returns with the cursor', async () => {
    const { store, chain, given, clock, follow } = setup()
    chain.mine([1], [2], [], [], [])
    let fails = 2
    const follower = follow({
      consume: ({ logs }) => {
        if (fails-- > 0) throw new Error('not now')
        given.push(...logs.map(({ data }) => Number(data)))
        return [{ key: 'sum', value: utf8(String(given.length)) }]
      },
    })
    for (let i = 0; i < 5; i++) await clock.settle(60_000)
    expect(given).toEqual([1, 2])
    expect(await store.get('sum')).toEqual(utf8('2'))
    await follower.stop()
  })

  it('stands still while the chain is down, says why, and goes on', async () => {
    const { chain, given, clock, follow } = setup()
    chain.mine([1], [], [], [])
    const follower = follow()
    await follower.caughtUp()
    chain.down = true
    await clock.settle(3_600_000)
    expect(follower.waiting).toMatchObject({ why: 'down' })
    chain.mine([2], [3])
    chain.down = false
    chain.mine([], [], [])
    await follower.caughtUp()
    expect([given, follower.waiting]).toEqual([[1, 2, 3], null])
    await follower.stop()
  })

  it('asks for smaller ranges when a node finds one too large', async () => {
    const { chain, given, follow } = setup()
    chain.mine(...Array.from({ length: 300 }, (_, i) => [i + 1]))
    chain.maxRange = 7
    const follower = follow()
    await follower.caughtUp()
    expect(given).toEqual(Array.from({ length: 297 }, (_, i) => i + 1))
    await follower.stop()
  })

  it.each([
    ['events of another contract', (logs: Record<string, unknown>[]) => logs.map((log) => ({ ...log, address: `0x${'dd'.repeat(20)}` }))],
    ['events of other blocks', (logs: Record<string, unknown>[]) => logs.map((log) => ({ ...log, blockHash: `0x${'dd'.repeat(32)}` }))],
    ['events out of the range', (logs: Record<string, unknown>[]) => logs.map((log) => ({ ...log, blockNumber: '0x99' }))],
    ['events that were removed', (logs: Record<string, unknown>[]) => logs.map((log) => ({ ...log, removed: true }))],
    ['events out of order', (logs: Record<string, unknown>[]) => logs.toReversed()],
  ])('gives nothing of a node that answers with %s', async (_, twist) => {
    const { chain, given, clock, follow } = setup()
    const honest = chain.twist
    chain.mine([1], [2], [], [], [])
    chain.twist = twist
    const follower = follow()
    await clock.settle(10_000)
    expect([given, follower.waiting?.code]).toEqual([[], 'E_CHAIN_LIE'])
    chain.twist = honest
    await follower.caughtUp()
    expect(given).toEqual([1, 2])
    await follower.stop()
  })

  it('stands still when the chain has another history than it can take back', async () => {
    const { chain, given, clock, follow } = setup()
    chain.mine(...Array.from({ length: 80 }, () => []))
    const follower = follow()
    await follower.caughtUp()
    chain.reorg(80, ...Array.from({ length: 81 }, (_, i) => [i]))
    await clock.settle(60_000)
    expect([given, follower.waiting?.code]).toEqual([[], 'E_CHAIN_LIE'])
    await follower.stop()
  })

  it('caughtUp() rejects when it stops, and with the reason of its signal', async () => {
    const { chain, follow } = setup()
    chain.down = true
    const follower = follow()
    const stop = new AbortController()
    const [waits, aborted] = [follower.caughtUp(), follower.caughtUp({ signal: stop.signal })]
    waits.catch(() => undefined)
    stop.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await follower.stop()
    await expect(waits).rejects.toMatchObject({ code: 'E_FOLLOWER_STOPPED' })
    await expect(follower.caughtUp()).rejects.toMatchObject({ code: 'E_FOLLOWER_STOPPED' })
  })
})
