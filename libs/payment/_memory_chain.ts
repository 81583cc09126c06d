// A chain of channels in memory, as its blocks make it: every state is the replay of its blocks, so a reorg is a shorter list.

import { compareBytes, concat, HaggleError, toHex, utf8 } from '@haggle/wire'
import { sha256 } from '@noble/hashes/sha2.js'
import type { ChannelEvent, ChannelState, SignedVoucher } from './channels.ts'

/** One part in this many of every claim is burned, as the contract does. */
const BURN_PART = 200n

/** What a transaction asks of the chain. */
export type Call =
  | { readonly do: 'fund'; readonly account: Uint8Array; readonly amount: bigint }
  | { readonly do: 'open'; readonly payee: Uint8Array; readonly deposit: bigint }
  | { readonly do: 'topUp'; readonly id: Uint8Array; readonly amount: bigint }
  | { readonly do: 'claim'; readonly claims: readonly { readonly voucher: SignedVoucher; readonly amount: bigint }[] }
  | { readonly do: 'requestClose' | 'withdraw'; readonly id: Uint8Array }
  /** Both parties agree not to close; the rail never asks for it. */
  | { readonly do: 'cancelClose'; readonly id: Uint8Array }

/** A transaction. */
export interface Tx {
  readonly hash: string
  /** 20 bytes. */
  readonly from: Uint8Array
  readonly call: Call
}

/** A block. */
export interface Block {
  /** Unix seconds. */
  readonly atS: number
  readonly txs: readonly Tx[]
}

/** The parameters of a chain. */
export interface Rules {
  readonly closeDelayS: number
  /** Checks a voucher's signature. */
  readonly verify: (voucher: SignedVoucher, signer: Uint8Array) => boolean
}

/** The chain at one height. */
export interface World {
  readonly balances: ReadonlyMap<string, bigint>
  readonly channels: ReadonlyMap<string, ChannelState>
  /** Channels opened so far between each two accounts. */
  readonly epochs: ReadonlyMap<string, number>
  readonly burned: bigint
}

/** Before the first block. */
export const NO_WORLD: World = { balances: new Map(), channels: new Map(), epochs: new Map(), burned: 0n }

/** What a transaction did. */
export interface Change {
  readonly world: World
  readonly events: readonly Pick<ChannelEvent, 'kind' | 'channel'>[]
}

/** What came of a transaction: a change, or the reason why it was refused. */
export type Done = Change | { readonly refused: HaggleError }

const refusal = (what: string): HaggleError => new HaggleError('E_CHANNEL', `The chain refuses: ${what}`)

function paid(world: World, account: Uint8Array, amount: bigint): World {
  const key = toHex(account)
  const left = (world.balances.get(key) ?? 0n) + amount
  if (left < 0n) {
    throw new HaggleError('E_FUNDS', `Cannot pay ${-amount}: the account has ${left - amount}`, { next: 'put more into the wallet' })
  }
  return { ...world, balances: new Map(world.balances).set(key, left) }
}

function changed(world: World, channel: ChannelState): World {
  return { ...world, channels: new Map(world.channels).set(toHex(channel.id), channel) }
}

function channelOf(world: World, id: Uint8Array): ChannelState {
  const channel = world.channels.get(toHex(id))
  if (channel === undefined || channel.closed) throw refusal(channel === undefined ? 'there is no such channel' : 'the channel is closed')
  return channel
}

/** Id of the channel that `payer` opens next to `payee`. */
function idOf(world: World, payer: Uint8Array, payee: Uint8Array): { readonly pair: string; readonly id: Uint8Array } {
  const pair = `${toHex(payer)} ${toHex(payee)}`
  return { pair, id: sha256(concat(utf8(`memory-channel ${world.epochs.get(pair) ?? 0} `), payer, payee)) }
}

function opened(world: World, from: Uint8Array, { payee, deposit }: Extract<Call, { do: 'open' }>): Change {
  const { pair, id } = idOf(world, from, payee)
  if (deposit <= 0n) throw refusal('a deposit must be above 0')
  if ([...world.channels.values()].some((c) => !c.closed && compareBytes(c.payer, from) === 0 && compareBytes(c.payee, payee) === 0))
    throw refusal('there is an open channel between the two')
  const channel: ChannelState = { id, payer: from, payee, signer: from, deposit, claimed: 0n, closesAtS: null, closed: false }
  const next = changed(paid(world, from, -deposit), channel)
  return {
    world: { ...next, epochs: new Map(next.epochs).set(pair, (next.epochs.get(pair) ?? 0) + 1) },
    events: [{ kind: 'opened', channel }],
  }
}

function claimed(world: World, rules: Rules, { claims }: Extract<Call, { do: 'claim' }>): Change {
  const events: Change['events'][number][] = []
  let next = world
  for (const { voucher, amount } of claims) {
    const before = channelOf(next, voucher.channel)
    if (!rules.verify(voucher, before.signer)) throw refusal('the voucher is not signed by the signer of the channel')
    if (amount > voucher.cumulative || amount > before.deposit) throw refusal('the amount is above the voucher or the deposit')
    if (amount <= before.claimed) throw refusal('the amount does not grow')
    const gain = amount - before.claimed
    const burned = gain / BURN_PART
    const channel = { ...before, claimed: amount }
    next = changed(paid(next, before.payee, gain - burned), channel)
    next = { ...next, burned: next.burned + burned }
    events.push({ kind: 'claimed', channel })
  }
  return { world: next, events }
}

function ended(world: World, before: ChannelState): Change {
  const channel = { ...before, closed: true }
  return { world: changed(paid(world, before.payer, before.deposit - before.claimed), channel), events: [{ kind: 'closed', channel }] }
}

function closing(world: World, rules: Rules, { from, id, atS }: { from: Uint8Array; id: Uint8Array; atS: number }): Change {
  const before = channelOf(world, id)
  if (compareBytes(from, before.payee) === 0) return ended(world, before)
  if (compareBytes(from, before.payer) !== 0) throw refusal('only its parties close a channel')
  if (before.closesAtS !== null) throw refusal('the channel closes already')
  const channel = { ...before, closesAtS: atS + rules.closeDelayS }
  return { world: changed(world, channel), events: [{ kind: 'closing', channel }] }
}

function change(world: World, rules: Rules, tx: Tx, atS: number): Change {
  const { call, from } = tx
  switch (call.do) {
    case 'fund':
      return { world: paid(world, call.account, call.amount), events: [] }
    case 'open':
      return opened(world, from, call)
    case 'topUp': {
      const before = channelOf(world, call.id)
      if (call.amount <= 0n) throw refusal('the amount must be above 0')
      const channel = { ...before, deposit: before.deposit + call.amount }
      return { world: changed(paid(world, from, -call.amount), channel), events: [{ kind: 'toppedUp', channel }] }
    }
    case 'claim':
      return claimed(world, rules, call)
    case 'requestClose':
      return closing(world, rules, { from, id: call.id, atS })
    case 'cancelClose': {
      const channel = { ...channelOf(world, call.id), closesAtS: null }
      return { world: changed(world, channel), events: [{ kind: 'cancelled', channel }] }
    }
    case 'withdraw': {
      const before = channelOf(world, call.id)
      if (before.closesAtS === null || atS < before.closesAtS) throw refusal('it is too early to withdraw')
      return ended(world, before)
    }
  }
}

/** What `tx` does to `world` in a block of `atS`. */
export function applied(world: World, rules: Rules, tx: Tx, atS: number): Done {
  try {
    return change(world, rules, tx, atS)
  } catch (error) {
    if (error instanceof HaggleError) return { refused: error }
    throw error
  }
}
