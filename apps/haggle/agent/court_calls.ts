// The court as its owner sees it: the cases of the account, their claims, and what can be done by hand.

import type { WatchService } from '@haggle/watch'
import { type Case, type Claim, countBits, type Court, type CourtReceipt, windowEndS, windowsOf } from '@haggle/witness'
import { equalBytes, formatAmount, toHex } from '@haggle/wire'
import { Failure, usage } from '../failure.ts'
import type { CaseView, CourtClaimView, CourtView } from '../money_views.ts'

const MS_PER_S = 1000
/** Fewest hex digits of a case that a person may type. */
const PREFIX_DIGITS = 4

/** A court, and what amounts are written with. */
export interface CourtDesk {
  readonly court: Court
  /** Minds the account's cases; null while it could not be started. */
  readonly watch: WatchService | null
  /** This node's key, 32 bytes: what a seat names. */
  readonly peerKey: Uint8Array
  readonly chain: number
  readonly unit: string
  readonly decimals: number
}

/** Cases and claims of the account, after what `do` asks for is done. */
export async function courtCall(desk: CourtDesk, params: { readonly do?: unknown; readonly which?: unknown }): Promise<CourtView> {
  const { court } = desk
  const { did, sent } = await act(desk, params)
  const seat = await court.seatOf(court.account)
  const cases = await Promise.all((await court.cases(court.account)).map((id) => caseView(desk, id)))
  return {
    chain: desk.chain,
    unit: desk.unit,
    account: `0x${toHex(court.account)}`,
    owed: formatAmount(await court.owed(court.account), desk.decimals),
    seat: seat === null ? null : { number: seat.seat, cases: seat.cases, left: seat.leftBlock !== 0 },
    did,
    cases: cases.filter((one) => one !== null),
    sent: sent === null ? null : { transaction: sent.hash, block: sent.block, gas: sent.gasUsed.toString() },
  }
}

interface Done {
  readonly did: string | null
  readonly sent: CourtReceipt | null
}

async function act(desk: CourtDesk, { do: what, which }: { readonly do?: unknown; readonly which?: unknown }): Promise<Done> {
  const { court, peerKey } = desk
  switch (what) {
    case 'claim':
      return { did: await claimAll(desk, which), sent: null }
    case 'refute':
      return { did: refutedText(await watching(desk).refute(claimNumber('refute', which))), sent: null }
    case 'finalize':
      return { did: 'finalized', sent: await court.finalize(claimNumber('finalize', which)) }
    case 'enroll':
      return { did: 'a seat is taken', sent: await court.enroll(peerKey) }
    case 'vacate':
      return { did: 'no later case draws the seat', sent: await court.vacate() }
    case 'release':
      return { did: 'the stake of the seat is free', sent: await court.release() }
    default:
      return { did: null, sent: null }
  }
}

/** Claims what the bitmaps at hand allow, in every window of a case that is over. */
async function claimAll(desk: CourtDesk, which: unknown): Promise<string> {
  const watch = watching(desk)
  const digits = String(which ?? '')
    .toLowerCase()
    .replace(/^0x/, '')
  const found = watch.cases().filter(({ one }) => digits.length >= PREFIX_DIGITS && toHex(one.id).startsWith(digits))
  const [first, second] = found
  if (first === undefined || second !== undefined)
    throw new Failure(
      'E_COURT_CASE',
      first === undefined ? `No open case begins with "${digits}"` : `More than one open case begins with "${digits}"`,
      { next: 'haggle court lists them' },
    )
  const { one } = first
  const now = await desk.court.nowS()
  const claims: bigint[] = []
  for (let window = 0; window < windowsOf(one); window++)
    if (windowEndS(one, window) <= now) claims.push(...(await watch.claim(one.id, window)))
  return claims.length === 0
    ? 'nothing to claim: no window is over in which enough witnesses saw the provider down'
    : `claimed: ${claims.join(', ')}`
}

function refutedText(slots: number): string {
  return slots === 0 ? 'nothing refuted: there are not enough up-receipts here' : `${slots} ${slots === 1 ? 'slot' : 'slots'} refuted`
}

function watching({ watch }: CourtDesk): WatchService {
  if (watch !== null) return watch
  throw new Failure('E_COURT_CLOSED', 'The court is not watched yet: its chain did not answer', { next: 'haggle status says why' })
}

function claimNumber(verb: string, which: unknown): bigint {
  if (typeof which !== 'string' || !/^\d{1,18}$/.test(which))
    throw usage(`haggle court ${verb} needs the number of a claim`, 'haggle court lists them')
  return BigInt(which)
}

async function caseView({ court, decimals }: CourtDesk, id: Uint8Array): Promise<CaseView | null> {
  // The claims first: what a final one has taken is gone from the case then.
  const claims = await court.claimsOf(id)
  const one = await court.caseOf(id)
  if (one === null) return null
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
