// One line of `ps` for one thread.

import { peerIdOf } from '@haggle/identity'
import { decodeSpec } from '@haggle/job'
import type { Thread } from '@haggle/negotiate'
import { CREDITS, FREE_RAIL } from '@haggle/offer'
import { formatAmount, toHex } from '@haggle/wire'
import { caseOf, levelOf } from './level_of.ts'
import type { Rails } from './rails.ts'
import { exitStatusOf } from './rented_job.ts'
import type { JobSummary } from './types.ts'

/** The summary of a thread that has come to a contract. `self` is this node's key, 32 bytes. */
export async function summaryOf(thread: Thread, rails: Rails, self: Uint8Array): Promise<JobSummary> {
  const { contract, phase, usage, metered, exit, terms } = thread.view()
  const rail = rails.of(terms?.rail ?? FREE_RAIL)
  const spec = await thread.note('spec')
  return {
    contract: contract === null ? '' : toHex(contract),
    role: thread.role,
    peer: peerIdOf(thread.record.peerKey),
    phase,
    command: spec === undefined ? '' : decodeSpec(spec).args.join(' '),
    startedAt: thread.record.startedAt * 1000,
    usedMs: Number(usage[0] ?? 0n),
    owed: formatAmount(metered, rail?.decimals),
    // Money of a rail that this node has no more: base units of six decimals stand in.
    unit: rail?.unit ?? terms?.rail ?? CREDITS,
    exit: exit === null ? null : exitStatusOf(exit),
    sla: caseOf(levelOf(thread, self)),
  }
}
