// The page of haggle court: one row a case, one line a claim.

import { amount, counted } from './format.ts'
import { sentLine, shortHex } from './money_page.ts'
import type { CaseView, CourtClaimView, CourtView } from './money_views.ts'
import { safe, type Screen, table } from './term.ts'

const when = (iso: string): string => iso.slice(0, 16).replace('T', ' ')

/** The page. */
export function courtPage({ cases, sent, owed, unit, seat, did }: CourtView, screen: Screen): string[] {
  const first = [...(did === null ? [] : [safe(did, 200)]), ...(sent === null ? [] : [sentLine(sent)])]
  const bonds = /^0(\.0*)?$/.test(owed) ? [] : [`${amount(owed)} ${safe(unit, 12)} of bonds wait to be collected`]
  const seated =
    seat === null ? [] : [`seat ${seat.number}: witness in ${counted(seat.cases, 'open case')}${seat.left ? ', drawn no more' : ''}`]
  if (cases.length === 0) return [...first, 'no cases: only a contract that sold a service level has one', ...seated, ...bonds]
  const columns = [
    { head: 'case' },
    { head: 'you are' },
    { head: 'state' },
    { head: 'from (UTC)' },
    { head: 'slots', right: true },
    { head: 'locked', right: true },
    { head: 'witnesses', right: true },
  ]
  return [...first, ...table(columns, cases.map(row), screen), ...cases.flatMap(({ claims }) => claims.map(claimLine)), ...seated, ...bonds]
}

function row({ id, roles, state, from, slots, slotS, locked, witnesses }: CaseView): string[] {
  return [shortHex(id), roles.join(', '), safe(state, 20), when(from), `${slots} × ${slotS} s`, amount(locked), String(witnesses)]
}

function claimLine({ number, window, slots, refuted, refutableUntil, finalized }: CourtClaimView): string {
  const end = finalized ? 'final' : `refutable until ${when(refutableUntil)}, then haggle court finalize ${number}`
  return `  claim ${number}: ${counted(slots, 'slot')} of window ${window} down, ${refuted} refuted, ${end}`
}
