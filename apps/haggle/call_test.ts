// A call between two ends in memory: bytes arrive whole and in order, no channel holds more than its window, words overtake.

import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Call, type CallListener, type Wire } from './call.ts'
import { KIND, WINDOW_BYTES } from './frames.ts'

class End extends EventEmitter implements Wire {
  other: End | undefined
  destroyed: Error | undefined
  write(bytes: Uint8Array): void {
    const copy = bytes.slice()
    queueMicrotask(() => this.other?.emit('data', copy))
  }
  end(): void {
    queueMicrotask(() => {
      this.emit('close')
      this.other?.emit('close')
    })
  }
  destroy(error?: Error): void {
    this.destroyed = error
    this.end()
  }
}

function pair(left: Partial<CallListener>, right: Partial<CallListener>): { a: Call; b: Call; wireB: End } {
  const wireA = new End()
  const wireB = new End()
  wireA.other = wireB
  wireB.other = wireA
  const whole = (listener: Partial<CallListener>): CallListener => ({ message: () => undefined, closed: () => undefined, ...listener })
  return { a: new Call(wireA, whole(left)), b: new Call(wireB, whole(right)), wireB }
}

test('Call.write() carries any bytes in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200_000 }), { maxLength: 6 }), async (chunks) => {
      const got: Uint8Array[] = []
      const ended = Promise.withResolvers<void>()
      const { a } = pair({}, { data: async (_, bytes) => void got.push(bytes.slice()), end: () => ended.resolve() })
      for (const chunk of chunks) await a.write(KIND.stdout, chunk)
      a.finish(KIND.stdout)
      await ended.promise
      expect(Buffer.concat(got).equals(Buffer.concat(chunks))).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('Call.write() waits when the reader does not take, and words overtake it', async () => {
  let taken = 0
  const open = Promise.withResolvers<void>()
  const word = Promise.withResolvers<unknown>()
  const { a } = pair(
    {},
    {
      data: async (_, bytes) => {
        await open.promise
        taken += bytes.length
      },
      message: (message) => word.resolve(message['do']),
    },
  )
  let written = false
  const total = WINDOW_BYTES + 1
  const writing = a.write(KIND.stdout, new Uint8Array(total)).then(() => (written = true))
  a.send({ do: 'cancel' })
  expect(await word.promise).toBe('cancel')
  expect(written).toBe(false)
  expect(taken).toBe(0)
  open.resolve()
  await writing
  expect(taken).toBeGreaterThan(0)
})

test('Call.write() of one channel does not wait for another', async () => {
  const stderr = Promise.withResolvers<void>()
  const { a } = pair(
    {},
    { data: (channel) => (channel === KIND.stdout ? new Promise(() => undefined) : (stderr.resolve(), Promise.resolve())) },
  )
  void a.write(KIND.stdout, new Uint8Array(2 * WINDOW_BYTES))
  await a.write(KIND.stderr, new Uint8Array(10))
  await stderr.promise
})

test('Call.write() gives up when the connection is gone', async () => {
  const { a, b } = pair({}, { data: () => new Promise(() => undefined) })
  const writing = a.write(KIND.stdout, new Uint8Array(2 * WINDOW_BYTES))
  b.close()
  await writing
  expect(a.closed).toBe(true)
})

test('Call ends the connection on nonsense', async () => {
  const closed = Promise.withResolvers<void>()
  const { wireB } = pair({}, { closed: () => closed.resolve() })
  wireB.emit('data', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 1))
  await closed.promise
  expect(wireB.destroyed).toBeInstanceOf(RangeError)
})

test('Call.settled() resolves after the listener took what came', async () => {
  let taken = false
  const got = Promise.withResolvers<void>()
  const { a, b } = pair(
    {},
    {
      data: async () => {
        got.resolve()
        await new Promise((later) => setImmediate(later))
        taken = true
      },
    },
  )
  await a.write(KIND.stdout, Uint8Array.of(1))
  await got.promise
  await b.settled()
  expect(taken).toBe(true)
})
