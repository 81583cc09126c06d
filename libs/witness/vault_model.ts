// The stake vault as the court sees it: stakes, locks on them, slashes. The same rules as the contract's, held to them by a test on a chain.

import { toHex } from '@haggle/wire'
import { refused } from './refusal.ts'

/** Stakes and locks in memory. Amounts are base units, accounts 20 bytes. */
export class VaultModel {
  readonly #staked = new Map<string, bigint>()
  readonly #locks = new Map<string, Map<string, bigint>>()
  readonly #credit = new Map<string, bigint>()
  #burned = 0n

  /** Adds to an account's stake. */
  stake(account: Uint8Array, amount: bigint): void {
    this.#staked.set(toHex(account), this.stakedOf(account) + amount)
  }

  /** All that an account has staked, locked or not. */
  stakedOf(account: Uint8Array): bigint {
    return this.#staked.get(toHex(account)) ?? 0n
  }

  /** The sum of an account's locks. */
  lockedOf(account: Uint8Array): bigint {
    return [...(this.#locks.get(toHex(account))?.values() ?? [])].reduce((sum, amount) => sum + amount, 0n)
  }

  /** What is left of one lock. */
  lockOf(account: Uint8Array, id: Uint8Array): bigint {
    return this.#locks.get(toHex(account))?.get(toHex(id)) ?? 0n
  }

  /** What slashes gave an account. */
  creditOf(account: Uint8Array): bigint {
    return this.#credit.get(toHex(account)) ?? 0n
  }

  /** What slashes burned. */
  get burned(): bigint {
    return this.#burned
  }

  /** Locks part of a stake. Throws `E_COURT` (StakeTooSmall) when less is free. */
  lock(account: Uint8Array, id: Uint8Array, amount: bigint): void {
    if (this.stakedOf(account) - this.lockedOf(account) < amount) throw refused('StakeTooSmall')
    const locks = this.#locks.get(toHex(account)) ?? new Map<string, bigint>()
    this.#locks.set(toHex(account), locks.set(toHex(id), amount))
  }

  /** Frees what is left of a lock. */
  unlock(account: Uint8Array, id: Uint8Array): void {
    this.#locks.get(toHex(account))?.delete(toHex(id))
  }

  /** Takes at most `amount` out of a lock: the first `toVictim` for the victim, the rest burned. Returns what was taken. */
  slash(account: Uint8Array, id: Uint8Array, amount: bigint, victim: { readonly account: Uint8Array; readonly most: bigint }): bigint {
    const left = this.lockOf(account, id)
    const taken = amount < left ? amount : left
    this.#locks.get(toHex(account))?.set(toHex(id), left - taken)
    this.#staked.set(toHex(account), this.stakedOf(account) - taken)
    const given = victim.most < taken ? victim.most : taken
    this.#credit.set(toHex(victim.account), this.creditOf(victim.account) + given)
    this.#burned += taken - given
    return taken
  }
}
