// What a renter takes of a provider that keeps to nothing: the thread is a fact here, every stream is the provider's own.

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  byteReader,
  decodeHeader,
  encodeSpec,
  GOT,
  HASHING_MS,
  JOB_PROTOCOL,
  LISTING,
  MAX_HEADER_BYTES,
  OPENING,
  TRAILER,
} from '@haggle/job'
import { memoryNetwork } from '@haggle/mesh'
import type { Thread } from '@haggle/negotiate'
import { encodeAs, type Schema, writeFrame } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MarketParts } from './parts.ts'
import { RentedJob, type RentedJobInit } from './rented_job.ts'
import { RunningJob } from './running_job.ts'
import { saveFile } from './save_file.ts'
import { memoryMarket } from './testing.ts'

const MIB = 1024 * 1024
const CONTRACT = new Uint8Array(32).fill(7)
const SPEC = encodeSpec({ runner: 'exec', args: ['x'], env: {}, files: [], inline: [], stdin: false, outputs: ['out/**'] })
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const hashing = (): { update(chunk: Uint8Array): void; digest(): Uint8Array } => {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => new Uint8Array(hash.digest()) }
}

/** What the provider says of its results, and sends of them. */
interface Lies {
  readonly listed?: readonly { readonly path: string; readonly size: number }[] | 'nothing'
  /** Size that `get` says, then the content. */
  readonly size?: number
  readonly content?: () => AsyncIterable<Uint8Array>
}

const clock = virtualClock()
let hub = memoryNetwork()
let folder = ''
beforeEach(() => {
  hub = memoryNetwork()
  folder = mkdtempSync(join(tmpdir(), 'haggle-running-'))
})
afterEach(async () => {
  await hub.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function* of(text: string): AsyncGenerator<Uint8Array, void> {
  yield octets(text)
}

/** A job with a disk of 16 MiB and 1 MiB of output, at such a provider. */
async function rent({
  listed = [],
  size = 0,
  content = () => of(''),
}: Lies): Promise<{ job: RunningJob; attempt: RentedJob; sent: () => number; cancelled: () => number }> {
  const network = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: 'renter' })
  const provider = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: 'provider' })
  let sentBytes = 0
  let cancelled = 0
  await provider.handle(JOB_PROTOCOL, async (stream) => {
    const reader = byteReader(stream)
    const say = <T>(schema: Schema<T>, value: T): Promise<void> => stream.send(writeFrame(encodeAs(schema, value)))
    const { channel } = decodeHeader((await reader.frame(MAX_HEADER_BYTES)) ?? new Uint8Array(0))
    await say(OPENING, { error: null })
    if (channel === 'list' && listed === 'nothing') return new Promise(() => undefined)
    if (channel === 'list' && listed !== 'nothing') {
      const files = listed.map((file) => ({ ...file, sha256: new Uint8Array(32), executable: false }))
      return await say(LISTING, { files, more: false, leftOut: 0 })
    }
    while ((await reader.frame(MAX_HEADER_BYTES)) !== null) {
      await say(GOT, { error: null, size })
      const hash = hashing()
      for await (const chunk of content()) {
        sentBytes += chunk.length
        hash.update(chunk)
        await stream.send(chunk)
      }
      await say(TRAILER, { sha256: hash.digest() })
    }
  })
  const limits = { cpuMilli: 1000, memMiB: 64, diskMiB: 16, outMiB: 1, pids: 8 }
  const thread = {
    view: () => ({ contract: CONTRACT, terms: { limits }, phase: 'closing' }),
    note: async (name: string) => (name === 'spec' ? SPEC : undefined),
    command: async ({ do: what }: { do: string }) => void (cancelled += what === 'cancel' ? 1 : 0),
  } as unknown as Thread
  const attempt = new RentedJob(thread, { peerId: 'provider' }, { network, hashing, clock } as unknown as RentedJobInit)
  const parts = { network, hashing, clock, saveFile } as unknown as MarketParts
  return { job: new RunningJob(attempt, { parts, run: null, demandedAtMs: 0 }), attempt, sent: () => sentBytes, cancelled: () => cancelled }
}

it('download() writes the results that are listed, each with the size of the listing', async () => {
  const { job } = await rent({ listed: [{ path: 'out/deep/a', size: 5 }], size: 5, content: () => of('hello') })
  expect(await job.download(folder)).toEqual([join(folder, 'out/deep/a')])
  expect(readFileSync(join(folder, 'out/deep/a'), 'utf8')).toBe('hello')
})

