// Why a peer has the scores that it has, for people.

import type { Explanation, StandingView } from '@haggle/market'
import { amount, counted, duration, shortContract, shortPeer } from './format.ts'
import { safe, type Screen, table } from './term.ts'

const MS_PER_S = 1000

/** What a score is made of, where anything is known. */
const AXES: Readonly<Record<StandingView['role'], readonly string[]>> = {
  provider: ['completes', 'uptime', 'speed', 'disputes'],
  renter: ['pays', 'disputes'],
}

/** The page: each role of which anything is known, and at least that of a provider. */
export function explainPage(explanation: Explanation, screen: Screen): string[] {
  const { peer, convicted, headSize, roles } = explanation
  const known = roles.filter(({ receiptCount, lines }) => receiptCount > 0 || lines.length > 0)
  const shown = known.length > 0 ? known : roles.slice(0, 1)
  return [
    peer,
    ...(convicted === null
      ? []
      : [`  convicted: ${safe(convicted, 300)}`, `  its score is 0; the evidence: haggle ledger evidence ${peer}`]),
    headSize === null ? '  none of its heads is known here' : `  newest head known here: ${counted(headSize, 'entry', 'entries')}`,
    ...shown.flatMap((role) => rolePage(role, screen)),
  ]
}

function rolePage(view: StandingView, screen: Screen): string[] {
  const { role, score, axes, lines, receipts, receiptCount } = view
  const parts = Object.entries(axes).map(([axis, { value }]) => `${axis} ${value.toFixed(3)}`)
  const page = ['', `as ${role}   score ${score.toFixed(3)} = ${parts.join(' × ')}`]
  if (lines.length === 0) return [...page, '  nothing is known: a stranger has 0.05']
  const unknown = AXES[role].filter((axis) => axes[axis] === undefined)
  if (unknown.length > 0) page.push(`  not measured by anybody: ${unknown.join(', ')}`)
  page.push(
    ...table(
      [
        { head: 'axis' },
        { head: 'by' },
        { head: 'contracts', right: true },
        { head: 'good', right: true },
        { head: 'bad', right: true },
        { head: 'uncapped', right: true },
        { head: 'trust', right: true },
      ],
      lines.map(({ axis, by, contracts, good, bad, uncapped, trust }) => [
        axis,
        shortPeer(by),
        String(contracts),
        good.toFixed(3),
        bad.toFixed(3),
        uncapped.toFixed(3),
        trust.toFixed(2),
      ]),
      screen,
    ),
    '',
    ...table(
      [
        { head: 'receipt' },
        { head: 'by' },
        { head: 'ended (UTC)' },
        { head: 'outcome' },
        { head: 'time', right: true },
        { head: 'settled', right: true },
        { head: 'weight', right: true },
      ],
      receipts.map(({ contract, by, at, outcome, meteredS, settled, rail, weight }) => [
        shortContract(contract),
        shortPeer(by),
        new Date(at * MS_PER_S).toISOString().slice(0, 16).replace('T', ' '),
        safe(outcome, 20),
        duration(meteredS * MS_PER_S),
        `${amount((Number(settled) / 1e6).toFixed(6))} ${rail === 'free' ? 'credits' : rail}`,
        weight.toFixed(4),
      ]),
      screen,
    ),
  )
  if (receipts.length < receiptCount) page.push(`  and ${receiptCount - receipts.length} more: --limit N`)
  return page
}
