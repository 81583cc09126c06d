// What the agent counts, in the text form that Prometheus reads.

import type { MemoryStatus, MoneyRow, ProviderStatus } from '@haggle/market'
import type { MoneyStatus } from '../money_views.ts'

/** States of a ledger that are shown, each as a row of its own. */
const STATES: readonly MemoryStatus['state'][] = ['ok', 'unconfirmed', 'behind', 'forked', 'damaged']

/** Figures at one moment. */
export interface Figures {
  readonly uptimeS: number
  readonly openCalls: number
  readonly calls: ReadonlyMap<string, number>
  readonly failures: ReadonlyMap<string, number>
  readonly renting: number
  readonly provider: ProviderStatus | null
  readonly peers: number | null
  readonly memory: MemoryStatus
  readonly residentBytes: number
  readonly money: MoneyStatus
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
  const { memory } = figures
  family('haggle_ledger_entries', 'gauge', 'Entries of the ledger.', [['', memory.size]])
  family('haggle_ledger_signed_entries', 'gauge', 'Entries under the last signed head.', [['', memory.signedSize]])
  family('haggle_ledger_signed_time_seconds', 'gauge', 'When the last head was signed, unix time; 0 before the first.', [
    ['', memory.signedAt ?? 0],
  ])
  family('haggle_ledger_cosigners', 'gauge', 'Counterparties that cosigned the last head.', [['', memory.cosigners]])
  family('haggle_ledger_missing_entries', 'gauge', 'Entries that others have seen signed and that may not be here.', [['', memory.missing]])
  family('haggle_ledger_waiting_entries', 'gauge', 'Entries that the ledger could not take yet.', [['', memory.waiting]])
  family(
    'haggle_ledger_state',
    'gauge',
    '1 for the state that the ledger is in.',
    STATES.map((state) => [`{state="${state}"}`, state === memory.state ? 1 : 0]),
  )
  family('haggle_convicted_peers', 'gauge', 'Peers that evidence shows to have forged their logs.', [['', memory.convicted]])
  family('haggle_providing', 'gauge', '1 while this node offers its machine.', [['', figures.provider === null ? 0 : 1]])
  if (figures.provider !== null) {
    const { running, requests, accepted, refusals, roomMiB } = figures.provider
    if (roomMiB !== null)
      family('haggle_provider_disk_room_bytes', 'gauge', 'Of the disk, what jobs may have; 0: no job is taken.', [
        ['', roomMiB * 1_048_576],
      ])
    family('haggle_provider_running_jobs', 'gauge', 'Jobs of others that run here.', [['', running.length]])
    family('haggle_provider_requests_total', 'counter', 'Requests seen.', [['', requests]])
    family('haggle_provider_accepted_total', 'counter', 'Requests taken.', [['', accepted]])
    family('haggle_provider_refused_total', 'counter', 'Requests refused, by reason.', byLabel('reason', Object.entries(refusals)))
  }
  const { state, chain, rails } = figures.money
  if (chain !== null) {
    family('haggle_chain_up', 'gauge', '1 while the chain answers.', [['', chain.problem === null ? 1 : 0]])
    if (chain.block !== null) family('haggle_chain_block', 'gauge', 'Newest block seen.', [['', chain.block]])
  }
  if (state !== 'none') family('haggle_wallet_open', 'gauge', '1 while the wallet can sign.', [['', state === 'open' ? 1 : 0]])
  const byUnit = (value: (row: MoneyRow) => string): [string, string][] =>
    rails.map((row) => [`{unit="${escape(row.unit)}",money="${row.isMoney}"}`, value(row)])
  family(
    'haggle_earned_total',
    'counter',
    'What contracts that ended came to, by unit. Credits are not money.',
    byUnit(({ earned }) => earned),
  )
  family(
    'haggle_unpaid',
    'gauge',
    'Used by renters and not paid for, by unit.',
    byUnit(({ unpaid }) => unpaid),
  )
  family(
    'haggle_claimable',
    'gauge',
    'Paid by vouchers and not claimed yet, by unit.',
    byUnit(({ claimable }) => claimable),
  )
  family(
    'haggle_promised',
    'gauge',
    'Promised to providers and not claimed by them, by unit.',
    byUnit(({ promised }) => promised),
  )
  return `${lines.join('\n')}\n`
}