it.each(['.git/hooks/pre-commit', 'package.json', 'outer', 'OUT/a'])(
  'download() writes nothing when the provider lists "%s" beside what the spec asks for',
  async (path) => {
    writeFileSync(join(folder, 'package.json'), 'mine')
    const listed = [
      { path: 'out/a', size: 5 },
      { path, size: 5 },
    ]
    const { job, sent } = await rent({ listed, size: 5, content: () => of('theirs'.slice(1)) })
    await expect(job.download(folder)).rejects.toMatchObject({ code: 'E_JOB_LIST', details: { path } })
    await expect(job.listFiles()).rejects.toMatchObject({ code: 'E_JOB_LIST' })
    expect(readdirSync(folder)).toEqual(['package.json'])
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe('mine')
    expect(sent()).toBe(0)
  },
)

it("download() refuses a listing of more than the job's disk, and takes one that fills it", async () => {
  const full = Array.from({ length: 16 }, (_, i) => ({ path: `out/${i}`, size: MIB }))
  const { job } = await rent({ listed: full })
  expect(await job.listFiles()).toHaveLength(16)
  const over = await rent({ listed: [...full, { path: 'out/one', size: 1 }] })
  await expect(over.job.download(folder)).rejects.toMatchObject({ code: 'E_JOB_LIST', details: { bytes: 16 * MIB + 1, allowed: 16 * MIB } })
})

/** Octets without end: whoever takes them all never comes back. */
async function* endless(): AsyncGenerator<Uint8Array, void> {
  for (let sent = 0; sent < 64 * MIB; sent += MIB) yield new Uint8Array(MIB)
}

it('download() takes no octet of a file that is sent with another size than it was listed with', async () => {
  const { job } = await rent({ listed: [{ path: 'out/a', size: 5 }], size: 2 ** 47, content: endless })
  await expect(job.download(folder)).rejects.toMatchObject({ code: 'E_JOB_FILE', details: { listed: 5, sent: 2 ** 47 } })
  expect(existsSync(join(folder, 'out/a'))).toBe(false)
})

it("readFile() takes no file that is larger than the job's disk", async () => {
  const { job, sent } = await rent({ size: 16 * MIB + 1, content: endless })
  await expect(job.readFile('out/a')).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  expect(sent()).toBeLessThan(16 * MIB)
})

it('download() ends with E_JOB_SILENT when the provider opens the listing and says no more', async () => {
  const { job } = await rent({ listed: 'nothing' })
  const failed = job.download(folder).then(
    () => 'downloaded',
    (error: { code?: string }) => error.code,
  )
  await clock.settle(HASHING_MS)
  expect(await failed).toBe('E_JOB_SILENT')
})

it('stdout throws E_OUTPUT_EXCESS as soon as both channels are longer than the terms allow, and the job is cancelled', async () => {
  const { job, attempt, cancelled } = await rent({})
  const lengths = { stdout: 0, stderr: 0 }
  const read = async (channel: 'stdout' | 'stderr'): Promise<void> => {
    for await (const chunk of job[channel]) lengths[channel] += chunk.length
  }
  const half = new Uint8Array(MIB / 2)
  const reading = read('stdout')
  void read('stderr').catch(() => undefined)
  await attempt.feeds.stderr.push(0, half)
  await attempt.feeds.stdout.push(0, half)
  await clock.settle()
  expect([lengths, cancelled()]).toEqual([{ stdout: MIB / 2, stderr: MIB / 2 }, 0])
  await attempt.feeds.stdout.push(MIB / 2, octets('!'))
  await expect(reading).rejects.toMatchObject({ code: 'E_OUTPUT_EXCESS' })
  expect([lengths.stdout, cancelled()]).toEqual([MIB / 2, 1])
})

it('listFiles() gives the results of an honest provider, also after attach()', async () => {
  await using market = await memoryMarket()
  const provider = await market.join({
    run: async (job) => {
      job.folder.set('out/result', octets('42'))
      job.folder.set('scratch', octets('none of the results'))
      return 0
    },
  })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const job = await renter.run({ command: ['x'] })
  await job.done
  const again = await renter.attach(job.contract)
  for (const one of [job, again]) expect((await one.listFiles()).map(({ path, size }) => [path, size])).toEqual([['out/result', 2]])
})
