import type { ByteStream } from '@haggle/mesh'
import { encode, type Schema, writeFrame } from '@haggle/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { HASHING_MS, listFiles, openFetcher, openStdin, PACE_BYTES, putFiles, readOutput, SILENT_MS } from './client.ts'
import { GOT, JOB_PROTOCOL, LISTING, MISSING, OPENING, OPENING_MS, TRAILER } from './protocol.ts'
import type { FileRef } from './spec.ts'
import { bench, type Bench, octets, type RawStream, rawStream, sha256, textOf } from './_test_network.ts'

let on: Bench
beforeEach(() => {
  on = bench()
})
afterEach(() => on.close())

const NOTHING = new Uint8Array(0)
const refOf = (path: string, content = ''): FileRef => ({ path, size: content.length, sha256: sha256(octets(content)), executable: false })
const anything: Schema<unknown> = { parse: (value) => value, build: () => null }

/** A provider that answers every stream as the test says, after its header. */
async function provide(serve: (raw: RawStream) => Promise<void>): Promise<void> {
  await on.provider.handle(JOB_PROTOCOL, async (stream: ByteStream) => {
    const raw = rawStream(stream)
    await raw.hear(anything)
    await serve(raw)
  })
}
const frame = (raw: RawStream, value: Parameters<typeof encode>[0]): Promise<void> => raw.stream.send(writeFrame(encode(value)))

it('every call fails with E_JOB_SILENT when the provider does not answer', async () => {
  await provide(() => new Promise(() => undefined))
  const calls = [
    listFiles(on.ref, on.init),
    openFetcher(on.ref, on.init),
    openStdin(on.ref, on.init),
    textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 0 })),
    putFiles(on.ref, [], { ...on.init, read: () => [] as unknown as AsyncIterable<Uint8Array> }),
  ].map((call) =>
    call.then(
      () => 'served',
      (error: { code?: string }) => error.code,
    ),
  )
  await on.clock.settle(OPENING_MS)
  expect(await Promise.all(calls)).toEqual(calls.map(() => 'E_JOB_SILENT'))
})

it('every call fails when the provider says what is no code', async () => {
  await provide(async (raw) => frame(raw, ['you owe me']))
  await expect(listFiles(on.ref, on.init)).rejects.toMatchObject({ code: 'E_WIRE_SCHEMA' })
})

it('a call ends when its signal is aborted, also while the provider is silent', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await new Promise(() => undefined)
  })
  const gone = new AbortController()
  const listing = listFiles(on.ref, { ...on.init, signal: gone.signal })
  const reading = textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 0, signal: gone.signal }))
  const failed = [listing, reading].map((call) =>
    call.then(
      () => 'done',
      (error: Error) => error.name,
    ),
  )
  await on.clock.settle()
  gone.abort()
  expect(await Promise.all(failed)).toEqual(['AbortError', 'AbortError'])
})

it('readOutput() throws when the provider breaks off, and gives what came before', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.stream.send(octets('part'))
    throw new Error('crash')
  })
  let text = ''
  const reading = (async () => {
    for await (const chunk of readOutput(on.ref, 'stdout', { ...on.init, offset: 0 })) text += Buffer.from(chunk).toString()
  })()
  await expect(reading).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
  expect(text).toBe('part')
})

it.each([
  ['a path out of the folder', [[['../../.ssh/authorized_keys', NOTHING, new Uint8Array(32), false]], false, 0], 'E_WIRE_SCHEMA'],
  ['an absolute path', [[['/etc/passwd', NOTHING, new Uint8Array(32), false]], false, 0], 'E_WIRE_SCHEMA'],
  [
    'a path twice',
    [
      [
        ['a', NOTHING, new Uint8Array(32), false],
        ['a', NOTHING, new Uint8Array(32), false],
      ],
      false,
      0,
    ],
    'E_JOB_LIST',
  ],
  ['an empty frame that promises more', [[], true, 0], 'E_JOB_LIST'],
])('listFiles() refuses a listing with %s', async (_, listing, code) => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await frame(raw, listing as Parameters<typeof encode>[0])
  })
  await expect(listFiles(on.ref, on.init)).rejects.toMatchObject({ code })
})

it('listFiles() refuses a bidi name that comes as raw bytes', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    const path = octets('a\u202eb')
    const bytes = Uint8Array.of(0x93, 0x91, 0x94, 0xa0 | path.length, ...path, 0xc4, 0, 0xc4, 32, ...new Uint8Array(32), 0xc2, 0xc2, 0)
    await raw.stream.send(writeFrame(bytes))
  })
  await expect(listFiles(on.ref, on.init)).rejects.toMatchObject({ code: 'E_WIRE_TEXT' })
})

