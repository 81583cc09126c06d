// Three nodes in memory and one job: what the tests of both sides of the protocol stand on.

import { createHash } from 'node:crypto'
import { type ByteStream, memoryNetwork, type MemoryNode } from '@haggle/mesh'
import { decodeAs, encodeAs, type Schema, systemClock, writeFrame } from '@haggle/wire'
import { virtualClock, type VirtualClock } from '@haggle/wire/testing'
import { byteReader, type ByteReader } from './byte_reader.ts'
import type { JobClientInit, JobRef } from './client.ts'
import type { JobFiles } from './files.ts'
import type { HostJob } from './host.ts'
import { type MemoryJob, type MemoryJobHost, memoryJobHost } from './memory_host.ts'
import { type ChannelHeader, encodeHeader, JOB_PROTOCOL } from './protocol.ts'
import { serveJobs } from './serve.ts'

export const CONTRACT: Uint8Array = new Uint8Array(32).fill(7)
export const ID: string = '07'.repeat(32)
export const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
export const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())

export function hashing(): { update(chunk: Uint8Array): void; digest(): Uint8Array } {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => new Uint8Array(hash.digest()) }
}

export async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}

/** A stream whose frames a test writes and reads by hand. */
export interface RawStream {
  readonly stream: ByteStream
  readonly reader: ByteReader
  say<T>(schema: Schema<T>, value: T): Promise<void>
  hear<T>(schema: Schema<T>): Promise<T>
}

export function rawStream(stream: ByteStream): RawStream {
  const reader = byteReader(stream)
  return {
    stream,
    reader,
    say: (schema, value) => stream.send(writeFrame(encodeAs(schema, value))),
    async hear(schema) {
      const frame = await reader.frame(64 * 1024)
      if (frame === null) throw new Error('the stream ended')
      return decodeAs(schema, frame)
    },
  }
}

export interface Bench {
  readonly renter: MemoryNode
  readonly provider: MemoryNode
  readonly stranger: MemoryNode
  readonly clock: VirtualClock
  readonly ref: JobRef
  readonly init: JobClientInit
  /** Opens a stream to the provider and sends a header with these parts. */
  open(header: Partial<ChannelHeader>): Promise<RawStream>
  close(): Promise<void>
}

/** The nodes, with nobody serving yet. */
export function bench(): Bench {
  const hub = memoryNetwork()
  const [renter, provider, stranger] = ['renter', 'provider', 'stranger'].map((peerId, i) =>
    hub.join({ publicKey: new Uint8Array(32).fill(i + 1), peerId }),
  ) as [MemoryNode, MemoryNode, MemoryNode]
  const clock = virtualClock()
  return {
    renter,
    provider,
    stranger,
    clock,
    ref: { provider: { peerId: 'provider' }, contract: CONTRACT },
    init: { network: renter, hashing, clock },
    async open(header) {
      const stream = await renter.open({ peerId: 'provider' }, JOB_PROTOCOL)
      await stream.send(writeFrame(encodeHeader({ contract: CONTRACT, channel: 'list', offset: 0, capability: null, ...header })))
      return rawStream(stream)
    },
    close: () => hub.stop(),
  }
}

/** A provider on the bench that serves one job. */
export async function serveOne(
  on: Bench,
  run: (job: MemoryJob) => Promise<number>,
  options: { readonly spec?: Partial<HostJob['spec']>; readonly files?: Partial<JobFiles> } = {},
): Promise<{ host: MemoryJobHost; job: HostJob; staged: string[] }> {
  const host = memoryJobHost({ clock: systemClock(), sha256, run })
  const job: HostJob = {
    id: ID,
    spec: { runner: 'exec', args: ['x'], env: {}, files: [], inline: [], stdin: false, outputs: ['out/**'], ...options.spec },
    limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 64, outMiB: 8, pids: 8, maxMs: 60_000 },
    devices: [],
    isolation: 'memory',
  }
  await host.prepare(job)
  const staged: string[] = []
  await serveJobs({
    network: on.provider,
    clock: on.clock,
    provider: {
      host,
      files: { ...host.files, ...options.files },
      hashing,
      onStaged: (id) => staged.push(id),
      authorise: async ({ contract, remoteKey }) =>
        contract[0] === 7 && remoteKey[0] === 1 ? { id: ID, spec: job.spec, mostBytes: 2 ** 20 } : undefined,
    },
  })
  return { host, job, staged }
}
