// The relay itself: one mesh node with the relay preset, discovery that hears and answers, and what it remembers.

import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createDiscovery, advertTopics } from '@haggle/discovery'
import type { Discovery } from '@haggle/discovery'
import { nodeSuite, openKeyFile } from '@haggle/identity/node'
import { evidenceTopic, hearEvidence } from '@haggle/log'
import { createNode } from '@haggle/mesh/node'
import type { MeshNode } from '@haggle/mesh/node'
import { openLevelStore, SMALL_HOME } from '@haggle/store/level'
import { HaggleError, fromHex, networkId, systemClock, systemRandom } from '@haggle/wire'
import type { RelayOptions } from './options.ts'
import type { WitnessEvent } from './witness.ts'

/** A running relay. */
export interface Relay {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly mesh: MeshNode
  readonly discovery: Discovery
  /** Refuses newcomers, and resolves when no circuit is open, or after `ms`, or when the signal says so. */
  drain(ms: number, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Looks at the open circuits this often while it drains. */
const DRAIN_LOOK_MS = 100

/** Starts a relay. Throws `E_KEY_*`, `E_HOME_BUSY`, `E_PORT_TAKEN` and its like, `E_ADDRESS`, `E_PSK`, and for a witness `E_WALLET_*`, `E_CHAIN_SETTING`. `onWitness` is told of its court, `onProblem` of what went wrong that nobody waits for. */
export async function startRelay(
  options: Pick<RelayOptions, 'home' | 'listen' | 'announce' | 'bootstrap' | 'networkName' | 'pskFile'> &
    Partial<Pick<RelayOptions, 'witness'>>,
  onWitness: (event: WitnessEvent) => void = () => undefined,
  onProblem: (error: unknown) => void = () => undefined,
): Promise<Relay> {
  await makeHome(options.home)
  const identity = await openKeyFile(join(options.home, 'key'), { create: true })
  const psk = options.pskFile === undefined ? undefined : await readPsk(options.pskFile)
  const id = networkId(options.networkName, psk)
  const clock = systemClock()
  const store = await openLevelStore(join(options.home, 'db'), SMALL_HOME)
  try {
    const mesh = await createNode({
      seed: identity.seed,
      networkId: id,
      topics: [...advertTopics(id), evidenceTopic(id)],
      preset: 'relay',
      listen: options.listen,
      announce: options.announce,
      bootstrap: options.bootstrap,
      storage: store,
      clock,
      onProblem,
      ...(psk === undefined ? {} : { psk }),
    })
    const discovery = createDiscovery({
      network: mesh.network,
      networkId: id,
      suite: nodeSuite(),
      signer: identity.signer,
      clock,
      random: systemRandom(),
    })
    await discovery.start()
    // Who forged its log is told to everybody, through relays too: they check the evidence before they pass it on.
    const deafen = await hearEvidence({ network: mesh.network, networkId: id, suite: nodeSuite() })
    // The chain's libraries are loaded by who is on one.
    const witness =
      options.witness === undefined
        ? undefined
        : await (
            await import('./witness.ts')
          ).startWitness(options.witness, {
            network: mesh.network,
            store: store.sub('witness'),
            clock,
            say: onWitness,
          })
    return {
      peerId: identity.peerId,
      addresses: mesh.network.addresses(),
      mesh,
      discovery,
      drain: (ms, signal) => drain(mesh, ms, signal),
      stop: () => each([() => witness?.stop(), deafen, () => discovery.stop(), () => mesh.stop(), () => store.close()]),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Takes every step, one after the other, whatever became of those before it; rejects with the first error. */
async function each(steps: readonly (() => unknown)[]): Promise<void> {
  const failed: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failed.push(error)
    }
  }
  if (failed.length > 0) throw failed[0]
}

async function drain(mesh: MeshNode, ms: number, signal: AbortSignal): Promise<void> {
  mesh.gate.close()
  const until = performance.now() + ms
  while (mesh.stats().circuits > 0 && performance.now() < until && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
  }
}

async function makeHome(home: string): Promise<void> {
  try {
    const made = await mkdir(home, { recursive: true, mode: 0o700 })
    // umask may have taken bits away, never added; a folder that was there before keeps its mode and is judged by the key file.
    if (made !== undefined) await chmod(home, 0o700)
    if (!(await stat(home)).isDirectory()) throw new Error('it is no folder')
  } catch (cause) {
    throw new HaggleError('E_HOME', `Cannot use ${home} as home: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      details: { home },
      next: 'Give another folder with --home',
    })
  }
}

async function readPsk(path: string): Promise<Uint8Array> {
  try {
    return fromHex((await readFile(path, 'utf8')).trim(), 32)
  } catch (cause) {
    throw new HaggleError('E_PSK', `Cannot read the private swarm's key from ${path}`, {
      cause,
      details: { path },
      next: 'The file must hold 64 hex digits: openssl rand -hex 32',
    })
  }
}
