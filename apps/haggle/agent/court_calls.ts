// The court as its owner sees it: the cases of the account, their claims, and the verdicts that are due.

import { type Case, type Claim, countBits, type Court } from '@haggle/witness'
import { equalBytes, formatAmount, toHex } from '@haggle/wire'
import { usage } from '../failure.ts'
import type { CaseView, CourtClaimView, CourtView } from '../money_views.ts'

const MS_PER_S = 1000

/** A court, and what amounts are written with. */
export interface CourtDesk {
  readonly court: Court
  readonly chain: number
  readonly unit: string
  readonly decimals: number
}

/** Cases and claims of the account; with a claim's number, finalises it first. */
export async function courtCall(desk: CourtDesk, params: { readonly do?: unknown; readonly which?: unknown }): Promise<CourtView> {
  const { court } = desk
  const sent = params.do === 'finalize' ? await court.finalize(claimNumber(params.which)) : null
  const cases = await Promise.all((await court.cases(court.account)).map((id) => court.caseOf(id)))
  return {
    chain: desk.chain,
    unit: desk.unit,
    account: `0x${toHex(court.account)}`,
    owed: formatAmount(await court.owed(court.account), desk.decimals),
    cases: await Promise.all(cases.filter((one) => one !== null).map((one) => caseView(desk, one))),
    sent: sent === null ? null : { transaction: sent.hash, block: sent.block, gas: sent.gasUsed.toString() },
  }
}

function claimNumber(which: unknown): bigint {
  if (typeof which !== 'string' || !/^\d{1,18}$/.test(which))
    throw usage('haggle court finalize needs the number of a claim', 'haggle court lists them')
  return BigInt(which)
}

async function caseView({ court, decimals }: CourtDesk, one: Case): Promise<CaseView> {
  const claims = await court.claimsOf(one.id)
  return {
    id: `0x${toHex(one.id)}`,
    roles: rolesOf(one, court.account),
    state: one.state,
    from: new Date(one.startsAtS * MS_PER_S).toISOString(),
    slots: one.slots,
    slotS: one.slotS,
    locked: formatAmount(one.lockLeft, decimals),
    witnesses: one.committee.length,
    claims: claims.map((claim) => claimView(claim, decimals)),
  }
}

function claimView({ number, window, mask, refuted, untilS, bond, finalized }: Claim, decimals: number): CourtClaimView {
  return {
    number: number.toString(),
    window,
    slots: countBits(mask),
    refuted: countBits(refuted),
    refutableUntil: new Date(untilS * MS_PER_S).toISOString(),
    bond: formatAmount(bond, decimals),
    finalized,
  }
}

function rolesOf({ provider, renter, committee }: Case, account: Uint8Array): CaseView['roles'] {
  return [
    ...(equalBytes(provider, account) ? (['provider'] as const) : []),
    ...(equalBytes(renter, account) ? (['renter'] as const) : []),
    ...(committee.some((member) => equalBytes(member.account, account)) ? (['witness'] as const) : []),
  ]
}
