// The three panels of haggle status, and the line that says why no job came.

import type { JobSummary, MemoryStatus, ProviderStatus, ProvideRequest } from '@haggle/market'
import { reachText } from './addresses.ts'
import { chainLine, shortHex } from './money_page.ts'
import type { MoneyStatus } from './money_views.ts'
import { amount, counted, duration, shortPeer } from './format.ts'
import { type StateText, stateText } from './memory_state.ts'
import { safe, type Screen, panels } from './term.ts'

/** What the agent answers to `status`. */
export interface StatusSnapshot {
  readonly version: string
  readonly pid: number
  readonly peerId: string
  readonly network: string
  readonly addresses: readonly string[]
  readonly uptimeMs: number
  readonly peers: number | null
  readonly jobs: readonly JobSummary[]
  /** Index of the newest entry, or null for an empty ledger. */
  readonly ledger: number | null
  /** How the log stands among others. */
  readonly memory: MemoryStatus
  readonly money: MoneyStatus
  readonly providing: (ProviderStatus & { readonly terms: ProvideRequest }) | null
}

/** The page. */
export function statusPage(snapshot: StatusSnapshot, screen: Screen): string[] {
  const { providing, jobs } = snapshot
  const open = jobs.filter((job) => job.exit === null && !/settled|cancelled|rejected|expired|failed/.test(job.phase))
  const done = jobs.filter((job) => job.phase === 'settled')
  const standing = stateText(snapshot.memory)
  const cancelled = jobs.filter((job) => job.phase === 'cancelled')
  const failed = jobs.length - open.length - done.length - cancelled.length
  const node = [
    snapshot.peerId,
    `up ${duration(snapshot.uptimeMs)}${snapshot.peers === null ? '' : ` · ${counted(snapshot.peers, 'peer')}`} · ledger ${ledgerWord(snapshot.memory, standing.state)}`,
    `network ${safe(snapshot.network)}`,
  ]
  const earning =
    providing === null
      ? ['not offering: haggle up']
      : [
          `${amount(providing.earned)} ${providing.unit}${providing.unit === 'credits' ? ', not money' : ''}`,
          `exposure ${amount(providing.exposure)}`,
          `price ${amount(providing.terms.price)} an hour`,
        ]
  const job = [
    [
      `${open.length} open`,
      `${done.length} done`,
      ...(cancelled.length > 0 ? [`${cancelled.length} cancelled`] : []),
      `${failed} failed`,
    ].join(' · '),
    ...(providing === null ? [] : [`${providing.running.length} of others run here`]),
  ]
  const lines = panels(
    [
      { title: 'Node', lines: node },
      { title: 'Earning', lines: earning },
      { title: 'Jobs', lines: job },
    ],
    screen,
  )
  lines.push('', `reach     ${reachText(snapshot.addresses, shortPeer)}`, `ledger    ${standing.text}`)
  if (standing.fix !== undefined) lines.push(`  → ${standing.fix}`)
  if (providing !== null) {
    const refusals = Object.entries(providing.refusals).sort(([, a], [, b]) => b - a)
    const told = refusals.length === 0 ? '' : `, ${refusals.map(([reason, count]) => `${count} ${safe(reason)}`).join(', ')}`
    lines.push(`requests  ${providing.requests} seen: ${providing.accepted} taken${told}`)
    if (providing.roomMiB === 0)
      lines.push('disk      nearly full: no job is taken', '  → make room there: what is left is for what this node has to write down')
  }
  lines.push(...moneyLines(snapshot.money))
  return lines
}

/** The ledger in the panel: how much it has, or what is wrong with it. */
function ledgerWord({ size, state }: MemoryStatus, standing: StateText['state']): string {
  if (standing === 'bad') return state
  return size === 0 ? 'empty' : counted(size, 'entry', 'entries')
}

/** Nothing for a home that deals in credits only. */
function moneyLines({ address, state, chain, rails, court }: MoneyStatus): string[] {
  if (address === null && chain === null) return []
  const wallet =
    address === null ? 'no wallet: haggle wallet new' : `${shortHex(address)} ${state}${state === 'locked' ? ': haggle wallet unlock' : ''}`
  const open = rails
    .filter(({ isMoney }) => isMoney)
    .map(({ unit, unpaid, claimable, promised }) => {
      const parts = [`${amount(unpaid)} unpaid`, `${amount(claimable)} to claim`, `${amount(promised)} promised`]
      return ` · ${safe(unit, 12)}: exposure ${parts.join(', ')}`
    })
  return [
    `money     ${wallet}${open.join('')}`,
    `chain     ${chainLine(chain)}`,
    ...(court === null ? [] : [`court     ${courtLine(court)}`]),
  ]
}

/** The court in one line: this node's part in open cases, and what is wrong. */
function courtLine({ state, seat, provides, rents, witnesses, problem }: NonNullable<MoneyStatus['court']>): string {
  const parts = [
    state === 'opening'
      ? 'not asked yet'
      : `${counted(provides + rents + witnesses, 'open case')}: ${provides} sold, ${rents} bought, ${witnesses} witnessed`,
    ...(seat ? ['a seat'] : []),
    ...(problem === null ? [] : [`${safe(problem.message, 200)} (${problem.code}); jobs go on`]),
  ]
  return parts.join(' · ')
}
