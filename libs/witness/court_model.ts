// The court's contract as plain code: every rule of Court.sol with block, time and sender as parameters. A test holds the two to each other call by call.

import { compareBytes, equalBytes, toHex } from '@haggle/wire'
import { commitTo } from './draw_secret.ts'
import { drawSeats, drawSeed, type Seat } from './committee.ts'
import type {
  AttestedBitmap,
  AttestedStatement,
  Attestation,
  Case,
  CaseState,
  Claim,
  CourtParameters,
  Member,
  SlaOpening,
} from './court.ts'
import {
  attestsOnChain,
  type CallContext,
  type CourtModelOptions,
  HASH_MEMORY,
  keepsLimits,
  REPORTER_PART,
  WITNESS_LOCK,
} from './model_init.ts'
import { refused } from './refusal.ts'
import { type Rule, RULES } from './rule.ts'
import { countBits, slotBit, windowEndS, windowMask, windowOf } from './slots.ts'
import { caseId, contradict, endDigest, signedBy, type Statement } from './statement.ts'
import { VaultModel } from './vault_model.ts'
import { opensClaim, refutes, settle } from './verdict.ts'

interface ModelSeat {
  account: Uint8Array
  peerKey: Uint8Array
  enrolledBlock: number
  leftBlock: number
  cases: number
}

interface ModelCase {
  readonly id: Uint8Array
  readonly provider: Uint8Array
  readonly opening: SlaOpening
  slots: number
  state: CaseState
  pinBlock: number
  openClaims: number
  seats: readonly number[]
  readonly claimed: Map<number, bigint>
}

const NOBODY = new Uint8Array(20)

/** A court in memory. Every refusal is `E_COURT` with the name of the contract's error as `details.reason`. */
export class CourtModel {
  /** The court's constants. */
  readonly parameters: CourtParameters
  /** Stakes and locks. */
  readonly vault: VaultModel
  readonly #rules: Readonly<Record<number, Rule>>
  readonly #attests: NonNullable<CourtModelOptions['attests']>
  readonly #once: boolean
  readonly #seats: ModelSeat[] = []
  readonly #freeSeats: number[] = []
  readonly #cases = new Map<string, ModelCase>()
  readonly #claims: Claim[] = []
  readonly #owed = new Map<string, bigint>()

  /** A court without seats and cases. */
  constructor({
    parameters,
    vault = new VaultModel(),
    rules = RULES,
    attests = attestsOnChain(parameters),
    once = true,
  }: CourtModelOptions) {
    this.parameters = parameters
    this.vault = vault
    this.#rules = rules
    this.#attests = attests
    this.#once = once
  }

  /** Takes a seat. Returns its number. */
  enroll({ sender, block }: CallContext, peerKey: Uint8Array): number {
    if (this.seatOf(sender)) throw refused('SeatTaken')
    this.vault.lock(sender, WITNESS_LOCK, this.parameters.witnessStake)
    const seat = { account: sender, peerKey, enrolledBlock: block, leftBlock: 0, cases: 0 }
    const number = this.#freeSeats.pop() ?? this.#seats.length
    this.#seats[number] = seat
    return number
  }

  /** No case that is pinned from the next block on draws the seat. */
  vacate({ sender, block }: CallContext): void {
    const seat = this.#ownSeat(sender)
    if (seat.leftBlock !== 0) throw refused('TooLate')
    seat.leftBlock = block
  }

  /** Gives the seat's stake back. */
  release({ sender, block }: CallContext): void {
    const seat = this.#ownSeat(sender)
    if (seat.leftBlock === 0 || block <= seat.leftBlock + this.parameters.drawDelay + HASH_MEMORY) throw refused('TooEarly')
    if (seat.cases !== 0) throw refused('SeatBusy')
    const number = this.#seats.indexOf(seat)
    this.#seats[number] = { account: NOBODY, peerKey: seat.peerKey, enrolledBlock: 0, leftBlock: 0, cases: 0 }
    this.#freeSeats.push(number)
    this.vault.unlock(sender, WITNESS_LOCK)
  }

