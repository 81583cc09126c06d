import fc from 'fast-check'
import { expect, it } from 'vitest'
import { outputFeed } from './output_feed.ts'

const text = (chunk: Uint8Array): string => new TextDecoder().decode(chunk)
const octets = (value: string): Uint8Array => new TextEncoder().encode(value)

async function collect(content: AsyncIterable<Uint8Array>): Promise<string> {
  let all = ''
  for await (const chunk of content) all += text(chunk)
  return all
}

it('outputFeed() joins overlapping pieces when they repeat what is there', async () => {
  const feed = outputFeed()
  await feed.push(0, octets('hel'))
  await feed.push(1, octets('ello'))
  await feed.push(0, octets('he'))
  feed.end(5)
  expect(await collect(feed.content)).toBe('hello')
  expect(feed.complete).toBe(true)
})

it('outputFeed() refuses a gap when octets are missing', async () => {
  const feed = outputFeed()
  await expect(feed.push(3, octets('x'))).rejects.toMatchObject({ code: 'E_JOB_GAP' })
})

it('outputFeed() ends at once when the channel is empty', async () => {
  const feed = outputFeed()
  const read = collect(feed.content)
  feed.end(0)
  expect(await read).toBe('')
})

it('outputFeed() makes the writer wait when nobody reads', async () => {
  const feed = outputFeed()
  await feed.push(0, new Uint8Array(1024 * 1024))
  let taken = false
  const waiting = feed.push(1024 * 1024, new Uint8Array(1)).then(() => (taken = true))
  await Promise.resolve()
  expect(taken).toBe(false)
  feed.end(1024 * 1024 + 1)
  for await (const _ of feed.content);
  await waiting
  expect(taken).toBe(true)
})

it('outputFeed() gives what has come before it throws when it fails', async () => {
  const feed = outputFeed()
  await feed.push(0, octets('part'))
  feed.fail(new Error('gone'))
  const seen: string[] = []
  await expect(
    (async () => {
      for await (const chunk of feed.content) seen.push(text(chunk))
    })(),
  ).rejects.toThrow('gone')
  expect(seen).toEqual(['part'])
})

it('outputFeed() lets every writer go on when there is room again', async () => {
  const feed = outputFeed()
  await feed.push(0, new Uint8Array(1024 * 1024))
  const waiting = [feed.push(1024 * 1024, new Uint8Array(1)), feed.push(1024 * 1024 + 1, new Uint8Array(1))]
  feed.end(1024 * 1024 + 2)
  for await (const _ of feed.content);
  await Promise.all(waiting)
})

it('outputFeed() holds nothing and nobody up when its reader has left', async () => {
  const feed = outputFeed()
  await feed.push(0, new Uint8Array(1024 * 1024))
  const waiting = feed.push(1024 * 1024, new Uint8Array(1))
  for await (const _ of feed.content) break
  await waiting
  for (let at = feed.nextOffset, i = 0; i < 8; i++, at += 1024 * 1024) await feed.push(at, new Uint8Array(1024 * 1024))
})

it('outputFeed() ends where the last end says', async () => {
  const feed = outputFeed()
  await feed.push(0, octets('abc'))
  feed.end(100)
  const read = collect(feed.content)
  feed.end(3)
  expect(await read).toBe('abc')
})

it('outputFeed() gives every octet once, however the pieces overlap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('a', 'b', 'c') }),
      fc.array(fc.tuple(fc.nat(39), fc.nat(10)), { maxLength: 40 }),
      async (whole, pieces) => {
        const feed = outputFeed()
        const bytes = octets(whole)
        for (const [from, length] of [...pieces, [0, bytes.length] as const]) {
          const pushed = feed.push(from, bytes.subarray(from, from + length))
          if (from <= feed.nextOffset) await pushed
          else await expect(pushed).rejects.toMatchObject({ code: 'E_JOB_GAP' })
        }
        feed.end(bytes.length)
        expect(await collect(feed.content)).toBe(whole)
      },
    ),
  )
})
