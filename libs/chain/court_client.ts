// The court on an EVM chain: the Court seam over the contract.

import { type Clock, equalBytes, HaggleError, toHex } from '@haggle/wire'
import {
  type AttestedStatement,
  type Case,
  caseId,
  type Claim,
  countBits,
  type Court,
  type CourtEvent,
  type CourtOptions,
  type CourtParameters,
  type CourtReceipt,
  isRefusal,
  refused,
  type SlaOpening,
} from '@haggle/witness'
import type { Store } from '@haggle/store'
import { type Address, type ContractFunctionArgs, type ContractFunctionReturnType, encodeFunctionData, type Hex } from 'viem'
import { courtAbi, stakeVaultAbi } from './abi/mod.ts'
import { allow } from './_allowance.ts'
import { hex, unhex as bytes } from './_bytes.ts'
import type { Chain } from './chain.ts'
import { CourtLog, type CourtLogEvent, decodeCourtEvent } from './_court_log.ts'
import { type Follower, followLogs } from './follower.ts'
import { submit, type SubmitInit } from './_outcome.ts'
import type { TransactionSender } from './sending.ts'

/** What {@link evmCourt} needs. */
export interface EvmCourtInit {
  readonly chain: Chain
  /** Sends for the account that is party or witness. */
  readonly sender: TransactionSender
  /** The `Court` contract. */
  readonly contract: Address
  /** A store or sub-store of its own: how far events are told. */
  readonly store: Store
  readonly clock: Clock
  /** Block that no case is older than. Default 0. */
  readonly fromBlock?: number
}

/** {@link Court} with what only a chain has. */
export interface EvmCourt extends Court {
  /** Ends the telling of events. The sender is the caller's. */
  stop(): Promise<void>
}

type CourtView = 'caseOf' | 'committeeOf' | 'claimOf' | 'claimCount' | 'claimedSlots' | 'seatPlusOneOf' | 'seatAt' | 'owed'
type CourtViewArgs<F extends CourtView> = ContractFunctionArgs<typeof courtAbi, 'pure' | 'view', F>
type CourtViewResult<F extends CourtView> = ContractFunctionReturnType<typeof courtAbi, 'pure' | 'view', F, CourtViewArgs<F>>

const ZERO: Hex = `0x${'0'.repeat(64)}`
const STATES = [null, 'opened', 'drawn', 'closed'] as const

/** Opens the court at `contract` for one account. Reads its constants once. */
export async function evmCourt(init: EvmCourtInit): Promise<EvmCourt> {
  const { chain, contract } = init
  const at = await chain.confirmed()
  const constant = <F extends 'witnessStake' | 'claimS' | 'refuteS' | 'drawDelay' | 'commitReveal' | 'vault' | 'token'>(functionName: F) =>
    chain.view({ address: contract, abi: courtAbi, functionName, args: [] as never }, { at })
  const parameters: CourtParameters = {
    chain: chain.id,
    court: bytes(contract),
    witnessStake: (await constant('witnessStake')) as bigint,
    claimS: Number(await constant('claimS')),
    refuteS: Number(await constant('refuteS')),
    drawDelay: Number(await constant('drawDelay')),
    commitReveal: (await constant('commitReveal')) as boolean,
  }
  return new ContractCourt(init, parameters, {
    vault: (await constant('vault')) as Address,
    token: (await constant('token')) as Address,
    begin: at.number + 1,
  })
}

/** What goes with the contract, and the block from which events are told at first. */
interface Parts {
  readonly vault: Address
  readonly token: Address
  readonly begin: number
}

class ContractCourt implements EvmCourt {
  readonly parameters: CourtParameters
  readonly account: Uint8Array
  readonly #init: EvmCourtInit
  readonly #parts: Parts
  readonly #log: CourtLog
  readonly #listeners = new Set<(event: CourtEvent) => void>()
  #follower: Follower | undefined

  constructor(init: EvmCourtInit, parameters: CourtParameters, parts: Parts) {
    this.#init = init
    this.parameters = parameters
    this.account = init.sender.account
    this.#parts = parts
    this.#log = new CourtLog({ chain: init.chain, contract: init.contract, fromBlock: init.fromBlock ?? 0 })
  }