  /** Opens a case; the sender is the provider. Returns its id. */
  openSla(context: CallContext, opening: SlaOpening): Uint8Array {
    const { sender, block } = context
    const { lock, renter, slots } = opening
    if (!keepsLimits(opening, context, this.parameters.commitReveal)) throw refused('BadSla')
    const id = caseId(this.parameters, { provider: sender, renter, terms: opening.terms })
    if (this.#cases.has(toHex(id))) throw refused('CaseExists')
    this.vault.lock(sender, id, lock)
    const one: ModelCase = {
      id,
      provider: sender,
      opening,
      slots,
      state: 'opened',
      pinBlock: block,
      openClaims: 0,
      seats: [],
      claimed: new Map(),
    }
    this.#cases.set(toHex(id), one)
    return id
  }

  /** `drawn`, or `pinned` when the hash was forgotten. */
  drawWitnesses(
    { block, blockHash }: CallContext,
    id: Uint8Array,
    secrets?: { readonly provider: Uint8Array; readonly renter: Uint8Array },
  ): 'drawn' | 'pinned' {
    const one = this.#case(id)
    if (one.state !== 'opened') throw refused('WrongState')
    const drawBlock = one.pinBlock + this.parameters.drawDelay
    if (block <= drawBlock) throw refused('TooEarly')
    if (block > drawBlock + HASH_MEMORY) {
      one.pinBlock = block
      return 'pinned'
    }
    const { renterCommit, providerCommit, renter, rule } = one.opening
    if (this.parameters.commitReveal) {
      const fits =
        secrets !== undefined &&
        equalBytes(commitTo(secrets.provider), providerCommit as Uint8Array) &&
        equalBytes(commitTo(secrets.renter), renterCommit as Uint8Array)
      if (!fits) throw refused('BadSecrets')
    } else if (secrets !== undefined) throw refused('BadSecrets')
    const { n } = this.#rule(rule)
    const drawn = drawSeats(this.#seats, {
      seed: drawSeed(id, blockHash(drawBlock), secrets),
      pinBlock: one.pinBlock,
      n,
      parties: [one.provider, renter, NOBODY],
    })
    if (drawn === null) throw refused('PoolTooSmall')
    for (const seat of drawn) this.#seat(seat).cases++
    one.seats = drawn
    one.state = 'drawn'
    return 'drawn'
  }

