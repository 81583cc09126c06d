// Money for tests of the command: a chain in memory with another account on it, a real wallet file. Never part of a run path.

import { join } from 'node:path'
import { walletFile } from '@haggle/chain/node'
import type { ChannelEvent, Channels, StakeBook, StakeState, Transaction } from '@haggle/payment'
import { memoryChain } from '@haggle/payment/testing'
import type { Anchored, ChainAnchor } from '@haggle/reputation'
import { HaggleError, systemClock, toHex } from '@haggle/wire'
import { Anchoring } from '../agent/anchoring.ts'
import type { ChainParts, ChannelLine } from '../agent/chain_parts.ts'
import { Money, type MoneyInit } from '../agent/money.ts'
import { Wallet } from '../agent/wallet.ts'
import type { ChainBoot } from '../boot.ts'

/** One token in base units. */
const TOKEN = 1_000_000n
const UNBONDING_S = 600
/** The account at the other end of every channel. */
const OTHER = new Uint8Array(20).fill(0xbb)

/** Money over a chain in memory. The wallet must exist when it is made, as with a real chain: else there is no chain. */
export async function localMoney(home: string, boot: ChainBoot | null): Promise<Money> {
  return moneyWith(await Wallet.of(walletFile(join(home, 'wallet'), { scryptLogN: 14 })), boot)
}

/** The same with a wallet of the caller's, and with other parts where `more` has them. */
export function moneyWith(wallet: Wallet, boot: ChainBoot | null, more: Partial<MoneyInit> = {}): Money {
  const { signer } = wallet
  const parts = boot === null || signer === undefined ? null : memoryParts(signer.account)
  return new Money({
    wallet,
    chain: parts,
    configured: boot !== null,
    anchoring: parts === null ? null : localAnchoring(parts.anchors),
    others: null,
    peerKey: new Uint8Array(32).fill(0x11),
    market: {
      court: () => null,
      rails: () => [
        { rail: 'free', unit: 'credits', isMoney: false, earned: '0.42', unpaid: '0', claimable: '0', promised: '0' },
        { rail: 'evm:31337:0x00', unit: 'TEST', isMoney: true, earned: '2', unpaid: '0.0003', claimable: '2', promised: '0.5' },
      ],
      prices: async () => ['0.30', '0.10', '0.20'],
      accountOf: async (peerId) => (peerId.startsWith('12D3Koo') ? OTHER : undefined),
    },
    ...more,
  })
}

function memoryParts(account: Uint8Array): ChainParts {
  const clock = systemClock()
  const chain = memoryChain({ clock, closeDelayS: 0 })
  const channels = chain.channels(account, { funds: 100n * TOKEN })
  // A renter that owes: its channel, and a voucher for a quarter of it.
  const renter = chain.channels(OTHER, { funds: 100n * TOKEN })
  const earned = renter.open({ payee: account, deposit: 8n * TOKEN }).then(async ({ id }) => {
    const cumulative = 2n * TOKEN
    return { channel: id, cumulative, sig: await renter.sign({ channel: id, cumulative }) }
  })
  const known = new Map<string, Uint8Array>()
  channels.follow(({ channel }: ChannelEvent) => known.set(toHex(channel.id), channel.id))
  const lines = async (): Promise<ChannelLine[]> => {
    const voucher = await earned
    known.set(toHex(voucher.channel), voucher.channel)
    const states = await Promise.all([...known.values()].map((id) => channels.read(id)))
    return states.flatMap((channel) => {
      if (channel === null) return []
      const promised = toHex(channel.id) === toHex(voucher.channel) ? voucher.cumulative : 0n
      return [{ channel, promised, claimable: promised > channel.claimed ? promised - channel.claimed : 0n }]
    })
  }
  return {
    view: () => ({
      id: 31337,
      host: '127.0.0.1:8545',
      token: `0x${'0'.repeat(40)}`,
      unit: channels.unit,
      decimals: channels.decimals,
      confirmations: 1,
      block: chain.height,
      seenAt: new Date(clock.now()).toISOString(),
      problem: null,
    }),
    channels,
    desk: {
      list: lines,
      note: (id) => known.set(toHex(id), id),
      close: (id) => channels.requestClose(id),
      async claim() {
        const due = (await lines()).filter(({ claimable }) => claimable > 0n)
        if (due.length === 0) return []
        const voucher = await earned
        const receiptRoot = new Uint8Array(32)
        const { hash, block, gasUsed } = await channels.claim([{ voucher, amount: voucher.cumulative, receiptRoot }])
        const taken = due.map(({ channel, claimable }) => ({ channel: channel.id, amount: claimable, receiptRoot, contracts: [] }))
        return [{ atS: 0, transaction: hash, block, gasUsed, channels: taken }]
      },
    },
    stake: memoryStake(channels),
    court: async () => {
      throw new HaggleError('E_CHAIN_CONTRACT', 'No court in this double')
    },
    anchors: memoryAnchors(account),
    gas: async () => 10n ** 18n,
    fund: async (amount) => {
      chain.channels(account, { funds: amount })
      return sent(chain.height)
    },
  }
}

const sent = (block: number): Transaction => ({ hash: `0x${'ab'.repeat(32)}`, block, gasUsed: 50_000n })

function memoryStake(channels: Channels): StakeBook {
  let state: StakeState = { staked: 0n, locked: 0n, unbonding: 0n, unbondsAtS: null }
  return {
    rail: channels.rail,
    account: channels.account,
    unbondingS: UNBONDING_S,
    stakeOf: async () => state,
    stake: async (amount) => {
      state = { ...state, staked: state.staked + amount }
      return sent(2)
    },
    requestUnbond: async (amount) => {
      if (amount > state.staked - state.unbonding) throw new HaggleError('E_STAKE', 'Less than that is free to be asked back')
      state = { ...state, unbonding: state.unbonding + amount, unbondsAtS: 1_800_000_000 }
      return sent(3)
    },
    withdraw: async () => {
      throw new HaggleError('E_STAKE', 'Nothing has unbonded yet')
    },
  }
}

function memoryAnchors(account: Uint8Array): ChainAnchor {
  let latest: Anchored | null = null
  return {
    account,
    latest: async () => latest,
    anchor: async (head) => (latest = { ...head, block: 7, transaction: `0x${'cd'.repeat(32)}` }),
    check: async () => 'absent',
  }
}

function localAnchoring(anchors: ChainAnchor): Anchoring {
  const heads = {
    now: async () => ({ log: 0, size: 2 }),
    sign: async () => ({ log: 0, size: 2, root: new Uint8Array(32).fill(5) }),
    entryAtMs: async () => Date.now(),
  }
  return new Anchoring({ heads, anchors, clock: systemClock() })
}
