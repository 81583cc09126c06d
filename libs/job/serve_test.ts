import { encode, writeFrame } from '@haggle/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { listFiles, openFetcher } from './client.ts'
import { FIRST_FRAME_MS, GET, GOT, JOB_PROTOCOL, LISTING, MAX_HEADER_BYTES, MISSING, OPENING } from './protocol.ts'
import type { OpenedFile } from './files.ts'
import type { FileRef } from './spec.ts'
import { bench, type Bench, octets, rawStream, serveOne, sha256, textOf } from './_test_network.ts'

let on: Bench
beforeEach(() => {
  on = bench()
})
afterEach(() => on.close())

const refOf = (path: string, content: string): FileRef => ({
  path,
  size: content.length,
  sha256: sha256(octets(content)),
  executable: false,
})
const forever = (): Promise<number> => new Promise(() => undefined)
async function* once(content: string): AsyncGenerator<Uint8Array, void> {
  yield octets(content)
}

it('serveJobs() drops a stream when its first frame does not come in time', async () => {
  await serveOne(on, forever)
  const silent = rawStream(await on.renter.open({ peerId: 'provider' }, JOB_PROTOCOL))
  const half = rawStream(await on.renter.open({ peerId: 'provider' }, JOB_PROTOCOL))
  await half.stream.send(writeFrame(new Uint8Array(64)).subarray(0, 20))
  await on.clock.settle(FIRST_FRAME_MS - 1)
  const answered = await on.open({ channel: 'list' })
  expect(await answered.hear(OPENING)).toEqual({ error: null })
  await on.clock.settle(1)
  for (const { reader } of [silent, half]) await expect(reader.frame(64)).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
})

it('serveJobs() lets a stream live that has said what it wants', async () => {
  await serveOne(on, forever)
  const get = await on.open({ channel: 'get' })
  await get.hear(OPENING)
  await on.clock.settle(FIRST_FRAME_MS * 10)
  await get.say(GET, { path: 'out/none', offset: 0 })
  expect(await get.hear(GOT)).toEqual({ error: 'E_JOB_FILE', size: 0 })
})

it.each([
  ['no header', encode([1, 2, 3])],
  ['no dialect', Uint8Array.of(0xc1)],
  ['an unknown channel', encode([new Uint8Array(32).fill(7), 'shell', new Uint8Array(0), null])],
])('serveJobs() drops a stream when its first frame is %s', async (_, payload) => {
  await serveOne(on, forever)
  const { stream, reader } = rawStream(await on.renter.open({ peerId: 'provider' }, JOB_PROTOCOL))
  await stream.send(writeFrame(payload))
  await expect(reader.frame(64)).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
})

it('serveJobs() drops a stream when its first frame is too long, without waiting for it', async () => {
  await serveOne(on, forever)
  const { stream, reader } = rawStream(await on.renter.open({ peerId: 'provider' }, JOB_PROTOCOL))
  await stream.send(writeFrame(new Uint8Array(MAX_HEADER_BYTES + 1)).subarray(0, 4))
  await expect(reader.frame(64)).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
})

it('serveJobs() refuses more streams of one peer than six channels of five jobs need', async () => {
  await serveOne(on, forever)
  for (let i = 0; i < 32; i++) await (await on.open({ channel: 'get' })).hear(OPENING)
  const one = await on.renter.open({ peerId: 'provider' }, JOB_PROTOCOL)
  await expect(rawStream(one).reader.frame(64)).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
  // Others are served.
  await expect(listFiles(on.ref, { ...on.init, network: on.stranger })).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
})

it('put ends with the error when a file is not what the spec says', async () => {
  const { staged } = await serveOne(on, forever, { spec: { files: [refOf('a', 'abc'), refOf('b', 'b')] } })
  const put = await on.open({ channel: 'put' })
  await put.hear(OPENING)
  expect(await put.hear(MISSING)).toEqual({
    missing: [
      { file: 0, offset: 0 },
      { file: 1, offset: 0 },
    ],
  })
  await put.stream.send(octets('xyzb'))
  expect(await put.hear(OPENING)).toEqual({ error: 'E_JOB_FILE' })
  expect(await put.reader.frame(64)).toBeNull()
  expect(staged).toEqual([])
})

it('put stages nothing when the renter stops in the middle', async () => {
  const { staged, host } = await serveOne(on, forever, { spec: { files: [refOf('a', 'abc')] } })
  const put = await on.open({ channel: 'put' })
  await put.hear(OPENING)
  await put.hear(MISSING)
  await put.stream.send(octets('ab'))
  await put.stream.closeWrite()
  expect(await put.hear(OPENING)).toEqual({ error: 'E_JOB_CUT' })
  expect(staged).toEqual([])
  expect(await host.files.missing('07'.repeat(32), [refOf('a', 'abc')])).toHaveLength(1)
})

it('put is refused once the job runs, and when it is over', async () => {
  const spec = { files: [refOf('a', 'abc')] }
  const { host, staged } = await serveOne(on, forever, { spec })
  await host.start('07'.repeat(32))
  expect(await (await on.open({ channel: 'put' })).hear(OPENING)).toEqual({ error: 'E_JOB_RIGHT' })
  await host.kill('07'.repeat(32), 'user')
  await host.wait('07'.repeat(32))
  expect(await (await on.open({ channel: 'put' })).hear(OPENING)).toEqual({ error: 'E_JOB_RIGHT' })
  expect(staged).toEqual([])
})

