// What the bare nodes say to each other: an echo, and a stream of as many bytes as were asked for.

import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'

export const ECHO = '/bench/echo/1'
export const SOURCE = '/bench/source/1'
const CHUNK = new Uint8Array(64 * 1024)

/** Answers every chunk with itself. */
export async function serveEcho(stream: Stream): Promise<void> {
  for await (const chunk of stream) stream.send(chunk)
  await stream.close()
}

/** Waits for room by the `drain` event: `onDrain()` never resets after its first. */
async function drained(stream: Stream): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.addEventListener('drain', () => resolve(), { once: true })
    stream.addEventListener('close', () => resolve(), { once: true })
  })
}

/** Reads a u32, sends as many bytes, closes. */
export async function serveSource(stream: Stream): Promise<void> {
  let left = 0
  for await (const chunk of stream) {
    const bytes = chunk.subarray()
    left = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    break
  }
  for (; left > 0; left -= CHUNK.length) if (!stream.send(CHUNK.subarray(0, Math.min(left, CHUNK.length)))) await drained(stream)
  await stream.close()
}

/** Dials the echo: a connection, a stream, and one round trip a call. */
export async function dialEcho(node: Libp2p, address: string): Promise<{ roundTrip(): Promise<void>; close(): Promise<void> }> {
  const connection = await node.dial(multiaddr(address))
  const stream = await connection.newStream(ECHO)
  const reader = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array | Uint8ArrayList>
  const message = new Uint8Array(400) // about an ACCEPT with its spec
  return {
    async roundTrip() {
      stream.send(message)
      for (let got = 0; got < message.length;) {
        const { value, done } = await reader.next()
        if (done) throw new Error('the echo ended')
        got += value.byteLength
      }
    },
    close: () => connection.close(),
  }
}

/** Fetches `size` bytes over a fresh stream of a dialled connection; resolves with the milliseconds. */
export async function fetchSource(node: Libp2p, address: string, size: number): Promise<number> {
  const connection = await node.dial(multiaddr(address))
  const started = performance.now()
  const stream = await connection.newStream(SOURCE)
  const ask = new Uint8Array(4)
  new DataView(ask.buffer).setUint32(0, size)
  stream.send(ask)
  let got = 0
  for await (const chunk of stream) got += chunk.byteLength
  if (got !== size) throw new Error(`asked for ${size} bytes, got ${got}`)
  return performance.now() - started
}
