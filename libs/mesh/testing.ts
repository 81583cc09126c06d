/**
 * The suite that every {@link Network} passes.
 *
 * @module
 */

import { errorCode } from '@haggle/wire'
import { bytes, echo, eventually, first, hex, quiet, readAll, rejects, same, text } from './_case_help.ts'
import type { ByteStream, Network, PeerTarget } from './network.ts'

/** What an implementation gives the suite: fresh nodes that can reach each other, and a way to end them all. */
export interface NetworkHarness {
  /** A started node. Topic `test` must be allowed. A `leaf` is one that no other node connects to by itself. */
  node(options?: { readonly leaf?: boolean }): Promise<Network>
  /** Ends every node. */
  stop(): Promise<void>
}

/** One case of the suite, for any test runner. */
export interface NetworkCase {
  readonly name: string
  run(create: () => Promise<NetworkHarness>): Promise<void>
}

/** Registers the suite: `testNetwork(it, () => harness)` with the `it` of vitest, mocha, node:test or Deno. */
export function testNetwork(it: (name: string, run: () => Promise<void>) => void, create: () => Promise<NetworkHarness>): void {
  for (const test of networkCases()) it(test.name, () => test.run(create))
}

/** The cases of {@link testNetwork} as data. */
export function networkCases(): readonly NetworkCase[] {
  return CASES.map(({ name, run }) => ({
    name,
    run: async (create) => {
      const harness = await create()
      try {
        await run(harness)
      } finally {
        await harness.stop()
      }
    },
  }))
}

const PROTOCOL = '/test/echo/1'