it('list leaves out names that may not travel and counts them; get refuses them', async () => {
  const odd = ['out/\u001b]0;owned\u0007', 'out/a\nb', 'out/\u202egnp.exe', 'out/e\u0301', `out/${'x'.repeat(255)}`]
  const { host } = await serveOne(on, async (job) => {
    for (const path of ['out/good', ...odd]) job.folder.set(path, octets('content'))
    return 0
  })
  await host.start('07'.repeat(32))
  await host.wait('07'.repeat(32))
  let leftOut = 0
  const files = await listFiles(on.ref, { ...on.init, onLeftOut: (count) => (leftOut = count) })
  expect(files.map(({ path }) => path)).toEqual(['out/good'])
  expect(leftOut).toBe(odd.length)
  const fetcher = await openFetcher(on.ref, on.init)
  for (const path of odd) await expect(fetcher.fetch(path)).rejects.toMatchObject({ code: 'E_JOB_PATH' })
})

it('list goes over as many frames as it needs', async () => {
  const { host } = await serveOne(on, async (job) => {
    for (let i = 0; i < 100; i++) job.folder.set(`out/${i}`, octets(String(i)))
    return 0
  })
  await host.start('07'.repeat(32))
  await host.wait('07'.repeat(32))
  const raw = await on.open({ channel: 'list' })
  await raw.hear(OPENING)
  const sizes: number[] = []
  for (let more = true; more;) {
    const part = await raw.hear(LISTING)
    sizes.push(part.files.length)
    more = part.more
  }
  expect(sizes).toEqual([32, 32, 32, 4])
  expect(await listFiles(on.ref, on.init)).toHaveLength(100)
})

it('get refuses an offset beyond the end, and serves the end itself', async () => {
  await serveOne(on, forever, { files: { open: async () => ({ size: 3, content: once('abc'), close: async () => undefined }) } })
  const get = await on.open({ channel: 'get' })
  await get.hear(OPENING)
  await get.say(GET, { path: 'out/a', offset: 4 })
  expect(await get.hear(GOT)).toEqual({ error: 'E_JOB_FILE', size: 0 })
  await get.say(GET, { path: 'out/a', offset: 3 })
  expect(await get.hear(GOT)).toEqual({ error: null, size: 3 })
})

it('get lets go of each file that it opened, read or not', async () => {
  let [opened, closed] = [0, 0]
  const open = async (): Promise<OpenedFile> => {
    opened++
    return { size: 3, content: once('abc'), close: async () => void closed++ }
  }
  await serveOne(on, forever, { files: { open } })
  const get = await on.open({ channel: 'get' })
  await get.hear(OPENING)
  for (let i = 1; i <= 3; i++) {
    await get.say(GET, { path: 'out/a', offset: 4 })
    await get.hear(GOT)
    await expect.poll(() => [opened, closed]).toEqual([i, i])
  }
  const fetcher = await openFetcher(on.ref, on.init)
  expect(await textOf((await fetcher.fetch('out/a')).content)).toBe('abc')
  await expect.poll(() => [opened, closed]).toEqual([4, 4])
  await get.say(GET, { path: 'out/a', offset: 0 })
  get.stream.abort(new Error('the network went'))
  await expect.poll(() => [opened, closed]).toEqual([5, 5])
})

it('get cuts a file that grows while it is sent, and breaks off when it becomes shorter', async () => {
  let content = 'abcdef'
  await serveOne(on, forever, { files: { open: async () => ({ size: 5, content: once(content), close: async () => undefined }) } })
  const fetcher = await openFetcher(on.ref, on.init)
  expect(await textOf((await fetcher.fetch('out/a')).content)).toBe('abcde')
  content = 'abc'
  await expect(fetcher.fetch('out/a').then((file) => textOf(file.content))).rejects.toBeDefined()
})

it('get breaks off when a request is no request', async () => {
  await serveOne(on, forever)
  const get = await on.open({ channel: 'get' })
  await get.hear(OPENING)
  await get.stream.send(writeFrame(encode(['../key', new Uint8Array(0)])))
  await expect(get.reader.frame(64)).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
})

it('stdin stays open when its stream breaks, and closes when it ends', async () => {
  const said: string[] = []
  const closed = Promise.withResolvers<void>()
  const { host } = await serveOne(
    on,
    async (job) => {
      for await (const chunk of job.stdin) said.push(Buffer.from(chunk).toString())
      closed.resolve()
      return 0
    },
    { spec: { stdin: true } },
  )
  await host.start('07'.repeat(32))
  const first = await on.open({ channel: 'stdin' })
  await first.hear(OPENING)
  await first.stream.send(octets('one'))
  await expect.poll(() => said).toEqual(['one'])
  first.stream.abort(new Error('the network went'))
  const second = await on.open({ channel: 'stdin' })
  await second.hear(OPENING)
  await second.stream.send(octets('two'))
  await second.stream.closeWrite()
  await closed.promise
  expect(said).toEqual(['one', 'two'])
})

it('stdout stops reading the job when its reader leaves', async () => {
  let left = false
  const { host } = await serveOne(on, async (job) => {
    job.write('stdout', 'first')
    return forever()
  })
  const output = host.output.bind(host)
  Object.assign(host, {
    async *output(...args: Parameters<typeof output>) {
      try {
        yield* output(...args)
      } finally {
        left = true
      }
    },
  })
  await host.start('07'.repeat(32))
  const out = await on.open({ channel: 'stdout' })
  await out.hear(OPENING)
  out.stream.abort(new Error('enough'))
  await expect.poll(() => left).toBe(true)
})
