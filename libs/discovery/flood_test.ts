// Ten hostile peers flood a mesh of real nodes from a process of their own: honest adverts arrive, memory stays flat, and liars are thrown out.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { createNode } from '@haggle/mesh/node'
import type { MeshNode } from '@haggle/mesh/node'
import { networkId, seal, systemClock, systemRandom, toHex } from '@haggle/wire'
import { advertMessage, advertTopic, advertTopics, createDiscovery } from './mod.ts'
import type { Discovery } from './mod.ts'

const NETWORK = 'devnet-flood'
const ID = networkId(NETWORK)
const NODES = 4
const SIGNERS_PER_NODE = 25
const ROUNDS = 4
const WANTED = 0.999

const nodes: { mesh: MeshNode; discovery: Discovery }[] = []
let attacker: ChildProcess | undefined

afterEach(async () => {
  attacker?.kill('SIGKILL')
  for (const { discovery, mesh } of nodes.splice(0)) {
    await discovery.stop()
    await mesh.stop()
  }
})

describe('a mesh under flood', { timeout: 300_000 }, () => {
  it('delivers 99.9 % of what honest providers say, and its memory stays flat', async () => {
    const suite = nodeSuite()
    const random = systemRandom()
    let bootstrap: string[] = []
    for (let i = 0; i < NODES; i++) {
      const identity = createIdentity(random(32), nodeEd25519())
      const mesh = await createNode({
        seed: identity.seed,
        networkId: ID,
        topics: advertTopics(ID),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        bootstrap,
      })
      if (i === 0) bootstrap = mesh.network.addresses()
      const discovery = createDiscovery({
        network: mesh.network,
        networkId: ID,
        suite,
        signer: identity.signer,
        clock: systemClock(),
        random,
        book: { maxEntries: 1_000 },
      })
      await discovery.start()
      nodes.push({ mesh, discovery })
    }
    await until(() => nodes.every(({ mesh }) => mesh.network.peers().length >= 2))
    const topic = advertTopic(ID, 'cpu')
    const honest = nodes.map(() => Array.from({ length: SIGNERS_PER_NODE }, () => createIdentity(random(32), nodeEd25519())))
    let round = 0
    const say = async (): Promise<number> => {
      const seq = Math.floor(Date.now() / 1_000) + ++round
      for (const [i, { mesh }] of nodes.entries()) {
        for (const { signer } of honest[i] ?? []) {
          const nowS = Math.floor(Date.now() / 1_000)
          const body = {
            digest: random(32),
            classIndex: 0,
            vramTier: 0,
            freeCount: 1,
            priceBucket: 60,
            region: null,
            runnerBits: 1,
            depth: 0,
            ttlS: 75,
            addresses: [],
          }
          const draft = { network: ID, audience: null, thread: null, seq, prev: null, ack: null, iat: nowS, exp: nowS + 75, body }
          await mesh.network.publish(topic, seal(advertMessage, draft, signer, suite).bytes)
        }
      }
      return seq
    }
    const heard = (seq: number): number =>
      nodes.reduce(
        (n, { discovery }, i) =>
          n + honest.flatMap((group, j) => (i === j ? [] : group)).filter(({ peerId }) => discovery.book.get(peerId)?.seq === seq).length,
        0,
      )
    const all = NODES * (NODES - 1) * SIGNERS_PER_NODE

    for (let i = 0; i < 2; i++) {
      const quiet = await say()
      await until(() => heard(quiet) === all)
    }
    const before = heldMiB()

    const started = performance.now()
    attacker = spawn(
      process.execPath,
      [
        '--conditions=@haggle/source',
        fileURLToPath(import.meta.resolve('./_flood_attacker.ts')),
        NETWORK,
        JSON.stringify(nodes.flatMap(({ mesh }) => mesh.network.addresses())),
        JSON.stringify(honest.flat().map(({ publicKey }) => toHex(publicKey))),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const lines = createInterface({ input: attacker.stdout as NodeJS.ReadableStream })
    // A slow machine's attackers take longer to be thrown out: the flood goes on until they were.
    const [thrownOut, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    lines.on('line', (line) => (line === 'thrown out' ? thrownOut.resolve() : ended.resolve(line)))
    await until(() => nodes.every(({ discovery }) => [...discovery.refusals.values()].reduce((a, b) => a + b, 0) > 100))
    let delivered = 0
    /** What each node heard, and how many other honest nodes it was connected to, at the end of each round. */
    const reach: string[] = []
    const held: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const seq = await say()
      const deadline = performance.now() + 25_000
      while (heard(seq) < all && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
      delivered += heard(seq)
      const peerIds = nodes.map(({ mesh }) => mesh.network.peerId)
      reach.push(
        nodes
          .map(({ mesh, discovery }) => {
            const known = honest.flat().filter(({ peerId }) => discovery.book.get(peerId)?.seq === seq).length
            return `${known}/${mesh.network.peers().filter((peerId) => peerIds.includes(peerId)).length}`
          })
          .join(' '),
      )
      held.push(Math.round(heldMiB() - before))
    }
    await thrownOut.promise
    attacker.stdin?.end()
    const counts = JSON.parse(await ended.promise) as { sent: number; thrownOut: number; refused: number }
    const refusals = Object.fromEntries(nodes[0]?.discovery.refusals ?? [])
    const figures = {
      delivered,
      of: ROUNDS * all,
      reach,
      held,
      book: nodes.map(({ discovery }) => discovery.book.size),
      seconds: Math.round((performance.now() - started) / 1_000),
      hostile: counts,
      refusals,
    }
    console.log(JSON.stringify(figures))

    expect(delivered / (ROUNDS * all)).toBeGreaterThanOrEqual(WANTED)
    expect(counts.sent).toBeGreaterThan(1_000)
    expect(counts.thrownOut).toBeGreaterThanOrEqual(6)
    expect(Math.max(...held)).toBeLessThan(80)
    expect((held.at(-1) ?? 0) - (held[0] ?? 0)).toBeLessThan(24)
    expect(nodes.every(({ mesh }) => nodes.every((other) => !mesh.gate.isBanned(other.mesh.network.peerId)))).toBe(true)
  })
})

/** Memory that is really held, MiB: after a collection, buffers included. */
function heldMiB(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 25))
}
