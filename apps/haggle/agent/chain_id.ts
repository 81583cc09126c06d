// Which chain a node is on, asked before anything is believed of it.

import { Failure } from '../failure.ts'

/** Longest wait for the answer. */
const ID_MS = 5000

/** The id that the node at `url` says. Throws E_CHAIN_UNREACHABLE. */
export async function chainIdOf(url: string): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(ID_MS),
    })
    const { result } = (await response.json()) as { result?: unknown }
    const id = typeof result === 'string' ? Number(result) : Number.NaN
    if (Number.isSafeInteger(id) && id > 0) return id
    throw new TypeError('it does not say its chain id')
  } catch (cause) {
    // The address may hold a key: only its host is told.
    throw new Failure('E_CHAIN_UNREACHABLE', `No chain answers at ${hostOf(url)}`, { next: 'check chain-rpc, or set chain-id', cause })
  }
}

/** Host and port of an address: the rest may hold a key. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '-'
}
