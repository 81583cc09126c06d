// What a provider's page shows.

import { isEnd } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import type { PaymentRail } from '@haggle/payment'
import { formatAmount } from '@haggle/wire'
import type { Provider } from './provider.ts'
import type { ProviderStatus } from './types.ts'

/** The status of a provider now. `devices` is how its offer names them. */
export function providerStatus(provider: Provider, { rail, devices }: { rail: PaymentRail; devices: string }): ProviderStatus {
  const { counts, policy } = provider
  const running = [...provider.jobs.values()].filter(({ thread }) => !isEnd(thread.view().phase))
  return {
    running: running.map(({ thread, job }) => ({
      contract: job.id,
      role: 'provider',
      peer: peerIdOf(thread.record.peerKey),
      phase: thread.view().phase,
      command: job.spec.args.join(' '),
      startedAt: thread.record.startedAt * 1000,
      usedMs: Number(thread.view().usage[0] ?? 0n),
      owed: formatAmount(thread.view().metered),
      exit: null,
    })),
    requests: counts.requests,
    accepted: counts.accepted,
    refusals: Object.fromEntries(counts.refusals),
    earned: formatAmount(counts.earned),
    exposure: formatAmount(rail.exposure().unpaid),
    unit: 'credits',
    devices,
    runners: policy?.runners ?? [],
  }
}