  /** Opens a claim; the sender is the renter. Returns its number. */
  claimDowntime(
    { sender, nowS }: CallContext,
    {
      id,
      window,
      mask,
      bitmaps,
    }: { readonly id: Uint8Array; readonly window: number; readonly mask: bigint; readonly bitmaps: readonly AttestedBitmap[] },
  ): bigint {
    const one = this.#case(id)
    if (one.state !== 'drawn') throw refused('WrongState')
    if (!equalBytes(sender, one.opening.renter)) throw refused('NotParty')
    const schedule = { ...one.opening, slots: one.slots }
    if (mask === 0n || (mask & ~windowMask(schedule, window)) !== 0n) throw refused('BadMask')
    const end = windowEndS(schedule, window)
    if (nowS < end) throw refused('TooEarly')
    if (nowS > end + this.parameters.claimS) throw refused('TooLate')
    const claimed = one.claimed.get(window) ?? 0n
    if (this.#once && (claimed & mask) !== 0n) throw refused('SlotClaimed')
    if (!opensClaim(this.#rule(one.opening.rule), mask, bitmaps)) throw refused('BadBitmaps')
    for (const { index, down, sig } of bitmaps) this.#check(one, index, { kind: 'bitmap', window, down }, sig)
    one.claimed.set(window, claimed | mask)
    one.openClaims++
    const number = BigInt(this.#claims.length)
    const bond = one.opening.pricePerSlot * BigInt(countBits(mask))
    this.#claims.push({ number, id, window, mask, refuted: 0n, untilS: nowS + this.parameters.refuteS, bond, finalized: false })
    return number
  }

  /** Takes slots out of a claim. */
  refute(
    { nowS }: CallContext,
    claim: bigint,
    slots: readonly { readonly slot: number; readonly receipts: readonly Attestation[] }[],
  ): void {
    const one = this.#openClaim(claim)
    if (nowS > one.untilS) throw refused('TooLate')
    const its = this.#case(one.id)
    let { refuted } = one
    for (const { slot, receipts } of slots) {
      if (windowOf(slot) !== one.window || (one.mask & slotBit(slot)) === 0n) throw refused('BadMask')
      if (
        !refutes(
          this.#rule(its.opening.rule),
          receipts.map(({ index }) => index),
        )
      )
        throw refused('BadReceipts')
      for (const { index, sig } of receipts) this.#check(its, index, { kind: 'receipt', slot }, sig)
      refuted |= slotBit(slot)
    }
    this.#claims[Number(claim)] = { ...one, refuted }
  }

  /** Returns what was slashed. */
  finalize({ nowS }: CallContext, claim: bigint): bigint {
    const one = this.#openClaim(claim)
    if ((one.mask & ~one.refuted) !== 0n && nowS <= one.untilS) throw refused('TooEarly')
    this.#claims[Number(claim)] = { ...one, finalized: true }
    const its = this.#case(one.id)
    its.openClaims--
    const { pricePerSlot, factor, renter } = its.opening
    const lockLeft = this.vault.lockOf(its.provider, its.id)
    const { slash, toVictim, bondBack, bondLost } = settle({ mask: one.mask, refuted: one.refuted, pricePerSlot, factor, lockLeft })
    this.#owe(renter, bondBack)
    this.#owe(its.provider, bondLost)
    return this.vault.slash(its.provider, its.id, slash, { account: renter, most: toVictim })
  }

  /** Returns what was slashed. */
  proveWitnessEquivocation(
    { sender, block }: CallContext,
    { id, index, a, b }: { readonly id: Uint8Array; readonly index: number; readonly a: AttestedStatement; readonly b: AttestedStatement },
  ): bigint {
    const one = this.#case(id)
    if (one.state !== 'drawn') throw refused('WrongState')
    if (index >= one.seats.length || !contradict(a, b)) throw refused('NoContradiction')
    this.#check(one, index, a, a.sig)
    this.#check(one, index, b, b.sig)
    const seat = this.#seat(one.seats[index] as number)
    const stake = this.vault.lockOf(seat.account, WITNESS_LOCK)
    if (stake === 0n) throw refused('NothingToSlash')
    if (seat.leftBlock === 0) seat.leftBlock = block
    return this.vault.slash(seat.account, WITNESS_LOCK, stake, { account: sender, most: stake / REPORTER_PART })
  }

  /** Shortens a case; the sender is the provider. */
  endSla({ sender }: CallContext, id: Uint8Array, slots: number, renterSig: Uint8Array): void {
    const one = this.#case(id)
    if (one.state === 'closed') throw refused('WrongState')
    if (!equalBytes(sender, one.provider)) throw refused('NotParty')
    if (slots >= one.slots) throw refused('BadSla')
    if (one.openClaims !== 0) throw refused('ClaimsOpen')
    if (!signedBy(one.opening.renter, endDigest(this.parameters, { id, slots }), renterSig)) throw refused('BadSignature')
    one.slots = slots
  }

  /** Frees what is left of the lock. */
  close({ block, nowS }: CallContext, id: Uint8Array): void {
    const one = this.#case(id)
    if (one.state === 'closed') throw refused('WrongState')
    if (one.openClaims !== 0) throw refused('ClaimsOpen')
    const { startsAtS, slotS } = one.opening
    const over = nowS > startsAtS + one.slots * slotS + this.parameters.claimS
    const undrawn = one.state === 'opened' && block > one.pinBlock + this.parameters.drawDelay + HASH_MEMORY
    if (!over && !undrawn) throw refused('TooEarly')
    if (one.state === 'drawn') for (const seat of one.seats) this.#seat(seat).cases--
    one.state = 'closed'
    this.vault.unlock(one.provider, id)
  }

  /** Returns what was paid. */
  collect({ sender }: CallContext): bigint {
    const amount = this.owed(sender)
    if (amount === 0n) throw refused('NothingOwed')
    this.#owed.delete(toHex(sender))
    return amount
  }

  /** A case, or null. */
  caseOf(id: Uint8Array): Case | null {
    const one = this.#cases.get(toHex(id))
    if (one === undefined) return null
    const { provider, opening, slots, state, pinBlock, openClaims, seats } = one
    const committee: Member[] = seats.map((seat) => ({ seat, account: this.#seat(seat).account, peerKey: this.#seat(seat).peerKey }))
    const lockLeft = this.vault.lockOf(provider, id)
    return { ...opening, id, provider, slots, state, lockLeft, drawBlock: pinBlock + this.parameters.drawDelay, committee, openClaims }
  }

  /** A claim, or null. */
  claimOf(claim: bigint): Claim | null {
    return this.#claims[Number(claim)] ?? null
  }

  /** Claims of a case, oldest first. */
  claimsOf(id: Uint8Array): Claim[] {
    return this.#claims.filter((claim) => equalBytes(claim.id, id))
  }

  /** Mask of the slots of a window that were claimed. */
  claimedSlots(id: Uint8Array, window: number): bigint {
    return this.#cases.get(toHex(id))?.claimed.get(window) ?? 0n
  }

  /** Cases in which the account is party or witness, in the order of their ids. */
  cases(account: Uint8Array): Uint8Array[] {
    const mine = [...this.#cases.values()].filter(
      ({ provider, opening, seats }) =>
        equalBytes(provider, account) ||
        equalBytes(opening.renter, account) ||
        seats.some((seat) => equalBytes(this.#seat(seat).account, account)),
    )
    return mine.map(({ id }) => id).toSorted(compareBytes)
  }

  /** The account's seat, or null. */
  seatOf(account: Uint8Array): (Seat & { readonly seat: number; readonly cases: number }) | null {
    const seat = this.#seats.findIndex((one) => equalBytes(one.account, account))
    return seat < 0 ? null : { ...this.#seat(seat), seat }
  }

  /** Bonds that the account may collect, base units. */
  owed(account: Uint8Array): bigint {
    return this.#owed.get(toHex(account)) ?? 0n
  }

  #ownSeat(account: Uint8Array): ModelSeat {
    const seat = this.#seats.find((one) => equalBytes(one.account, account))
    if (seat === undefined) throw refused('NoSeat')
    return seat
  }

  #seat(number: number): ModelSeat {
    return this.#seats[number] as ModelSeat
  }

  #case(id: Uint8Array): ModelCase {
    const one = this.#cases.get(toHex(id))
    if (one === undefined) throw refused('WrongState')
    return one
  }

  #openClaim(claim: bigint): Claim {
    const one = this.#claims[Number(claim)]
    if (one === undefined || one.finalized) throw refused('WrongState')
    return one
  }

  #rule(number: number): Rule {
    return this.#rules[number] as Rule
  }

  #check(one: ModelCase, index: number, statement: Statement, sig: Uint8Array): void {
    const seat = one.seats[index]
    if (seat === undefined) throw refused(statement.kind === 'bitmap' ? 'BadBitmaps' : 'BadReceipts')
    if (!this.#attests(this.#seat(seat).account, one.id, statement, sig)) throw refused('BadSignature')
  }

  #owe(account: Uint8Array, amount: bigint): void {
    if (amount > 0n) this.#owed.set(toHex(account), this.owed(account) + amount)
  }
}
