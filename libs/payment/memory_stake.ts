// Stake on a chain in memory, for tests of whatever stakes.

import { type Clock, HaggleError, toHex } from '@haggle/wire'
import type { Transaction } from './channels.ts'
import type { StakeBook, StakeState } from './stake.ts'

/** How {@link memoryVault} is made. */
export interface MemoryVaultOptions {
  readonly clock: Clock
  /** Default 1,209,600: 14 days. */
  readonly unbondingS?: number
  /** Default `evm:31337:0x00…00`. */
  readonly rail?: string
}

/** A vault in memory that several accounts stake in. */
export interface MemoryVault {
  /** The book of `account` (20 bytes), which gets `funds` base units. */
  book(account: Uint8Array, options?: { readonly funds?: bigint }): StakeBook
  /** Locks, or with a negative amount unlocks, as a court would. */
  lock(account: Uint8Array, amount: bigint): void
  /** True: every call rejects with `E_CHAIN_UNREACHABLE`. */
  down: boolean
}

interface Account {
  funds: bigint
  staked: bigint
  locked: bigint
  unbonding: bigint
  unbondsAtS: number | null
}

/**
 * A vault in memory, with the contract's rules: what is asked back stays for `unbondingS`, and what is locked can't be asked back.
 *
 * @example
 * ```ts
 * import { memoryVault } from "@haggle/payment/testing";
 * import { virtualClock } from "@haggle/wire/testing";
 * import { expect } from "vitest";
 *
 * const book = memoryVault({ clock: virtualClock() }).book(new Uint8Array(20).fill(1), { funds: 100n });
 * await book.stake(60n);
 * expect((await book.stakeOf()).staked).toBe(60n);
 * ```
 */
export function memoryVault({ clock, unbondingS = 14 * 86_400, rail = `evm:31337:0x${'0'.repeat(40)}` }: MemoryVaultOptions): MemoryVault {
  const accounts = new Map<string, Account>()
  let block = 0
  const nowS = (): number => Math.floor(clock.now() / 1000)
  const of = (account: Uint8Array): Account => {
    const known = accounts.get(toHex(account)) ?? { funds: 0n, staked: 0n, locked: 0n, unbonding: 0n, unbondsAtS: null }
    accounts.set(toHex(account), known)
    return known
  }
  const mined = (): Transaction => ({ hash: `0x${(++block).toString(16).padStart(64, '0')}`, block, gasUsed: 50_000n })
  const reach = (signal?: AbortSignal): void => {
    signal?.throwIfAborted()
    if (vault.down) throw new HaggleError('E_CHAIN_UNREACHABLE', 'The chain does not answer')
  }
  const vault: MemoryVault = {
    down: false,
    lock: (account, amount) => void (of(account).locked += amount),
    book(account, { funds = 0n } = {}) {
      of(account).funds += funds
      return {
        rail,
        account,
        unbondingS,
        async stakeOf(whose = account): Promise<StakeState> {
          reach()
          const { staked, locked, unbonding, unbondsAtS } = of(whose)
          return { staked, locked, unbonding, unbondsAtS }
        },
        async stake(amount, { signal } = {}) {
          reach(signal)
          const own = of(account)
          if (amount > own.funds) throw new HaggleError('E_FUNDS', `Cannot stake ${amount}: the account has ${own.funds} base units`)
          own.funds -= amount
          own.staked += amount
          return mined()
        },
        async requestUnbond(amount, { signal } = {}) {
          reach(signal)
          const own = of(account)
          const free = own.staked - own.locked - own.unbonding
          if (amount <= 0n || amount > free) throw new HaggleError('E_STAKE', `Cannot ask ${amount} back: ${free} base units are free`)
          own.unbonding += amount
          own.unbondsAtS = nowS() + unbondingS
          return mined()
        },
        async withdraw({ signal } = {}) {
          reach(signal)
          const own = of(account)
          if (own.unbondsAtS === null || nowS() < own.unbondsAtS) throw new HaggleError('E_STAKE', 'Cannot withdraw: nothing has unbonded')
          own.staked -= own.unbonding
          own.funds += own.unbonding
          own.unbonding = 0n
          own.unbondsAtS = null
          return mined()
        },
      }
    },
  }
  return vault
}