it('listFiles() gives up a listing that does not end', async () => {
  let sent = 0
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    for (;;) await raw.say(LISTING, { files: Array.from({ length: 32 }, () => refOf(`f${sent++}`)), more: true, leftOut: 0 })
  })
  await expect(listFiles(on.ref, on.init)).rejects.toMatchObject({ code: 'E_JOB_LIST' })
  expect(sent).toBeLessThan(10_000)
})

it('fetch() throws E_JOB_HASH when the octets are not those that were hashed', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await raw.say(GOT, { error: null, size: 3 })
    await raw.stream.send(octets('abc'))
    await raw.say(TRAILER, { sha256: sha256(octets('abd')) })
  })
  const fetcher = await openFetcher(on.ref, on.init)
  await expect(textOf((await fetcher.fetch('a')).content)).rejects.toMatchObject({ code: 'E_JOB_HASH' })
})

it('fetch() throws E_JOB_CUT when the octets do not all come', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await raw.say(GOT, { error: null, size: 2 ** 40 })
    await raw.stream.send(octets('abc'))
    await raw.stream.close()
  })
  const fetcher = await openFetcher(on.ref, on.init)
  await expect(textOf((await fetcher.fetch('a')).content)).rejects.toMatchObject({ code: 'E_JOB_CUT' })
})

it('fetch() throws E_JOB_FILE when the provider serves an offset beyond the end', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await raw.say(GOT, { error: null, size: 3 })
  })
  const fetcher = await openFetcher(on.ref, on.init)
  await expect(fetcher.fetch('a', 4)).rejects.toMatchObject({ code: 'E_JOB_FILE' })
})

it('fetch() asks for no path that may not travel', async () => {
  await provide((raw) => raw.say(OPENING, { error: null }))
  const fetcher = await openFetcher(on.ref, on.init)
  const failed = fetcher.fetch('a\u001b[2J')
  await expect(failed).rejects.toMatchObject({ code: 'E_JOB_PATH', message: expect.not.stringContaining('\u001b') as string })
})

it.each([
  ['a file that the job does not have', { file: 9, offset: 0 }],
  ['a part beyond the end', { file: 0, offset: 4 }],
])('putFiles() throws E_JOB_FILE when the provider asks for %s', async (_, missing) => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.say(MISSING, { missing: [missing] })
  })
  async function* read(): AsyncGenerator<Uint8Array, void> {
    yield octets('abc')
  }
  await expect(putFiles(on.ref, [refOf('a', 'abc')], { ...on.init, read })).rejects.toMatchObject({ code: 'E_JOB_FILE' })
})

it.each(['ab', 'abcd'])('putFiles() throws E_JOB_CHANGED and sends no octet too many when the file is now "%s"', async (content) => {
  let got = ''
  const ended = Promise.withResolvers<void>()
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.say(MISSING, { missing: [{ file: 0, offset: 0 }] })
    got = await textOf(raw.reader.rest())
    ended.resolve()
  })
  async function* read(): AsyncGenerator<Uint8Array, void> {
    yield octets(content)
  }
  await expect(putFiles(on.ref, [refOf('a', 'abc')], { ...on.init, read })).rejects.toMatchObject({ code: 'E_JOB_CHANGED' })
  await ended.promise
  expect(got.length).toBeLessThanOrEqual(3)
})

it('putFiles() goes on at the offset that the provider has', async () => {
  let got = ''
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.say(MISSING, { missing: [{ file: 0, offset: 2 }] })
    got = await textOf(raw.reader.take(4))
    await raw.say(OPENING, { error: null })
  })
  async function* read(_: FileRef, offset: number): AsyncGenerator<Uint8Array, void> {
    yield octets('abcdef').subarray(offset)
  }
  await putFiles(on.ref, [refOf('a', 'abcdef')], { ...on.init, read })
  expect(got).toBe('cdef')
})

it('putFiles() says why when the provider refuses in the middle', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.say(MISSING, { missing: [{ file: 0, offset: 0 }] })
    await raw.hear({ parse: () => null, build: () => null }).catch(() => undefined)
    await raw.say(OPENING, { error: 'E_STORE_FULL' })
    await raw.stream.close()
  })
  async function* read(): AsyncGenerator<Uint8Array, void> {
    for (let left = 4_000_000; left > 0; left -= 100_000) yield new Uint8Array(100_000)
  }
  const file = { ...refOf('a'), size: 4_000_000 }
  await expect(putFiles(on.ref, [file], { ...on.init, read })).rejects.toMatchObject({ code: 'E_STORE_FULL' })
})

/** How a call ends by and by: looked at while the clock is moved. */
function watched<T>(call: Promise<T>): { how: string } {
  const seen = { how: 'waiting' }
  call.then(
    () => (seen.how = 'served'),
    (error: { code?: string }) => (seen.how = error.code ?? String(error)),
  )
  return seen
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => void on.clock.after(ms, resolve))
const never = (): Promise<void> => new Promise(() => undefined)
async function* nothing(): AsyncGenerator<Uint8Array, void> {}

