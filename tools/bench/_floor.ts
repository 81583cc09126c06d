// The parts of a first output that nobody can save: a round trip, two signatures, two verifications, two synced writes, a sandbox's start.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import type { HostJob } from '@haggle/job'
import { startLauncher } from '@haggle/runners'
import { openLevelStore } from '@haggle/store/level'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { dialEcho } from './_bare_streams.ts'

/** Milliseconds of one thing, once. */
export type Once = () => Promise<number>

/** Times one call. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** The launcher makes the next sandbox ready after a job: both sides of a row get the time for it. */
const READY_AGAIN_MS = 150

/** Waits until a host is as ready as one that was not busy. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, READY_AGAIN_MS))
}

/** The floors of a first output, each measurable alone. */
export interface Floors extends AsyncDisposable {
  /** A round trip on a stream that is open. */
  readonly roundTrip: Once
  /** Connection, stream and first round trip. */
  readonly dial: Once
  /** Two signatures, two verifications, two synced writes. */
  readonly bookkeeping: Once
  /** From the host's `prepare` to the first byte of output, no market around it. */
  readonly sandbox: (runner: 'exec' | 'deno') => Promise<number>
}

/** The module that the deno rows run. */
export const HELLO_PATH = join(import.meta.dirname, '_hello_job.ts')
const HELLO_MODULE = new Uint8Array(readFileSync(HELLO_PATH))

/** Prepares the floors; `echo` is the address of a bare node that serves the echo. */
export async function createFloors(folder: string, echo: string): Promise<Floors> {
  const launcher = await startLauncher({ home: join(folder, 'floor'), deno: join(import.meta.dirname, '../../node_modules/.bin/deno') })
  const isolations = new Map((await launcher.runners()).map(({ runner, isolation }) => [runner, isolation]))
  const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
  const open = await dialEcho(node, echo)
  const suite = nodeSuite()
  const [a, b] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte), nodeEd25519()))
  const store = await openLevelStore(join(folder, 'floor-store'))
  const message = new Uint8Array(400).fill(9)
  let count = 0
  return {
    roundTrip: () => timed(() => open.roundTrip()),
    async dial() {
      const fresh = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
      const ms = await timed(async () => (await dialEcho(fresh, echo)).roundTrip())
      await fresh.stop()
      return ms
    },
    bookkeeping: () =>
      timed(async () => {
        for (const one of [a, b]) {
          if (!one) throw new Error('no identity')
          const signature = one.signer.sign(message)
          if (!suite.verify(signature, message, one.publicKey)) throw new Error('signature does not verify')
          await store.write([{ key: `k${count++}`, value: message }])
        }
      }),
    async sandbox(runner) {
      await pause()
      const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')
      const sha256 = suite.sha256(HELLO_MODULE)
      const files = runner === 'deno' ? [{ path: 'main.ts', size: HELLO_MODULE.length, sha256, executable: false }] : []
      const job: HostJob = {
        id,
        spec: {
          runner,
          args: runner === 'deno' ? ['main.ts'] : ['echo', 'x'],
          env: {},
          files,
          inline: files.map((_, file) => ({ file, bytes: HELLO_MODULE })),
          stdin: false,
          outputs: [],
        },
        limits: { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, pids: 128, maxMs: 60_000 },
        devices: [],
        isolation: isolations.get(runner) ?? 'permissions',
      }
      const ms = await timed(async () => {
        await launcher.prepare(job)
        await launcher.start(id)
        for await (const _ of launcher.output(id, 'stdout', 0, { follow: true })) break
      })
      await launcher.wait(id)
      await launcher.remove(id)
      return ms
    },
    async [Symbol.asyncDispose]() {
      await launcher.shutdown()
      await node.stop()
      await store.close()
    },
  }
}

/** `times` samples of a sum of parts, measured one after another. */
export async function sum(times: number, ...parts: readonly Once[]): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) {
    let total = 0
    for (const part of parts) total += await part()
    samples.push(total)
  }
  return samples
}
