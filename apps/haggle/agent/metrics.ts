// What the agent counts, in the text form that Prometheus reads.

import type { ProviderStatus } from '@haggle/market'

/** Figures at one moment. */
export interface Figures {
  readonly uptimeS: number
  readonly openCalls: number
  readonly calls: ReadonlyMap<string, number>
  readonly failures: ReadonlyMap<string, number>
  readonly renting: number
  readonly provider: ProviderStatus | null
  readonly peers: number | null
  readonly residentBytes: number
}

const escape = (text: string): string => text.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))

/** The page at `/metrics`. */
export function metricsPage(figures: Figures): string {
  const lines: string[] = []
  const family = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    rows: readonly (readonly [labels: string, value: number | string])[],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...rows.map(([labels, value]) => `${name}${labels} ${value}`))
  }
  const byLabel = (label: string, counts: Iterable<readonly [string, number]>): [string, number][] =>
    [...counts].map(([value, count]) => [`{${label}="${escape(value)}"}`, count])
  family('haggle_uptime_seconds', 'gauge', 'Seconds since the agent started.', [['', Math.round(figures.uptimeS)]])
  family('haggle_resident_bytes', 'gauge', 'Resident memory of the agent.', [['', figures.residentBytes]])
  family('haggle_open_calls', 'gauge', 'Commands that talk to the agent now.', [['', figures.openCalls]])
  family('haggle_calls_total', 'counter', 'Commands served, by call.', byLabel('call', figures.calls))
  family('haggle_call_failures_total', 'counter', 'Commands that ended with an error, by code.', byLabel('code', figures.failures))
  family('haggle_renting_jobs', 'gauge', 'Jobs of this node that run elsewhere.', [['', figures.renting]])
  if (figures.peers !== null) family('haggle_peers', 'gauge', 'Connected peers.', [['', figures.peers]])
  family('haggle_providing', 'gauge', '1 while this node offers its machine.', [['', figures.provider === null ? 0 : 1]])
  if (figures.provider !== null) {
    const { running, requests, accepted, refusals, earned, exposure } = figures.provider
    family('haggle_provider_running_jobs', 'gauge', 'Jobs of others that run here.', [['', running.length]])
    family('haggle_provider_requests_total', 'counter', 'Requests seen.', [['', requests]])
    family('haggle_provider_accepted_total', 'counter', 'Requests taken.', [['', accepted]])
    family('haggle_provider_refused_total', 'counter', 'Requests refused, by reason.', byLabel('reason', Object.entries(refusals)))
    family('haggle_provider_earned_credits', 'counter', 'Credits earned. Credits are not money.', [['', earned]])
    family('haggle_provider_exposure_credits', 'gauge', 'Credits used by renters and not acknowledged yet.', [['', exposure]])
  }
  return `${lines.join('\n')}\n`
}
