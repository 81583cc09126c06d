// What the cases of the network suite have in common: what a handler does, how a stream is read, and how an outcome is compared without a test runner.

import { concatAll, errorCode } from '@haggle/wire'
import type { ByteStream } from './network.ts'

export async function echo(stream: ByteStream): Promise<void> {
  for await (const chunk of stream) await stream.send(chunk)
  await stream.close()
}

export async function first(stream: ByteStream): Promise<Uint8Array> {
  for await (const chunk of stream) return chunk
  throw new Error('the stream ended before a byte came')
}

export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return concatAll(chunks)
}

/** Resolves once `value` has stopped changing for 20 turns of the event loop, a few ms apart. */
export async function quiet(value: () => number): Promise<void> {
  let last = -1
  for (let same = 0; same < 20;) {
    await turn(5)
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
  }
}

/** Tries until it holds; the test runner's own time limit ends what never does. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn(20)
}

function turn(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export async function rejects(run: () => Promise<unknown>, code: string): Promise<void> {
  let got: unknown
  try {
    await run()
  } catch (error) {
    got = error
  }
  if (got === undefined) throw new Error(`expected ${code}, but nothing was thrown`)
  if (errorCode(got) !== code) throw new Error(`expected ${code}, got ${errorCode(got)}: ${String(got)}`, { cause: got })
}

export function same<T>(got: T, wanted: T, what: string): void {
  if (got !== wanted) throw new Error(`${what}: wanted ${String(wanted)}, got ${String(got)}`)
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value)
}

export function hex(value: Uint8Array | undefined): string {
  return [...(value ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
