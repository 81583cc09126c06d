import { describe, expect, it } from 'vitest'
import { virtualClock } from '@haggle/wire/testing'
import { bigOf, type ChainInit, countOf, hashOf, openChain } from './chain.ts'
import { RpcError } from './rpc.ts'

/** A node's blocks: hashes are made of height and fork. */
function fakeNode(height: number, fork = 0) {
  const hash = (number: number): string => `0x${fork.toString(16).padStart(2, '0')}${number.toString(16).padStart(62, '0')}`
  const node = {
    height,
    blocks: new Map<number, Record<string, unknown> | null>(),
    block(number: number): Record<string, unknown> | null {
      if (number > node.height) return null
      const block = {
        number: `0x${number.toString(16)}`,
        hash: hash(number),
        parentHash: hash(Math.max(0, number - 1)),
        timestamp: `0x${(1000 + number * 12).toString(16)}`,
        baseFeePerGas: '0x7',
      }
      return node.blocks.has(number) ? (node.blocks.get(number) as Record<string, unknown> | null) : block
    },
    rpc: {
      async request(method: string, params: readonly unknown[]): Promise<unknown> {
        if (method !== 'eth_getBlockByNumber') throw new Error(method)
        return node.block(params[0] === 'latest' ? node.height : Number(params[0]))
      },
    },
    open: (init: Partial<ChainInit> = {}) => openChain({ rpc: node.rpc, chainId: 5, ...init }),
  }
  return node
}

const LIE = { code: 'E_CHAIN_LIE' }

describe('openChain', () => {
  it('confirmed() is as far below the head as confirmations say, 12 by default and 1 on a development chain', async () => {
    const node = fakeNode(100)
    expect((await node.open().confirmed()).number).toBe(89)
    expect((await node.open({ confirmations: 3 }).confirmed()).number).toBe(98)
    expect((await node.open({ chainId: 31337 }).confirmed()).number).toBe(100)
    expect((await fakeNode(5).open().confirmed()).number).toBe(0)
  })

  it('head() refuses a block that does not stand on the one before', async () => {
    const node = fakeNode(100)
    node.blocks.set(99, { ...node.block(99), hash: `0x${'ee'.repeat(32)}` })
    await expect(node.open().head()).rejects.toMatchObject(LIE)
  })

  it('head() refuses a height that the node has no block at', async () => {
    const node = fakeNode(100)
    node.blocks.set(100, { ...node.block(100), number: '0x100' })
    await expect(node.open().head()).rejects.toMatchObject(LIE)
  })

  it('head() refuses a node that falls back by more than a reorganisation can', async () => {
    const node = fakeNode(200)
    const chain = node.open()
    await chain.head()
    node.height = 140
    expect((await chain.head()).number).toBe(140)
    node.height = 135
    await expect(chain.head()).rejects.toMatchObject(LIE)
  })

  it('head() refuses a block from the future', async () => {
    const clock = virtualClock(1_000_000)
    await expect(fakeNode(200).open({ clock }).head()).rejects.toMatchObject(LIE)
    expect((await fakeNode(20).open({ clock }).head()).number).toBe(20)
  })

  it('block() refuses another block than was asked for, and gives undefined for none', async () => {
    const node = fakeNode(100)
    node.blocks.set(50, node.block(51))
    await expect(node.open().block(50)).rejects.toMatchObject(LIE)
    expect(await node.open().block(101)).toBe(undefined)
  })

  it('confirmed() refuses a node that lacks the block', async () => {
    const node = fakeNode(100)
    node.blocks.set(89, null)
    await expect(node.open().confirmed()).rejects.toMatchObject(LIE)
  })

  it('throws E_CHAIN_SETTING for confirmations that make no sense', () => {
    for (const confirmations of [0, -1, 1.5, 65])
      expect(() => fakeNode(1).open({ confirmations })).toThrow(expect.objectContaining({ code: 'E_CHAIN_SETTING' }))
  })
})

describe('view()', () => {
  const abi = [{ type: 'function', name: 'answer', stateMutability: 'view', inputs: [], outputs: [{ type: 'uint256' }] }] as const
  const call = { address: `0x${'ab'.repeat(20)}`, abi, functionName: 'answer', args: [] } as const
  /** A node whose first `gone` calls name a block that it does not have any more. */
  function answering(answers: (Error | string)[]) {
    const node = fakeNode(100)
    const asked: unknown[] = []
    const { request } = node.rpc
    node.rpc.request = async (method, params) => {
      if (method !== 'eth_call') return await request(method, params)
      asked.push(params[1])
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer
    }
    return { chain: node.open(), asked }
  }

  it('reads confirmed state by its block’s hash, and asks again when that block was replaced meanwhile', async () => {
    const { chain, asked } = answering([new RpcError(-32000, 'header not found', null), `0x${'2a'.padStart(64, '0')}`])
    expect(await chain.view(call)).toBe(42n)
    const { hash } = await chain.confirmed()
    expect(asked).toEqual([{ blockHash: hash }, { blockHash: hash }])
  })

  it('throws E_CHAIN_RPC at once for a refusal, and E_CHAIN_CONTRACT where there is nothing', async () => {
    const refusing = answering([new RpcError(3, 'execution reverted', '0x')])
    await expect(refusing.chain.view(call)).rejects.toMatchObject({ code: 'E_CHAIN_RPC' })
    expect(refusing.asked).toHaveLength(1)
    await expect(answering(['0x']).chain.view(call)).rejects.toMatchObject({ code: 'E_CHAIN_CONTRACT' })
  })
})

describe('hashOf', () => {
  it('refuses what is no hash, as countOf() and bigOf() do for numbers', () => {
    expect(hashOf(`0x${'AB'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`)
    expect([countOf('0x10'), bigOf('0x10')]).toEqual([16, 16n])
    for (const bad of [null, 5, '0x', '0xzz', `0x${'ab'.repeat(33)}`]) {
      expect(() => hashOf(bad)).toThrow(expect.objectContaining(LIE))
      expect(() => countOf(bad)).toThrow(expect.objectContaining(LIE))
      expect(() => bigOf(bad)).toThrow(expect.objectContaining(LIE))
    }
  })
})