  async nowS(options: CourtOptions = {}): Promise<number> {
    return (await this.#init.chain.confirmed(options)).timestamp
  }

  async latestBlock(options: CourtOptions = {}): Promise<{ readonly block: number; readonly blockHash: Uint8Array }> {
    const { chain } = this.#init
    const head = await chain.head(options)
    // One below the newest: another node may not have that one yet.
    const known = (await chain.block(Math.max(0, head.number - 1), options)) ?? head
    return { block: known.number, blockHash: bytes(known.hash) }
  }

  async blockTime(block: number, blockHash: Uint8Array, options: CourtOptions = {}): Promise<number | null> {
    const found = await this.#init.chain.block(block, options)
    return found && equalBytes(bytes(found.hash), blockHash) ? found.timestamp : null
  }

  async caseOf(id: Uint8Array, options: CourtOptions = {}): Promise<Case | null> {
    const { chain } = this.#init
    const at = await chain.confirmed(options)
    const view = { ...options, at }
    const one = await this.#view('caseOf', [hex(id)], view)
    const state = STATES[one.state] ?? null
    if (state === null) return null
    const opening = await this.#log.openingOf(hex(id), options)
    if (opening === undefined) return null
    const [seats, accounts, peerKeys] = await this.#view('committeeOf', [hex(id)], view)
    const lock = { address: this.#parts.vault, abi: stakeVaultAbi, functionName: 'lockOf', args: [one.provider, hex(id)] } as const
    return {
      ...opening,
      id,
      state,
      slots: one.slots,
      provider: bytes(one.provider),
      lockLeft: await chain.view(lock, view),
      drawBlock: one.pinBlock + this.parameters.drawDelay,
      committee: seats.map((seat, i) => ({ seat, account: bytes(accounts[i] as Hex), peerKey: bytes(peerKeys[i] as Hex) })),
      openClaims: one.openClaims,
    }
  }

  async claimOf(claim: bigint, options: CourtOptions = {}): Promise<Claim | null> {
    const view = { ...options, at: await this.#init.chain.confirmed(options) }
    if (claim < 0n || claim >= (await this.#view('claimCount', [], view))) return null
    const { id, window, mask, refuted, until, finalized } = await this.#view('claimOf', [claim], view)
    const { pricePerSlot } = await this.#view('caseOf', [id], view)
    const bond = pricePerSlot * BigInt(countBits(mask))
    return { number: claim, id: bytes(id), window, mask, refuted, untilS: Number(until), bond, finalized }
  }

  async claimedSlots(id: Uint8Array, window: number, options: CourtOptions = {}): Promise<bigint> {
    return await this.#view('claimedSlots', [hex(id), window], options)
  }

  async cases(account: Uint8Array, options: CourtOptions = {}): Promise<readonly Uint8Array[]> {
    const events = await this.#log.events(options)
    const mine = hex(account).toLowerCase()
    const found = new Set<Hex>()
    // Who held each seat when a committee was drawn is what the events before it say.
    const seats = new Set<number>()
    for (const event of events) {
      if (event.name === 'Enrolled' && event.args.account.toLowerCase() === mine) seats.add(event.args.seat)
      if (event.name === 'Released' && event.args.account.toLowerCase() === mine) seats.delete(event.args.seat)
      if (event.name === 'SlaOpened' && [event.args.provider, event.args.renter].some((party) => party.toLowerCase() === mine))
        found.add(event.args.id)
      if (event.name === 'WitnessesDrawn' && event.args.seats.some((seat) => seats.has(seat))) found.add(event.args.id)
    }
    return [...found].toSorted().map(bytes)
  }

  async claimsOf(id: Uint8Array, options: CourtOptions = {}): Promise<readonly Claim[]> {
    const events = await this.#log.events(options)
    const numbers = events.flatMap((event) => (event.name === 'DowntimeClaimed' && event.args.id === hex(id) ? [event.args.claim] : []))
    const claims = await Promise.all(numbers.map((number) => this.claimOf(number, options)))
    return claims.filter((claim) => claim !== null)
  }

  async seatOf(account: Uint8Array, options: CourtOptions = {}): ReturnType<Court['seatOf']> {
    const view = { ...options, at: await this.#init.chain.confirmed(options) }
    const seat = Number(await this.#view('seatPlusOneOf', [hex(account)], view)) - 1
    if (seat < 0) return null
    const { enrolledBlock, leftBlock, cases } = await this.#view('seatAt', [seat], view)
    return { seat, account, enrolledBlock, leftBlock, cases }
  }

  async owed(account: Uint8Array, options: CourtOptions = {}): Promise<bigint> {
    return await this.#view('owed', [hex(account)], options)
  }

  async enroll(peerKey: Uint8Array, options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('enroll', [hex(peerKey)], 'enroll', options)
  }

  async vacate(options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('vacate', [], 'vacate', options)
  }

  async release(options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('release', [], 'release', options)
  }

  async openSla(opening: SlaOpening, options: CourtOptions = {}): Promise<CourtReceipt & { readonly id: Uint8Array }> {
    const { renterKey, providerKey, terms, rule, slotS, slots, startsAtS, pricePerSlot, factor, lock } = opening
    const commit = (one: Uint8Array | null): Hex => (one ? hex(one) : ZERO)
    const sla = {
      renter: hex(opening.renter),
      renterKey: hex(renterKey),
      providerKey: hex(providerKey),
      terms: hex(terms),
      rule,
      slotS,
      slots,
      startsAt: BigInt(startsAtS),
      pricePerSlot,
      factor,
      lock,
      renterCommit: commit(opening.renterCommit),
      providerCommit: commit(opening.providerCommit),
    }
    const id = caseId(this.parameters, { provider: this.account, renter: opening.renter, terms })
    return { ...(await this.#send('openSla', [sla], `sla:${toHex(id)}`, options)), id }
  }

  async drawWitnesses(
    id: Uint8Array,
    secrets?: { readonly provider: Uint8Array; readonly renter: Uint8Array },
    options: CourtOptions = {},
  ): Promise<CourtReceipt> {
    const args = [hex(id), secrets ? hex(secrets.provider) : ZERO, secrets ? hex(secrets.renter) : ZERO] as const
    return await this.#send('drawWitnesses', args, `draw:${toHex(id)}`, options)
  }

  async claimDowntime(
    { id, window, mask, bitmaps }: Parameters<Court['claimDowntime']>[0],
    options: CourtOptions = {},
  ): Promise<CourtReceipt & { readonly claim: bigint }> {
    const one = await this.#view('caseOf', [hex(id)], options)
    const { contract } = this.#init
    const bond = one.pricePerSlot * BigInt(countBits(mask))
    await allow({ ...this.#submitting, token: this.#parts.token, spender: contract }, bond, options)
    const said = bitmaps.map(({ index, down, sig }) => ({ index, down, sig: hex(sig) }))
    const receipt = await this.#send('claimDowntime', [hex(id), window, mask, said], `claim:${toHex(id)}:${window}:${mask}`, options)
    const events = await this.#log.events(options)
    const made = events.find((event) => event.name === 'DowntimeClaimed' && event.log.transaction === receipt.hash)
    if (made?.name !== 'DowntimeClaimed') throw new HaggleError('E_CHAIN_LIE', 'Cannot find the claim that was just made')
    return { ...receipt, claim: made.args.claim }
  }

  async refute(claim: bigint, slots: Parameters<Court['refute']>[1], options: CourtOptions = {}): Promise<CourtReceipt> {
    const refutations = slots.map(({ slot, receipts }) => ({
      slot,
      receipts: receipts.map(({ index, sig }) => ({ index, sig: hex(sig) })),
    }))
    const name = slots.map(({ slot }) => slot).join()
    return await this.#send('refute', [claim, refutations], `refute:${claim}:${name}`.slice(0, 250), options)
  }

  async finalize(claim: bigint, options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('finalize', [claim], `finalize:${claim}`, options)
  }

  async proveWitnessEquivocation(
    { id, index, a, b }: Parameters<Court['proveWitnessEquivocation']>[0],
    options: CourtOptions = {},
  ): Promise<CourtReceipt> {
    return await this.#send(
      'proveWitnessEquivocation',
      [hex(id), index, statementOf(a), statementOf(b)],
      `liar:${toHex(id)}:${index}`,
      options,
    )
  }

  async endSla(id: Uint8Array, slots: number, renterSig: Uint8Array, options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('endSla', [hex(id), slots, hex(renterSig)], `end:${toHex(id)}:${slots}`, options)
  }

  async close(id: Uint8Array, options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('close', [hex(id)], `close:${toHex(id)}`, options)
  }

  async collect(options: CourtOptions = {}): Promise<CourtReceipt> {
    return await this.#send('collect', [this.#init.sender.address], 'collect', options)
  }

  follow(listener: (event: CourtEvent) => void): () => void {
    const { chain, contract, store, clock } = this.#init
    this.#listeners.add(listener)
    this.#follower ??= followLogs({
      chain,
      addresses: [contract],
      store: store.sub('events'),
      clock,
      fromBlock: this.#parts.begin,
      consume: ({ logs }) => {
        for (const log of logs) {
          const event = decodeCourtEvent(log)
          const told = event && courtEventOf(event)
          if (told) for (const one of this.#listeners) one(told)
        }
      },
    })
    return () => void this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.#listeners.clear()
    await this.#follower?.stop()
  }

  /** A view of the court, at `at` or confirmed. */
  #view<const F extends CourtView, const P extends CourtViewArgs<F>>(
    functionName: F,
    args: P,
    options: Parameters<Chain['view']>[1] = {},
  ): Promise<CourtViewResult<F>> {
    return this.#init.chain.view({ address: this.#init.contract, abi: courtAbi, functionName, args } as never, options) as never
  }

  async #send(functionName: string, args: readonly unknown[], key: string, options: CourtOptions): Promise<CourtReceipt> {
    const data = encodeFunctionData({ abi: courtAbi, functionName, args } as never)
    return await this.#transaction({ to: this.#init.contract, data }, `court:${key}`, options)
  }

  async #transaction(call: { readonly to: Address; readonly data: Hex }, key: string, options: CourtOptions): Promise<CourtReceipt> {
    try {
      return await submit(this.#submitting, call, { ...options, key })
    } catch (error) {
      throw refusalOf(error)
    }
  }

  get #submitting(): SubmitInit {
    return { ...this.#init, refusal: 'E_COURT' }
  }
}

/** The contract's own name for its refusal, without arguments; the vault's `AboveFree` as the model names it. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof HaggleError) || error.code !== 'E_COURT') return error
  const name = String(error.details['reason'] ?? '').replace(/\(.*$/, '')
  if (name === 'AboveFree') return refused('StakeTooSmall')
  return isRefusal(name) ? refused(name) : error
}

function statementOf(statement: AttestedStatement): { bitmap: boolean; number: number; down: bigint; sig: Hex } {
  return statement.kind === 'bitmap'
    ? { bitmap: true, number: statement.window, down: statement.down, sig: hex(statement.sig) }
    : { bitmap: false, number: statement.slot, down: 0n, sig: hex(statement.sig) }
}

const KINDS: Partial<Record<CourtLogEvent['name'], CourtEvent['kind']>> = {
  SlaOpened: 'opened',
  Pinned: 'pinned',
  WitnessesDrawn: 'drawn',
  SlaEnded: 'ended',
  CaseClosed: 'closed',
  DowntimeClaimed: 'claimed',
  Refuted: 'refuted',
  Finalized: 'finalized',
  WitnessEquivocated: 'equivocated',
}

function courtEventOf({ name, args, log }: CourtLogEvent): CourtEvent | null {
  const kind = KINDS[name]
  if (kind === undefined || !('id' in args)) return null
  return { kind, id: bytes(args.id), claim: 'claim' in args ? args.claim : null, block: log.block }
}
