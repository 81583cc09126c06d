// Asking others for the entries of my log that they keep: the union of what counterparties were shown.

import type { KeptEntry } from '@haggle/reputation'
import { ask, type AskParts } from './ask.ts'

/** Peers that are asked at once: who can't be reached takes the time of a question, and holds up few others. */
const ASKED_AT_ONCE = 8

/** The entries from index `from` on that any of `peers` keeps, by index. Peers that can't be reached are left out: the others may be enough. */
export async function gatherKept(parts: AskParts, peers: Iterable<string>, from: number): Promise<Map<number, KeptEntry>> {
  const kept = new Map<number, KeptEntry>()
  const waiting = [...peers]
  const one = async (): Promise<void> => {
    for (let peerId = waiting.shift(); peerId !== undefined; peerId = waiting.shift())
      for await (const entry of keptBy(parts, peerId, from)) kept.set(entry.index, entry)
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, one))
  return kept
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
