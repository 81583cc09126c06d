// What a provider's page shows.

import { type ContractView, isEnd } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import { caseOf, levelOf } from './level_of.ts'
import type { Provider } from './provider.ts'
import { amountOn, type Rails } from './rails.ts'
import type { Amount, MoneyRow, ProviderStatus } from './types.ts'

/** The status of a provider now. `devices` is how its offer names them, `self` is its key, 32 bytes. */
export function providerStatus(
  provider: Provider,
  { rails, devices, self }: { readonly rails: Rails; readonly devices: string; readonly self: Uint8Array },
): ProviderStatus {
  const { counts, policy } = provider
  const money = moneyRows(rails, provider.money.earned)
  const first = rails.of(policy?.rates[0]?.rail ?? '') ?? rails.first
  const row = money.find(({ rail }) => rail === first.name)
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
      ...owedOf(rails, thread.view()),
      exit: null,
      sla: caseOf(levelOf(thread, self)),
    })),
    requests: counts.requests,
    accepted: counts.accepted,
    refusals: Object.fromEntries(counts.refusals),
    earned: row?.earned ?? '0',
    exposure: row?.unpaid ?? '0',
    unit: first.unit,
    money,
    devices,
    runners: policy?.runners ?? [],
    roomMiB: Number.isFinite(provider.roomMiB) ? provider.roomMiB : null,
  }
}

/** What a contract has come to, in the money of its rail. */
function owedOf(
  rails: Rails,
  { terms, metered }: Pick<ContractView, 'terms' | 'metered'>,
): { readonly owed: Amount; readonly unit: string } {
  const rail = rails.of(terms?.rail ?? '') ?? rails.first
  return { owed: amountOn(rail, metered), unit: rail.unit }
}

/** What stands on each rail; `earned` are base units by rail. */
export function moneyRows(rails: Rails, earned: ReadonlyMap<string, bigint>): MoneyRow[] {
  return rails.all.map((rail) => {
    const { unpaid, claimable, promised } = rail.exposure()
    return {
      rail: rail.name,
      unit: rail.unit,
      isMoney: rail.isMoney,
      earned: amountOn(rail, earned.get(rail.name) ?? 0n),
      unpaid: amountOn(rail, unpaid),
      claimable: amountOn(rail, claimable),
      promised: amountOn(rail, promised),
    }
  })
}
