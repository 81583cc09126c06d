// The pages of the verbs about money: short lines, amounts with their unit, and the next step.

import { money, type Rate } from './fiat.ts'
import { amount, counted, duration } from './format.ts'
import type {
  AnchorStateView,
  AnchorView,
  BalanceView,
  ChainView,
  ChannelsView,
  ChannelView,
  ClaimView,
  PriceView,
  SentView,
  StakeView,
  WalletView,
} from './money_views.ts'
import { pad, safe, type Screen, table } from './term.ts'

/** A chain with this id is a devnet of one machine: what is on it is worth nothing. */
const DEVNET = 31337
const MS_PER_S = 1000

const line = (head: string, text: string): string => `${pad(head, 10)}${text}`
const when = (iso: string): string => iso.slice(0, 19).replace('T', ' ') + ' UTC'

/** `0x3fa9…c2d1`: enough of an address or a channel to know it again. */
export function shortHex(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`
}

/** A transaction that counts, in one line. */
export function sentLine({ transaction, block, gas }: SentView): string {
  return line('sent', `${transaction} in block ${block}, ${gas} gas`)
}

/** The chain in one line: which, what token, how it is. */
export function chainLine(chain: ChainView | null): string {
  if (chain === null) return 'none: credits only.   haggle config set chain-rpc URL'
  const what = `${chain.id}${chain.id === DEVNET ? ' (devnet, play money)' : ''} at ${safe(chain.host, 80)}, paid in ${safe(chain.unit, 12)}`
  if (chain.problem !== null) return `${what}: ${safe(chain.problem.message, 200)} (${chain.problem.code})`
  return chain.block === null
    ? `${what}: not asked yet`
    : `${what}: block ${chain.block}, money counts after ${counted(chain.confirmations, 'block')}`
}

/** What a wallet's state asks for. */
const NEXT: Readonly<Record<WalletView['state'], string>> = {
  none: 'none yet: haggle wallet new',
  locked: 'locked: it is paid, and neither pays nor claims.   haggle wallet unlock',
  open: 'open',
}

/** `haggle wallet`. */
export function walletPage({ address, file, state, chain }: WalletView): string[] {
  return [
    ...(address === null ? [] : [line('address', address)]),
    line('wallet', NEXT[state]),
    ...(address === null ? [] : [line('file', `${file}: back it up`)]),
    line('chain', chainLine(chain)),
  ]
}

/** `haggle wallet balance`. */
export function balancePage(view: BalanceView, rate?: Rate): string[] {
  const { unit } = view
  return [
    line('address', view.address),
    line('balance', money(view.balance, unit, rate)),
    line('channels', `${money(view.inChannels, unit, rate)} left in deposits`),
    line('claimable', money(view.claimable, unit, rate)),
    line('stake', money(view.staked, unit, rate)),
    line('gas', `${amount(view.gas)} of the chain’s own coin${/^0(\.0*)?$/.test(view.gas) ? ': none, so nothing can be sent' : ''}`),
  ]
}

/** `haggle stake`. */
export function stakePage(view: StakeView, rate?: Rate): string[] {
  const { unit } = view
  return [
    ...(view.sent === null ? [] : [sentLine(view.sent)]),
    line('staked', money(view.staked, unit, rate)),
    line('locked', `${money(view.locked, unit, rate)} by contracts with a service level`),
    line(
      'unbonding',
      view.unbondsAt === null
        ? `nothing; what is asked back stays ${duration(view.unbondingS * MS_PER_S)}`
        : `${money(view.unbonding, unit, rate)}, out from ${when(view.unbondsAt)} on: haggle stake withdraw`,
    ),
  ]
}

function channelRow(channel: ChannelView): string[] {
  return [
    shortHex(channel.id),
    channel.role === 'payer' ? 'pays' : 'is paid by',
    shortHex(channel.other),
    amount(channel.deposit),
    amount(channel.promised),
    amount(channel.claimed),
    channel.role === 'payee' ? amount(channel.claimable) : '',
    channel.closesAt === null ? channel.state : `${channel.state} ${when(channel.closesAt)}`,
  ]
}

/** `haggle channel`. */
export function channelsPage(view: ChannelsView, { screen }: { screen: Screen; rate?: Rate | undefined }): string[] {
  const sent = view.sent === null ? [] : [sentLine(view.sent)]
  if (view.channels.length === 0) return [...sent, 'no channels: haggle run opens one when it pays in tokens']
  const columns = [
    { head: 'channel' },
    { head: '' },
    { head: 'account' },
    { head: 'deposit', right: true },
    { head: 'promised', right: true },
    { head: 'claimed', right: true },
    { head: 'claimable', right: true },
    { head: `state (amounts in ${safe(view.unit, 12)})` },
  ]
  return [...sent, ...table(columns, view.channels.map(channelRow), screen)]
}

/** `haggle claim`. */
export function claimPage({ claims, claimed, unit }: ClaimView, rate?: Rate): string[] {
  if (claims.length === 0) return ['nothing to claim']
  const channels = claims.flatMap((one) => one.channels).length
  return [
    ...claims.map(sentLine),
    line('claimed', `${money(claimed, unit, rate)} from ${counted(channels, 'channel')}, 0.5 % of it burned`),
  ]
}

/** `haggle anchor`. */
export function anchorPage({ log, others, ...own }: AnchorView): string[] {
  const shared =
    others === null
      ? []
      : [line('others', `${counted(others.size, 'head')} of ${counted(others.logs, 'log')}`), ...anchorLines(others, 'head', 'heads')]
  return [line('ledger', `log ${log}, ${counted(own.size, 'entry', 'entries')}`), ...anchorLines(own, 'entry', 'entries'), ...shared]
}

function anchorLines({ anchored, pending, nextAt }: AnchorStateView, ...words: readonly [one: string, many: string]): string[] {
  const where =
    anchored === null
      ? 'not anchored yet'
      : `${counted(anchored.size, ...words)} under ${shortHex(anchored.root)}, transaction ${anchored.transaction} in block ${anchored.block}`
  const due = nextAt === null ? '' : `, anchored by ${when(nextAt)}`
  return [line('anchor', where), line('pending', pending === 0 ? 'nothing' : `${counted(pending, ...words)}${due}: haggle anchor now`)]
}

/** `haggle price`. */
export function pricePage(view: PriceView, { rate, amount: asked }: { rate?: Rate | undefined; amount?: string | undefined }): string[] {
  const { offers, unit } = view
  const heard =
    offers.cheapest === null || offers.middle === null
      ? 'no offer in this token was heard'
      : `${counted(offers.count, 'offer')}: from ${money(offers.cheapest, unit, rate)} an hour, the middle one ${money(offers.middle, unit, rate)}`
  return [
    line('token', `${safe(unit, 12)} ${view.token} on chain ${view.chain}`),
    ...(asked === undefined ? [] : [line('amount', money(asked, unit, rate))]),
    line('market', heard),
    line(
      'rate',
      rate === undefined
        ? 'none: haggle config set fiat "0.90 EUR"'
        : `1 ${safe(unit, 12)} = ${rate.price} ${rate.currency}, as you set it`,
    ),
  ]
}
