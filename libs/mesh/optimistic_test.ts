// Negotiation without waiting: agreement and refusal are told apart however the bytes are cut, and a stream costs one round trip instead of two.

import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { concat, utf8 } from '@haggle/wire'
import { OptimisticNegotiation } from './_optimistic.ts'
import { testNodes } from './_test_nodes.ts'

const AGREED = concat(Uint8Array.of(19), utf8('/multistream/1.0.0\n'), Uint8Array.of(8), utf8('/echo/1\n'))
const REFUSED = concat(Uint8Array.of(19), utf8('/multistream/1.0.0\n'), Uint8Array.of(3), utf8('na\n'))

/** Feeds `bytes` cut at `cuts`; what is left for the reader. */
function feed(negotiation: OptimisticNegotiation, bytes: Uint8Array, cuts: readonly number[]): Uint8Array {
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
  const parts = [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
  return concat(...parts.map((part) => negotiation.take(part)))
}

describe('OptimisticNegotiation', () => {
  it('passes on exactly what follows an agreement, however it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(), { maxLength: 10 }), (rest, cuts) => {
        const negotiation = new OptimisticNegotiation('/echo/1')
        expect(feed(negotiation, concat(AGREED, rest), cuts)).toEqual(rest)
        expect(negotiation.state).toBe('agreed')
      }),
    )
  })

  it('sees a refusal and anything else that is no agreement, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(REFUSED, utf8('HTTP/1.1 400 Bad Request\r\n'), new Uint8Array(40)),
        fc.array(fc.nat(), { maxLength: 10 }),
        (bytes, cuts) => {
          const negotiation = new OptimisticNegotiation('/echo/1')
          expect(feed(negotiation, bytes, cuts)).toHaveLength(0)
          expect(negotiation.state).toBe('refused')
        },
      ),
    )
  })

  it('asks once', () => {
    const negotiation = new OptimisticNegotiation('/echo/1')
    expect(negotiation.takeRequest()).toEqual(AGREED)
    expect(negotiation.takeRequest()).toBeUndefined()
    expect(negotiation.state).toBe('waiting')
  })

  it('writes long protocol names as multistream-select does', () => {
    const name = `/${'x'.repeat(200)}`
    expect([...(new OptimisticNegotiation(name).takeRequest() ?? new Uint8Array(0)).subarray(20, 22)]).toEqual([
      0x80 | (202 & 0x7f),
      202 >> 7,
    ])
  })
})

describe('open() with optimistic over libp2p', { timeout: 60_000 }, () => {
  const nodes = testNodes()
  afterEach(() => nodes.stop())

  it('costs one round trip to the first answer instead of two', async () => {
    const [a, b] = [await nodes.node({ preset: 'client', relays: [] }), await nodes.node()]
    await b.network.handle('/echo/1', async (stream) => {
      for await (const chunk of stream) await stream.send(chunk)
      await stream.close()
    })
    const proxy = await delayingProxy(Number(/tcp\/(\d+)/.exec(b.network.addresses()[0] ?? '')?.[1]))
    const target = { peerId: b.network.peerId, addresses: [`/ip4/127.0.0.1/tcp/${proxy.port}`] }
    await a.network.connect(target)
    const firstAnswer = async (optimistic: boolean): Promise<number> => {
      const begun = performance.now()
      const stream = await a.network.open(target, '/echo/1', { optimistic })
      await stream.send(new Uint8Array(1))
      for await (const _ of stream) break
      const took = performance.now() - begun
      await stream.close()
      return took
    }
    const [plains, fasts]: [number[], number[]] = [[], []]
    for (let i = 0; i < 4; i++) {
      plains.push(await firstAnswer(false))
      fasts.push(await firstAnswer(true))
    }
    const [plain, fast] = [Math.min(...plains), Math.min(...fasts)]
    expect(plain).toBeGreaterThan(4 * ONE_WAY_MS)
    expect(fast).toBeGreaterThan(2 * ONE_WAY_MS)
    expect(plain - fast).toBeGreaterThan(ONE_WAY_MS)
    proxy.close()
  })
})

const ONE_WAY_MS = 50

/** A TCP proxy on loopback that delivers everything 50 ms later. */
async function delayingProxy(to: number): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => setTimeout(() => into.write(data), ONE_WAY_MS))
      from.on('close', () => into.destroy())
      from.on('error', () => into.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
