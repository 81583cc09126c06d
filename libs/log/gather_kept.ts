// Asking everybody for the entries of my log that they keep: the union of what counterparties were shown.

import type { KeptEntry } from '@haggle/reputation'
import { ask, type AskParts } from './ask.ts'

/** The entries from index `from` on that any of `peers` keeps, each once. Peers that can't be reached are left out: the others may be enough. */
export async function gatherKept(parts: AskParts, peers: Iterable<string>, from: number): Promise<KeptEntry[]> {
  const kept = new Map<number, KeptEntry>()
  for (const peerId of peers) for await (const entry of keptBy(parts, peerId, from)) kept.set(entry.index, entry)
  return [...kept.values()]
}

async function* keptBy(parts: AskParts, peerId: string, from: number): AsyncGenerator<KeptEntry> {
  for (let at = from; ;) {
    let page: readonly KeptEntry[]
    try {
      const answer = await ask(parts, { peerId }, { name: 'kept', body: { from: at } })
      page = answer.name === 'entries' ? answer.body.entries : []
    } catch {
      // Not reachable, or it serves no logs.
      return
    }
    // Answers that don't go forward would be asked for for ever.
    if (page.length === 0 || page.some(({ index }) => index < at)) return
    yield* page
    at = Math.max(...page.map(({ index }) => index)) + 1
  }
}
