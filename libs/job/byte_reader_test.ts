import { concat, utf8, writeFrame } from '@haggle/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { byteReader } from './byte_reader.ts'

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array, void> {
  let at = 0
  for (const size of sizes) {
    yield bytes.subarray(at, at + size)
    at += size
  }
  yield bytes.subarray(at)
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return concat(...parts)
}

it('byteReader() gives frames, counted octets and the rest, however the chunks are cut', async () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(bytes, bytes, bytes, bytes, fc.array(fc.nat(9), { maxLength: 60 }), async (first, counted, second, rest, sizes) => {
      const reader = byteReader(chunksOf(concat(writeFrame(first), counted, writeFrame(second), rest), sizes))
      expect(await reader.frame(64)).toEqual(first)
      expect(await all(reader.take(counted.length))).toEqual(counted)
      expect(await reader.frame(64)).toEqual(second)
      expect(await all(reader.rest())).toEqual(rest)
    }),
  )
})

it('frame() is null when the stream ends between frames, and throws E_JOB_FRAME when it ends inside one', async () => {
  const whole = writeFrame(utf8('abc'))
  for (let length = 0; length < whole.length; length++) {
    const reader = byteReader(chunksOf(whole.subarray(0, length), []))
    if (length === 0) expect(await reader.frame(64)).toBeNull()
    else await expect(reader.frame(64)).rejects.toMatchObject({ code: 'E_JOB_FRAME' })
  }
})

it('frame() throws E_JOB_FRAME when the length is above the limit, before the payload is read', async () => {
  let read = 0
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    yield Uint8Array.of(0, 1, 0, 0)
    for (;;) {
      read++
      yield new Uint8Array(1024)
    }
  }
  await expect(byteReader(endless()).frame(65_535)).rejects.toMatchObject({ code: 'E_JOB_FRAME' })
  expect(read).toBe(0)
})

it('take() throws E_JOB_CUT when the stream ends before', async () => {
  await expect(all(byteReader(chunksOf(utf8('abc'), [])).take(4))).rejects.toMatchObject({ code: 'E_JOB_CUT' })
})

it('frame() gives its own copy: the chunks may be used again', async () => {
  const chunk = writeFrame(utf8('abc'))
  const frame = await byteReader(chunksOf(chunk, [])).frame(64)
  chunk.fill(0)
  expect(frame).toEqual(utf8('abc'))
})

it('frame() costs no more than its length when it comes in single octets', async () => {
  const bytes = writeFrame(new Uint8Array(60_000), 60_000)
  const before = process.threadCpuUsage()
  await byteReader(chunksOf(bytes, new Array<number>(bytes.length).fill(1))).frame(60_000)
  // Copying what is held at each octet would be 1.8 GB, a second or more. The processor's time, not the clock's: others may be at work.
  expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(500)
})