it('listFiles() waits for a provider that hashes large results, and not for one that says nothing', async () => {
  let serving = 0
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await (serving++ === 0 ? pause(HASHING_MS - 1) : never())
    await raw.say(LISTING, { files: [refOf('a')], more: false, leftOut: 0 })
  })
  const slow = watched(listFiles(on.ref, on.init))
  await on.clock.settle(HASHING_MS - 1)
  await on.clock.settle()
  expect(slow.how).toBe('served')
  const silent = watched(listFiles(on.ref, on.init))
  await on.clock.settle(HASHING_MS - 1)
  expect(silent.how).toBe('waiting')
  await on.clock.settle(1)
  expect(silent.how).toBe('E_JOB_SILENT')
})

it('listFiles() gives up a listing that comes one file a minute', async () => {
  let sent = 0
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    for (;;) {
      await raw.say(LISTING, { files: [refOf(`f${sent++}`)], more: true, leftOut: 0 })
      await pause(59_000)
    }
  })
  const listing = watched(listFiles(on.ref, on.init))
  await on.clock.settle(HASHING_MS)
  expect(listing.how).toBe('E_JOB_SILENT')
  expect(sent).toBeGreaterThan(3)
})

it.each([
  ['does not answer', async () => never()],
  [
    'stops within the content',
    async (raw: RawStream) => (await raw.say(GOT, { error: null, size: 6 }), await raw.stream.send(octets('abc'))),
  ],
  ['does not say the hash', async (raw: RawStream) => (await raw.say(GOT, { error: null, size: 3 }), await raw.stream.send(octets('abc')))],
])('fetch() throws E_JOB_SILENT when the provider %s', async (_, serve) => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await serve(raw)
    await never()
  })
  const fetching = watched(
    (async () => {
      const fetcher = await openFetcher(on.ref, on.init)
      await textOf((await fetcher.fetch('a')).content)
    })(),
  )
  await on.clock.settle(SILENT_MS - 1)
  expect(fetching.how).toBe('waiting')
  await on.clock.settle(1)
  expect(fetching.how).toBe('E_JOB_SILENT')
})

it('fetch() throws E_JOB_SILENT when the content comes an octet at a time', async () => {
  let sent = 0
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await raw.say(GOT, { error: null, size: 1024 ** 2 })
    for (; ; sent++) {
      await raw.stream.send(octets('a'))
      await pause(1_000)
    }
  })
  const fetcher = await openFetcher(on.ref, on.init)
  const fetching = watched(textOf((await fetcher.fetch('a')).content))
  await on.clock.settle(SILENT_MS)
  expect(fetching.how).toBe('E_JOB_SILENT')
  expect(sent).toBeGreaterThan(50)
})

it('fetch() gives a file whole that comes slowly, to a reader that is slower', async () => {
  const content = new Uint8Array(5 * PACE_BYTES).fill(97)
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await raw.hear(anything)
    await raw.say(GOT, { error: null, size: content.length })
    for (let at = 0; at < content.length; at += PACE_BYTES / 2) {
      await pause(SILENT_MS / 2 - 1)
      await raw.stream.send(content.subarray(at, at + PACE_BYTES / 2))
    }
    await pause(SILENT_MS - 1)
    await raw.say(TRAILER, { sha256: sha256(content) })
  })
  let got = 0
  const fetcher = await openFetcher(on.ref, on.init)
  const fetching = watched(
    (async () => {
      for await (const chunk of (await fetcher.fetch('a')).content) {
        got += chunk.length
        if (got === 4 * PACE_BYTES) await pause(10 * SILENT_MS)
      }
    })(),
  )
  await on.clock.settle(30 * SILENT_MS)
  expect([fetching.how, got]).toEqual(['served', content.length])
})

it.each([
  ['what it lacks', async () => never()],
  ['what it took', async (raw: RawStream) => raw.say(MISSING, { missing: [] })],
])('putFiles() throws E_JOB_SILENT when the provider does not say %s', async (_, serve) => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await serve(raw)
    await never()
  })
  const sending = watched(putFiles(on.ref, [refOf('a', 'abc')], { ...on.init, read: nothing }))
  await on.clock.settle(HASHING_MS - 1)
  expect(sending.how).toBe('waiting')
  await on.clock.settle(1)
  expect(sending.how).toBe('E_JOB_SILENT')
})

it('readOutput() waits for a job that says nothing, for as long as it runs', async () => {
  await provide(async (raw) => {
    await raw.say(OPENING, { error: null })
    await pause(3_600_000)
    await raw.stream.send(octets('at last'))
    await raw.stream.close()
  })
  const reading = textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 0 }))
  await on.clock.settle(3_600_000)
  expect(await reading).toBe('at last')
})