const CASES: readonly { readonly name: string; readonly run: (harness: NetworkHarness) => Promise<void> }[] = [
  {
    name: 'connect() makes both sides know each other and path() says how',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const seen = new Promise<string>((resolve) => b.listen({ connected: resolve }))
      await a.connect(targetOf(b))
      same(await seen, a.peerId, 'the listener is told the PeerId')
      same(a.peers().includes(b.peerId), true, 'a lists b')
      same(b.peers().includes(a.peerId), true, 'b lists a')
      same(a.path(b.peerId) === undefined, false, 'a has a path')
      same(a.path('12D3KooWGRUWwVJZpMeMhKQcQDdCAZCRvuBLmvnBsvxTuVAbW7X1') === undefined, true, 'no path to a stranger')
    },
  },
  {
    name: 'connect() rejects with E_DIAL when nobody answers',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const stranger = '12D3KooWGRUWwVJZpMeMhKQcQDdCAZCRvuBLmvnBsvxTuVAbW7X1'
      await rejects(() => a.connect({ peerId: 'nobody' }), 'E_DIAL')
      await rejects(() => a.connect({ peerId: stranger }), 'E_DIAL')
      await rejects(() => b.open({ peerId: stranger }, PROTOCOL), 'E_DIAL')
    },
  },
  {
    name: 'open() carries bytes both ways in order and proves the keys',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const keys: Uint8Array[] = []
      await b.handle(PROTOCOL, async (stream) => {
        keys.push(stream.remoteKey)
        await echo(stream)
      })
      const stream = await a.open(targetOf(b), PROTOCOL)
      for (let i = 0; i < 50; i++) await stream.send(new Uint8Array(100).fill(i))
      await stream.closeWrite()
      const got = await readAll(stream)
      same(got.length, 5000, 'all bytes came back')
      same(
        got.every((byte, i) => byte === Math.floor(i / 100)),
        true,
        'in order',
      )
      same(hex(keys[0]), hex(a.publicKey), "the handler sees the opener's key")
      same(hex(stream.remoteKey), hex(b.publicKey), "the opener sees the handler's key")
      same(stream.remotePeerId, b.peerId, 'and its PeerId')
      await stream.close()
    },
  },
  {
    name: 'a handler that answers and closes at once is heard whole, also by one who says nothing',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const answer = new Uint8Array(2_000).fill(5)
      await b.handle(PROTOCOL, async (stream) => {
        await stream.send(answer)
        await stream.close()
      })
      for (let i = 0; i < 20; i++) {
        const stream = await a.open(targetOf(b), PROTOCOL)
        if (i % 2 === 0) await stream.closeWrite()
        same((await readAll(stream)).length, answer.length, `answer ${i} is whole`)
        await stream.close()
        await stream.closed
      }
    },
  },
  {
    name: 'open() with optimistic carries bytes both ways, for callers who write, read or end first',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await b.handle(PROTOCOL, echo)
      await b.handle('/test/greet/1', async (stream) => {
        await stream.send(bytes('hello'))
        await stream.close()
      })
      const optimistic = { optimistic: true }
      for (let i = 0; i < 5; i++) {
        const writer = await a.open(targetOf(b), PROTOCOL, optimistic)
        await writer.send(bytes('one '))
        await writer.send(new Uint8Array(300_000))
        await writer.closeWrite()
        same((await readAll(writer)).length, 300_004, 'the writer gets its bytes back')
        const reader = await a.open(targetOf(b), '/test/greet/1', optimistic)
        same(text(await readAll(reader)), 'hello', 'the reader is greeted')
        const ender = await a.open(targetOf(b), '/test/greet/1', optimistic)
        await ender.closeWrite()
        same(text(await readAll(ender)), 'hello', 'so is one who ends first')
        for (const stream of [writer, reader, ender]) await stream.close()
      }
    },
  },
  {
    name: 'open() with optimistic fails with E_PROTOCOL_UNSUPPORTED at the first read at the latest',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await rejects(async () => readAll(await a.open(targetOf(b), '/test/none/1', { optimistic: true })), 'E_PROTOCOL_UNSUPPORTED')
    },
  },
  {
    name: 'open() rejects with E_PROTOCOL_UNSUPPORTED when nobody handles it',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await rejects(() => a.open(targetOf(b), '/test/none/1'), 'E_PROTOCOL_UNSUPPORTED')
      const off = await b.handle(PROTOCOL, echo)
      await rejects(() => b.handle(PROTOCOL, echo), 'E_PROTOCOL_TAKEN')
      await (await a.open(targetOf(b), PROTOCOL)).close()
      await off()
      await rejects(() => a.open(targetOf(b), PROTOCOL), 'E_PROTOCOL_UNSUPPORTED')
    },
  },
  {
    name: 'send() waits while the reader does not read, and goes on when it does',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const TOTAL = 24 * 1024 * 1024
      const CHUNK = new Uint8Array(64 * 1024)
      const accepted = Promise.withResolvers<ByteStream>()
      await b.handle(PROTOCOL, async (stream) => {
        accepted.resolve(stream)
        await stream.closed
      })
      const stream = await a.open(targetOf(b), PROTOCOL)
      let sent = 0
      const writing = (async () => {
        for (; sent < TOTAL; sent += CHUNK.byteLength) await stream.send(CHUNK)
        await stream.closeWrite()
      })()
      const reader = await accepted.promise
      await quiet(() => sent)
      same(sent < TOTAL, true, `the writer stopped (${sent} bytes)`)
      let read = 0
      for await (const chunk of reader) read += chunk.byteLength
      await writing
      same(read, TOTAL, 'everything arrived')
      await Promise.all([reader.close(), stream.close()])
    },
  },
  {
    name: 'a chunk may be written to again when send() has resolved, also while the stream is full',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const CHUNKS = 48
      const chunk = new Uint8Array(512 * 1024)
      const accepted = Promise.withResolvers<ByteStream>()
      await b.handle(PROTOCOL, async (stream) => {
        accepted.resolve(stream)
        await stream.closed
      })
      const stream = await a.open(targetOf(b), PROTOCOL)
      let sent = 0
      const writing = (async () => {
        for (; sent < CHUNKS; sent++) {
          chunk.fill(sent)
          await stream.send(chunk)
        }
        chunk.fill(0xff)
        await stream.closeWrite()
      })()
      const reader = await accepted.promise
      await quiet(() => sent)
      same(sent < CHUNKS, true, `the writer stopped (${sent} chunks)`)
      let read = 0
      for await (const part of reader)
        for (const octet of part) if (octet !== Math.floor(read++ / chunk.length)) throw new Error(`octet ${read} is ${octet}`)
      await writing
      same(read, CHUNKS * chunk.length, 'everything arrived')
      await Promise.all([reader.close(), stream.close()])
    },
  },
  {
    name: 'a reader may leave the loop and another goes on where it stopped',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await b.handle(PROTOCOL, echo)
      const stream = await a.open(targetOf(b), PROTOCOL)
      await stream.send(new Uint8Array([1]))
      for await (const chunk of stream) {
        same(chunk[0], 1, 'the first byte')
        break
      }
      await stream.send(new Uint8Array([2]))
      await stream.closeWrite()
      same([...(await readAll(stream))].join(), '2', 'the second byte')
      await stream.close()
    },
  },
  {
    name: 'abort() is an error on the other side, and send() rejects with E_STREAM_CLOSED afterwards',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const failed = Promise.withResolvers<unknown>()
      await b.handle(PROTOCOL, async (stream) => {
        await readAll(stream).then(() => failed.resolve(undefined), failed.resolve)
        await stream.closed
        await rejects(() => stream.send(new Uint8Array(1)), 'E_STREAM_CLOSED').then(() => undefined, failed.resolve)
      })
      const stream = await a.open(targetOf(b), PROTOCOL)
      await stream.send(new Uint8Array(1))
      stream.abort(new Error('enough'))
      await stream.closed
      same(errorCode(await failed.promise), 'E_STREAM_RESET', 'the reader is told')
      await rejects(() => stream.send(new Uint8Array(1)), 'E_STREAM_CLOSED')
      await stream.close()
    },
  },
  {
    name: 'a handler that rejects aborts its stream',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await b.handle(PROTOCOL, () => Promise.reject(new Error('no')))
      const stream = await a.open(targetOf(b), PROTOCOL)
      await rejects(() => readAll(stream), 'E_STREAM_RESET')
      await stream.closed
    },
  },
  {
    name: 'handle() refuses more streams than maxInboundStreams from one peer',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await b.handle(PROTOCOL, echo, { maxInboundStreams: 2 })
      const open = [await a.open(targetOf(b), PROTOCOL), await a.open(targetOf(b), PROTOCOL)]
      for (const stream of open) {
        await stream.send(new Uint8Array([7]))
        same((await first(stream))[0], 7, 'the first two work')
      }
      let refused = false
      try {
        refused = (await readAll(await a.open(targetOf(b), PROTOCOL))).length === 0
      } catch {
        refused = true
      }
      same(refused, true, 'the third is dropped')
      for (const stream of open) await stream.close()
    },
  },
  {
    name: 'disconnect() ends the streams and tells the listeners of both sides',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      await b.handle(PROTOCOL, (stream) => readAll(stream).then(() => undefined))
      const stream = await a.open(targetOf(b), PROTOCOL)
      await stream.send(new Uint8Array(1))
      const told = Promise.all([a, b].map((n) => new Promise<string>((resolve) => n.listen({ disconnected: resolve }))))
      await a.disconnect(b.peerId)
      await stream.closed
      same((await told).join(), [b.peerId, a.peerId].join(), 'both are told')
      same(a.path(b.peerId) === undefined, true, 'no path is left')
    },
  },
  {
    name: 'connect() and open() reject with the reason of an aborted signal',
    run: async ({ node }) => {
      const [a, b] = [await node(), await node()]
      const signal = AbortSignal.abort(new Error('changed my mind'))
      await rejects(() => a.connect(targetOf(b), { signal }), 'E_UNKNOWN')
      await rejects(() => a.open(targetOf(b), PROTOCOL, { signal }), 'E_UNKNOWN')
    },
  },
  {
    name: 'publish() reaches subscribers over two hops once each, and only what validators accept is passed on',
    run: async ({ node }) => {
      const [a, b, c] = [await node({ leaf: true }), await node(), await node({ leaf: true })]
      const heard = { b: [] as string[], c: [] as string[] }
      const arrived = Promise.withResolvers<void>()
      await a.subscribe('test', () => 'accept')
      await b.subscribe('test', ({ data }) => {
        heard.b.push(text(data))
        return text(data).startsWith('bad') ? 'ignore' : 'accept'
      })
      await c.subscribe('test', ({ data }) => {
        heard.c.push(text(data))
        if (text(data) === 'last') arrived.resolve()
        return 'accept'
      })
      await a.connect(targetOf(b))
      await c.connect(targetOf(b))
      let probe = 0
      await eventually(async () => (await a.publish('test', bytes(`probe ${probe++}`))) > 0 && heard.c.length > 0)
      await a.publish('test', bytes('good'))
      await a.publish('test', bytes('good'))
      await a.publish('test', bytes('bad'))
      await a.publish('test', bytes('last'))
      await arrived.promise
      same(heard.b.filter((m) => m === 'good').length, 1, 'b hears a message once')
      same(heard.c.filter((m) => m === 'good').length, 1, 'c hears it through b')
      same(heard.b.includes('bad'), true, 'b saw the bad one')
      same(heard.c.includes('bad'), false, 'and did not pass it on')
      same(a.peers().includes(c.peerId), false, 'there were two hops')
    },
  },
  {
    name: 'provide() is found by findProviders() from another node',
    run: async ({ node }) => {
      const [a, b, c] = [await node(), await node(), await node()]
      const key = new Uint8Array(32).fill(9)
      await a.connect(targetOf(b))
      await c.connect(targetOf(b))
      await eventually(async () => {
        await a.provide(key)
        for await (const found of c.findProviders(key)) if (found.peerId === a.peerId) return true
        return false
      })
      let strangers = 0
      for await (const _ of c.findProviders(new Uint8Array(32).fill(3))) strangers += 1
      same(strangers, 0, 'nobody serves another key')
    },
  },
]

/** How to reach a node of the suite. */
export function targetOf(network: Network): PeerTarget {
  return { peerId: network.peerId, addresses: network.addresses() }
}
