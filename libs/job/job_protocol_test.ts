// The two sides of /haggle/job/1 against each other, over a memory network and a memory host.

import { afterEach, beforeEach, expect, it } from 'vitest'
import { listFiles, openFetcher, openStdin, putFiles, readOutput } from './client.ts'
import { type PushedOutput, pushOutput, serveJobs } from './serve.ts'
import type { FileRef } from './spec.ts'
import { bench, type Bench, CONTRACT, ID, octets, serveOne, sha256, textOf } from './_test_network.ts'

let on: Bench
beforeEach(() => {
  on = bench()
})
afterEach(() => on.close())

it('readOutput() gives all output from the offset on when the job writes before and after', async () => {
  const { host } = await serveOne(on, async (job) => {
    job.write('stdout', 'hello ')
    await Promise.resolve()
    job.write('stdout', 'world')
    job.write('stderr', 'oops')
    return 0
  })
  await host.start(ID)
  expect(await textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 0 }))).toBe('hello world')
  expect(await textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 6 }))).toBe('world')
  expect(await textOf(readOutput(on.ref, 'stderr', { ...on.init, offset: 0 }))).toBe('oops')
})

it('every channel answers E_JOB_RIGHT when the reader has none, and the same for a contract that does not exist', async () => {
  await serveOne(on, async () => 0)
  const { ref, init } = on
  const other = { ...init, network: on.stranger }
  await expect(listFiles(ref, other)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
  await expect(openStdin(ref, other)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
  await expect(listFiles({ ...ref, contract: new Uint8Array(32) }, init)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
})

it('putFiles() sends what is missing and openStdin() reaches the job', async () => {
  const content = octets('some input')
  const file: FileRef = { path: 'in.txt', size: content.length, sha256: sha256(content), executable: false }
  const { host, staged } = await serveOne(
    on,
    async (job) => {
      let said = ''
      for await (const chunk of job.stdin) said += Buffer.from(chunk).toString()
      job.write('stdout', `${said} ${Buffer.from(job.folder.get('in.txt') ?? []).toString()}`)
      return 0
    },
    { spec: { files: [file], stdin: true } },
  )
  const progress: number[] = []
  async function* read() {
    yield content.subarray(0, 4)
    yield content.subarray(4)
  }
  await putFiles(on.ref, [file], { ...on.init, read, onProgress: (sent) => progress.push(sent) })
  expect(staged).toEqual([ID])
  expect(progress).toEqual([4, 10])
  await host.start(ID)
  const stdin = await openStdin(on.ref, on.init)
  await stdin.write(octets('said'))
  await stdin.end()
  expect(await textOf(readOutput(on.ref, 'stdout', { ...on.init, offset: 0 }))).toBe('said some input')
})

it('putFiles() fails and stages nothing when the content is not what the spec says', async () => {
  const file: FileRef = { path: 'in.txt', size: 3, sha256: sha256(octets('abc')), executable: false }
  const { staged } = await serveOne(on, async () => 0, { spec: { files: [file] } })
  async function* read() {
    yield octets('xyz')
  }
  await expect(putFiles(on.ref, [file], { ...on.init, read })).rejects.toBeDefined()
  expect(staged).toEqual([])
})

it('openFetcher() fetches listed files one after the other and names a missing one', async () => {
  const { host } = await serveOne(on, async (job) => {
    job.folder.set('out/a', octets('first'))
    job.folder.set('out/b', new Uint8Array(300_000).fill(5))
    job.folder.set('secret', octets('no result'))
    return 0
  })
  await host.start(ID)
  await host.wait(ID)
  expect((await listFiles(on.ref, on.init)).map(({ path }) => path).sort()).toEqual(['out/a', 'out/b'])
  const fetcher = await openFetcher(on.ref, on.init)
  expect(await textOf((await fetcher.fetch('out/a')).content)).toBe('first')
  expect(await textOf((await fetcher.fetch('out/a', 2)).content)).toBe('rst')
  await expect(fetcher.fetch('out/none')).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  await expect(fetcher.fetch('secret')).rejects.toMatchObject({ code: 'E_JOB_PATH' })
  expect((await textOf((await fetcher.fetch('out/b')).content)).length).toBe(300_000)
  await fetcher.close()
})

it('pushOutput() reaches the renter that rents the contract from that key', async () => {
  const { renter, provider } = on
  const seen: PushedOutput[] = []
  const got = Promise.withResolvers<string>()
  await serveJobs({
    network: renter,
    receive: async (pushed) => {
      seen.push(pushed)
      got.resolve(await textOf(pushed.content))
      return true
    },
  })
  async function* content() {
    yield octets('pushed')
  }
  await pushOutput({ peerId: 'renter' }, { contract: CONTRACT, channel: 'stdout', offset: 5, content: content() }, { network: provider })
  expect(await got.promise).toBe('pushed')
  expect(seen[0]).toMatchObject({ channel: 'stdout', offset: 5, remoteKey: new Uint8Array(32).fill(2) })
})
