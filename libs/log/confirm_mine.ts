// After an opening: what those who are connected know as my last head, or that counterparties from before it know of none.

import { publicKeyOf } from '@haggle/identity'
import type { Memory } from '@haggle/reputation'
import { ask, type AskParts } from './ask.ts'
import type { Counterparties } from './counterparties.ts'

/** What {@link confirmMine} needs. */
export interface ConfirmParts extends AskParts {
  readonly memory: Memory
  readonly counterparties: Counterparties
  /** True when somebody has cosigned a head of mine: then somebody has one to show. */
  readonly seen: boolean
}

/** Asks everybody who is connected and tells the signer of heads what they said. `nowS` is unix seconds. */
export async function confirmMine(parts: ConfirmParts, nowS: number): Promise<void> {
  const { network, memory, counterparties, seen } = parts
  const asked = network.peers()
  const answers = await Promise.allSettled(asked.map(async (peerId) => await askMine(parts, peerId)))
  const heads = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  for (const head of heads) await memory.heads.shown(head)
  if (heads.length > 0) return
  // That nobody knows of one says something only where somebody would: a stranger knows nobody's head, and who came after a backup was restored neither.
  for (const [i, peerId] of asked.entries())
    if (answers[i]!.status === 'fulfilled' && (await counterparties.mayConfirm(publicKeyOf(peerId), nowS)))
      return void (await memory.heads.shown(null, { unseen: !seen }))
}

/** Heads of mine that a peer knows, newest first. */
async function askMine(parts: ConfirmParts, peerId: string): Promise<readonly Uint8Array[]> {
  const answer = await ask(parts, { peerId }, { name: 'head', body: { owner: parts.memory.ledger.key } })
  return answer.name === 'heads' ? answer.body.heads : []
}
