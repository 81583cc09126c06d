// The proof of how a contract ended: its newest entry that both parties signed, under the first signed head that has it.

import type { LogService } from '@haggle/log'
import { isBothSigned, type Memory, proveEntry, type SignedHead, type StoredEntry } from '@haggle/reputation'
import { HaggleError, type Suite, toHex } from '@haggle/wire'
import type { ProofFile } from './memory_types.ts'

/** Makes the proof. Throws `E_RECEIPT_UNKNOWN`, and what signing a head throws when none covers the entry yet. */
export async function proveContract(
  memory: Memory,
  log: LogService,
  { contract, suite }: { readonly contract: Uint8Array; readonly suite: Suite },
): Promise<ProofFile> {
  const { ledger } = memory
  let best: { readonly stored: StoredEntry; readonly bothSigned: boolean } | undefined
  for await (const stored of ledger.byContract(contract)) {
    if (stored.entry.kind !== 'closed' && stored.entry.kind !== 'receipt') continue
    const bothSigned = isBothSigned(stored.entry, ledger.key, suite)
    if (best === undefined || bothSigned || !best.bothSigned) best = { stored, bothSigned }
  }
  if (best === undefined) {
    throw new HaggleError('E_RECEIPT_UNKNOWN', `This node's ledger has no end of the contract ${toHex(contract).slice(0, 16)}`, {
      next: 'haggle ledger lists what it has',
    })
  }
  const { index } = best.stored
  const head = await headOver(memory, log, index)
  return { file: await proveEntry(ledger, index, head), index, contract: toHex(contract), bothSigned: best.bothSigned }
}

/** The first head that covers entry `index`; signed now when there is none. */
async function headOver({ heads }: Memory, log: LogService, index: number): Promise<SignedHead> {
  for await (const head of heads.since(index)) return head
  if (log.status().state === 'unconfirmed') await log.confirm()
  const head = await heads.sign('asked')
  // Counterparties get it as any other, but the proof needs none of them.
  log.checkpoint().catch(() => undefined)
  return head
}
