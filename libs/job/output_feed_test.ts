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
