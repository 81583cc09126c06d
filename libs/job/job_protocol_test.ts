// The two sides of /haggle/job/1 against each other, over a memory network and a memory host.

import { createHash } from 'node:crypto'
import { memoryNetwork } from '@haggle/mesh'
import { systemClock } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import { type JobClientInit, listFiles, openFetcher, openStdin, putFiles, readOutput } from './client.ts'
import type { HostJob } from './host.ts'
import { type MemoryJob, memoryJobHost } from './memory_host.ts'
import { type PushedOutput, pushOutput, serveJobs } from './serve.ts'
import type { FileRef } from './spec.ts'

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const CONTRACT = new Uint8Array(32).fill(7)
const ID = '07'.repeat(32)

function hashing() {
  const hash = createHash('sha256')
  return { update: (chunk: Uint8Array) => void hash.update(chunk), digest: () => new Uint8Array(hash.digest()) }
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function setUp(run: (job: MemoryJob) => Promise<number>, spec: Partial<HostJob['spec']> = {}) {
  const hub = memoryNetwork()
  const renter = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: 'renter' })
  const provider = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: 'provider' })
  const stranger = hub.join({ publicKey: new Uint8Array(32).fill(3), peerId: 'stranger' })
  const host = memoryJobHost({ clock: systemClock(), sha256, run })
  const job: HostJob = {
    id: ID,
    spec: { runner: 'exec', args: ['x'], env: {}, files: [], inline: [], stdin: false, outputs: ['out/**'], ...spec },
    limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 64, outMiB: 8, pids: 8, maxMs: 60_000 },
    devices: [],
    isolation: 'memory',
  }
  await host.prepare(job)
  const staged: string[] = []
  stops.push(() => hub.stop())
  stops.push(
    await serveJobs({
      network: provider,
      provider: {
        host,
        files: host.files,
        hashing,
        onStaged: (id) => staged.push(id),
        authorise: async ({ contract, remoteKey }) => (contract[0] === 7 && remoteKey[0] === 1 ? { id: ID, spec: job.spec } : undefined),
      },
    }),
  )
  const init: JobClientInit = { network: renter, hashing }
  return { host, job, init, renter, provider, stranger, staged, ref: { provider: { peerId: 'provider' }, contract: CONTRACT } }
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}

it('readOutput() gives all output from the offset on when the job writes before and after', async () => {
  const { host, init, ref } = await setUp(async (job) => {
    job.write('stdout', 'hello ')
    await Promise.resolve()
    job.write('stdout', 'world')
    job.write('stderr', 'oops')
    return 0
  })
  await host.start(ID)
  expect(await textOf(readOutput(ref, 'stdout', { ...init, offset: 0 }))).toBe('hello world')
  expect(await textOf(readOutput(ref, 'stdout', { ...init, offset: 6 }))).toBe('world')
  expect(await textOf(readOutput(ref, 'stderr', { ...init, offset: 0 }))).toBe('oops')
})

it('every channel answers E_JOB_RIGHT when the reader has none, and the same for a contract that does not exist', async () => {
  const { init, ref, stranger } = await setUp(async () => 0)
  const other = { ...init, network: stranger }
  await expect(listFiles(ref, other)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
  await expect(openStdin(ref, other)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
  await expect(listFiles({ ...ref, contract: new Uint8Array(32) }, init)).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
})

it('putFiles() sends what is missing and openStdin() reaches the job', async () => {
  const content = octets('some input')
  const file: FileRef = { path: 'in.txt', size: content.length, sha256: sha256(content), executable: false }
  const { host, init, ref, staged } = await setUp(
    async (job) => {
      let said = ''
      for await (const chunk of job.stdin) said += Buffer.from(chunk).toString()
      job.write('stdout', `${said} ${Buffer.from(job.folder.get('in.txt') ?? []).toString()}`)
      return 0
    },
    { files: [file], stdin: true },
  )
  const progress: number[] = []
  async function* read() {
    yield content.subarray(0, 4)
    yield content.subarray(4)
  }
  await putFiles(ref, [file], { ...init, read, onProgress: (sent) => progress.push(sent) })
  expect(staged).toEqual([ID])
  expect(progress).toEqual([4, 10])
  await host.start(ID)
  const stdin = await openStdin(ref, init)
  await stdin.write(octets('said'))
  await stdin.end()
  expect(await textOf(readOutput(ref, 'stdout', { ...init, offset: 0 }))).toBe('said some input')
})

it('putFiles() fails and stages nothing when the content is not what the spec says', async () => {
  const file: FileRef = { path: 'in.txt', size: 3, sha256: sha256(octets('abc')), executable: false }
  const { init, ref, staged } = await setUp(async () => 0, { files: [file] })
  async function* read() {
    yield octets('xyz')
  }
  await expect(putFiles(ref, [file], { ...init, read })).rejects.toBeDefined()
  expect(staged).toEqual([])
})

it('openFetcher() fetches listed files one after the other and names a missing one', async () => {
  const { host, init, ref } = await setUp(async (job) => {
    job.folder.set('out/a', octets('first'))
    job.folder.set('out/b', new Uint8Array(300_000).fill(5))
    job.folder.set('secret', octets('no result'))
    return 0
  })
  await host.start(ID)
  await host.wait(ID)
  expect((await listFiles(ref, init)).map(({ path }) => path).sort()).toEqual(['out/a', 'out/b'])
  const fetcher = await openFetcher(ref, init)
  expect(await textOf((await fetcher.fetch('out/a')).content)).toBe('first')
  expect(await textOf((await fetcher.fetch('out/a', 2)).content)).toBe('rst')
  await expect(fetcher.fetch('out/none')).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  await expect(fetcher.fetch('secret')).rejects.toMatchObject({ code: 'E_JOB_PATH' })
  expect((await textOf((await fetcher.fetch('out/b')).content)).length).toBe(300_000)
  await fetcher.close()
})

it('pushOutput() reaches the renter that rents the contract from that key', async () => {
  const { renter, provider } = await setUp(async () => 0)
  const seen: PushedOutput[] = []
  const got = Promise.withResolvers<string>()
  stops.push(
    await serveJobs({
      network: renter,
      receive: async (pushed) => {
        seen.push(pushed)
        got.resolve(await textOf(pushed.content))
        return true
      },
    }),
  )
  async function* content() {
    yield octets('pushed')
  }
  await pushOutput({ peerId: 'renter' }, { contract: CONTRACT, channel: 'stdout', offset: 5, content: content() }, { network: provider })
  expect(await got.promise).toBe('pushed')
  expect(seen[0]).toMatchObject({ channel: 'stdout', offset: 5, remoteKey: new Uint8Array(32).fill(2) })
})
