import { describe, expect, it } from 'vitest'
import { virtualClock } from '@haggle/wire/testing'
import { ATTEMPT_MS, chainRpc, pause, type RpcInit } from './rpc.ts'

type Reply = unknown | Response | (() => Response | Promise<Response>)

/** Nodes that answer what `answers` says of (url, method), and what was asked. */
function nodes(answers: (url: string, method: string) => Reply, init: Partial<RpcInit> = {}) {
  const clock = virtualClock()
  const asked: string[] = []
  const send = async (url: string | URL | Request, request?: RequestInit): Promise<Response> => {
    const { method, id } = JSON.parse(String(request?.body)) as { method: string; id: number }
    asked.push(`${String(url)} ${method}`)
    const reply = answers(String(url), method)
    if (typeof reply === 'function') {
      return await Promise.race([
        (reply as () => Promise<Response>)(),
        new Promise<never>((_, reject) => request?.signal?.addEventListener('abort', () => reject(request.signal?.reason))),
      ])
    }
    if (reply instanceof Response) return reply
    return Response.json({
      jsonrpc: '2.0',
      id,
      ...(typeof reply === 'object' && reply !== null && 'error' in reply ? reply : { result: reply }),
    })
  }
  const rpc = chainRpc({ urls: ['http://a', 'http://b'], chainId: 5, clock, fetch: send, ...init })
  /** Lets time pass until `call` has ended. */
  async function ended<T>(call: Promise<T>): Promise<T> {
    let over = false
    const done = call.finally(() => (over = true))
    done.catch(() => undefined)
    for (let i = 0; i < 200 && !over; i++) await clock.settle(1000)
    return await done
  }
  return { rpc, clock, asked, ended }
}

const CHAIN = '0x5'
const hang = (): Promise<Response> => new Promise(() => undefined)

describe('chainRpc', () => {
  it('request() asks a node which chain it is on before it believes it, once', async () => {
    const { rpc, asked } = nodes((_, method) => (method === 'eth_chainId' ? CHAIN : '0x1'))
    expect(await rpc.request('eth_blockNumber', [])).toBe('0x1')
    await rpc.request('eth_blockNumber', [])
    expect(asked).toEqual(['http://a eth_chainId', 'http://a eth_blockNumber', 'http://a eth_blockNumber'])
  })

  it('request() passes over a node of another chain, and throws E_CHAIN_WRONG when there is no other', async () => {
    const { rpc, ended } = nodes((url, method) => (method === 'eth_chainId' ? (url === 'http://a' ? '0x1' : CHAIN) : url))
    expect(await ended(rpc.request('x', []))).toBe('http://b')
    const alone = nodes((_, method) => (method === 'eth_chainId' ? '0x1' : 'y'))
    await expect(alone.ended(alone.rpc.request('x', []))).rejects.toMatchObject({ code: 'E_CHAIN_WRONG' })
    expect(alone.asked).not.toContain('http://a x')
  })

  it('request() goes on to the next node when one hangs, and stays with it', async () => {
    const { rpc, asked, ended } = nodes((url, method) => (url === 'http://a' ? hang : method === 'eth_chainId' ? CHAIN : 'fine'))
    expect(await ended(rpc.request('x', []))).toBe('fine')
    asked.length = 0
    expect(await ended(rpc.request('x', []))).toBe('fine')
    expect(asked).toEqual(['http://b x'])
  })

  it('request() throws E_CHAIN_UNREACHABLE when nobody answers, after bounded time', async () => {
    const { rpc, clock, ended } = nodes(() => hang)
    await expect(ended(rpc.request('x', []))).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
    expect(clock.monotonicMs()).toBeLessThan(6 * ATTEMPT_MS)
    for (const reply of [new Response('<html>', { status: 502 }), new Response('null'), new Response('{}')]) {
      const odd = nodes(() => () => Promise.resolve(reply.clone()))
      await expect(odd.ended(odd.rpc.request('x', []))).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
    }
  })

  it('request() waits as long as a node asks that limits the rate', async () => {
    let left = 1
    const limit = (): Promise<Response> => Promise.resolve(new Response('', { status: 429, headers: { 'retry-after': '7' } }))
    const { rpc, clock } = nodes((_, method) => (method === 'eth_chainId' ? CHAIN : left-- > 0 ? limit : 'fine'), { urls: ['http://a'] })
    let result: unknown
    const call = rpc.request('x', []).then((value) => (result = value))
    await clock.settle(6900)
    expect(result).toBe(undefined)
    await clock.settle(200)
    await call
    expect(result).toBe('fine')
  })

  it('request() takes the error of a node for its answer: E_CHAIN_RPC, in printable text', async () => {
    const { rpc, asked } = nodes((_, method) =>
      method === 'eth_chainId' ? CHAIN : { error: { code: 3, message: 'execution reverted\u001b[2J', data: '0x12' } },
    )
    await expect(rpc.request('x', [])).rejects.toMatchObject({
      code: 'E_CHAIN_RPC',
      rpcCode: 3,
      data: '0x12',
      message: expect.not.stringContaining('\u001b'),
    })
    expect(asked).toHaveLength(2)
  })

  it('request() asks for the chain anew after a node has failed', async () => {
    let chain = CHAIN
    let broken = false
    const { rpc, ended } = nodes((_, method) => (broken ? hang : method === 'eth_chainId' ? chain : 'fine'), {
      urls: ['http://a'],
      attempts: 2,
    })
    await rpc.request('x', [])
    broken = true
    await expect(ended(rpc.request('x', []))).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
    broken = false
    chain = '0x7'
    await expect(ended(rpc.request('x', []))).rejects.toMatchObject({ code: 'E_CHAIN_WRONG' })
  })

  it('request() takes each answer for its own question when several are under way', async () => {
    const { rpc, asked } = nodes((_, method) => (method === 'eth_chainId' ? CHAIN : method))
    expect(await Promise.all(['a', 'b', 'c'].map((method) => rpc.request(method, [])))).toEqual(['a', 'b', 'c'])
    expect(asked.every((one) => one.startsWith('http://a'))).toBe(true)
  })

  it('request() ends with the reason of its signal', async () => {
    const { rpc } = nodes(() => hang)
    const stop = new AbortController()
    const call = rpc.request('x', [], { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })

  it('throws E_CHAIN_SETTING without an address', () => {
    expect(() => nodes(() => null, { urls: [] })).toThrow(expect.objectContaining({ code: 'E_CHAIN_SETTING' }))
  })
})

describe('pause', () => {
  it('ends with time, or with the reason of its signal', async () => {
    const clock = virtualClock()
    const wait = pause(clock, 100)
    clock.advance(100)
    await wait
    const stop = new AbortController()
    const other = pause(clock, 100, stop.signal)
    stop.abort(new Error('enough'))
    await expect(other).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
    await expect(pause(clock, 1, stop.signal)).rejects.toThrow('enough')
  })
})
