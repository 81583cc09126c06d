// One side of a walk: the same streams, store and machine as a market node, and a script in place of the market, so that every message is signed.

import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publicKeyOf } from '@haggle/identity'
import { nodeSuite, openKeyFile } from '@haggle/identity/node'
import { createNode } from '@haggle/mesh/node'
import { createThreads, type Threads } from '@haggle/negotiate'
import { beginScript, type Script, type ScriptedPartyInit, scriptedParty } from '@haggle/negotiate/testing'
import { openLevelStore } from '@haggle/store/level'
import { networkId, systemClock, systemRandom, toHex } from '@haggle/wire'
import { faultHook, listen, readOptions, say } from './side.ts'

const SCRIPT: Script = { path: 'walk', end: 'exit', runMs: 1_700, tickMs: 300 }

async function main(): Promise<void> {
  const { role, home, fault, ...options } = readOptions()
  const hook = faultHook(fault)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const identity = await openKeyFile(join(home, 'key'), { create: true })
  const store = await openLevelStore(join(home, 'store'))
  const id = networkId(options.network)
  const node = await createNode({ seed: identity.seed, networkId: id, topics: [], preset: 'node', listen: options.listen, mdns: false })
  const peerId = options.peers[0]?.split('/').at(-1)
  const keys = { [role]: identity.publicKey } as { renter: Uint8Array; provider: Uint8Array }
  if (peerId !== undefined) keys.provider = publicKeyOf(peerId)
  let threads: Threads | null = null
  const suite = nodeSuite()
  const clock = systemClock()
  const problem = (error: unknown): void => say({ event: 'problem', message: String(error) })
  // The provider learns its renter's key from the first thread: a script has one renter.
  const initFor = (peerKey: Uint8Array): ScriptedPartyInit => {
    const both = role === 'provider' ? { ...keys, renter: peerKey } : keys
    return { script: SCRIPT, keys: both, clock, suite, threads: () => threads, jobs }
  }
  const jobs: ScriptedPartyInit['jobs'] = new Map()
  const ledger = join(home, 'ledger.jsonl')
  const act = (thread: Parameters<ReturnType<typeof scriptedParty>>[0], event: Parameters<ReturnType<typeof scriptedParty>>[1]): void => {
    void Promise.resolve(scriptedParty(role, initFor(thread.record.peerKey))(thread, event)).catch(problem)
  }
  threads = await createThreads({
    network: node.network,
    networkId: id,
    suite,
    signer: identity.signer,
    clock,
    random: systemRandom(),
    store: store.sub('market').sub('threads'),
    onFault: hook.onFault,
    handler: {
      opened: () => undefined,
      resumed: () => undefined,
      effect: (thread, effect) => {
        if (effect.kind !== 'ledger') return act(thread, { effect })
        const outcome = effect.entry.kind === 'closed' ? ` ${effect.entry.outcome.kind}` : ''
        appendFileSync(ledger, `${effect.entry.kind}${outcome} ${toHex(effect.entry.contract).slice(0, 8)}\n`, { flush: true })
        return undefined
      },
      message: (thread, message) => act(thread, { message }),
      spec: () => undefined,
      output: () => undefined,
      end: () => undefined,
      refused: () => undefined,
      reachable: () => undefined,
      failed: (_, error) => problem(error),
    },
  })
  const running = threads
  say({ event: 'ready', peerId: identity.peerId, key: toHex(identity.publicKey), addresses: node.network.addresses() })
  listen(async (asked) => {
    switch (asked) {
      case 'go': {
        if (peerId === undefined) return
        const thread = running.begin({ peerId, addresses: options.peers, key: keys.provider })
        void beginScript(thread, initFor(keys.provider)).catch(problem)
        return
      }
      case 'stop':
        return
      case 'meet':
        if (peerId !== undefined) await node.network.connect({ peerId, addresses: options.peers })
        return
      case 'report':
        return say({ event: 'report', passed: hook.passed, phases: hook.phases, open: running.open().length, ledger: linesOf(ledger) })
      case 'close':
        await running.close()
        await node.stop()
        await store.close()
        say({ event: 'closed' })
        process.exit(0)
    }
  })
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    // No entry was written yet.
    return []
  }
}

await main()
