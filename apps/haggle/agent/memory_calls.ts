// The agent's calls about its memory: how the log stands, why a peer is trusted, proofs given and taken, and what mends a log.

import type { MarketMemory } from '@haggle/market'
import { toHex } from '@haggle/wire'
import type { Params } from './service.ts'

/** What the calls need. */
export interface MemoryCallsInit {
  readonly memory: () => MarketMemory
  /** The contract that begins with what was typed. */
  readonly find: (typed: string) => Promise<string>
}

/** One of the agent's calls. */
export type MemoryCall = (params: Params, caller: { readonly signal: AbortSignal }) => Promise<unknown>

const base64 = (file: Uint8Array): string => Buffer.from(file).toString('base64')

/** The calls by name. Files travel as base64: they are a few kilobytes. */
export function memoryCalls({ memory, find }: MemoryCallsInit): Readonly<Record<string, MemoryCall>> {
  return {
    memory: async () => await memory().status(),
    explain: async (params) =>
      await memory().explain(String(params['peer']), typeof params['receipts'] === 'number' ? { receipts: params['receipts'] } : {}),
    prove: async (params) => {
      const { file, ...rest } = await memory().prove(await find(String(params['contract'])))
      return { ...rest, file: base64(file) }
    },
    'anchor-file': async (params, { signal }) => {
      const { file, account, ...rest } = await memory().anchorFile(String(params['from']), { signal })
      return { ...rest, file: base64(file), account: `0x${toHex(account)}` }
    },
    import: async (params) => await memory().importProof(new Uint8Array(Buffer.from(String(params['file']), 'base64'))),
    evidence: async (params) => {
      const file = await memory().evidence(String(params['peer']))
      return { file: file === null ? null : base64(file) }
    },
    checkpoint: async () => await memory().checkpoint(),
    fetch: async () => ({ entries: await memory().fetchLost(), status: await memory().status() }),
    check: async (_, { signal }) => await memory().check({ signal }),
    succeed: async () => {
      await memory().succeed()
      return await memory().status()
    },
  }
}
