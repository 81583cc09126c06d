// What a court's events say, read once and kept: who opened what, who was drawn, which claims there are.

import { fromHex, HaggleError } from '@haggle/wire'
import type { SlaOpening } from '@haggle/witness'
import { type Address, type ContractEventName, decodeEventLog, type Hex } from 'viem'
import { courtAbi } from './abi/mod.ts'
import type { Chain, ReadOptions } from './chain.ts'
import { type ChainLog, fetchLogs } from './_logs.ts'

/** A decoded event of the court. */
export type CourtLogEvent = {
  [N in ContractEventName<typeof courtAbi>]: {
    readonly name: N
    readonly args: ReturnType<typeof decodeEventLog<typeof courtAbi, N>>['args']
    readonly log: ChainLog
  }
}[ContractEventName<typeof courtAbi>]

/** An event with its name; undefined for one that is none of the court's, such as EIP-712's. */
export function decodeCourtEvent(log: ChainLog): CourtLogEvent | undefined {
  try {
    const { eventName, args } = decodeEventLog({ abi: courtAbi, topics: log.topics as [Hex, ...Hex[]], data: log.data })
    return { name: eventName, args, log } as CourtLogEvent
  } catch (error) {
    throw new HaggleError('E_CHAIN_LIE', 'Cannot believe the chain’s node: an event of the court can not be read', { cause: error })
  }
}

const bytes = (text: Hex): Uint8Array => fromHex(text.slice(2))
const commitOf = (text: Hex): Uint8Array | null => (/^0x0*$/.test(text) ? null : bytes(text))

/** The confirmed events of one court, oldest first. Reads what is new each time it is asked. */
export class CourtLog {
  readonly #chain: Chain
  readonly #contract: Address
  readonly #events: CourtLogEvent[] = []
  #next: number
  #reading: Promise<void> = Promise.resolve()

  constructor({ chain, contract, fromBlock }: { readonly chain: Chain; readonly contract: Address; readonly fromBlock: number }) {
    this.#chain = chain
    this.#contract = contract
    this.#next = fromBlock
  }

  /** Everything up to the confirmed block. */
  async events(options: ReadOptions = {}): Promise<readonly CourtLogEvent[]> {
    const read = this.#reading.catch(() => undefined).then(() => this.#read(options))
    this.#reading = read
    await read
    return this.#events
  }

  /** What the opening of a case said; undefined for a case that is not there. */
  async openingOf(id: Hex, options: ReadOptions = {}): Promise<SlaOpening | undefined> {
    const found = (events: readonly CourtLogEvent[]): CourtLogEvent | undefined =>
      events.find((event) => event.name === 'SlaOpened' && event.args.id === id)
    const event = found(this.#events) ?? found(await this.events(options))
    if (event?.name !== 'SlaOpened') return undefined
    const { sla } = event.args
    return {
      renter: bytes(sla.renter),
      renterKey: bytes(sla.renterKey),
      providerKey: bytes(sla.providerKey),
      terms: bytes(sla.terms),
      rule: sla.rule === 1 ? 1 : 2,
      slotS: sla.slotS,
      slots: sla.slots,
      startsAtS: Number(sla.startsAt),
      pricePerSlot: sla.pricePerSlot,
      factor: sla.factor,
      lock: sla.lock,
      renterCommit: commitOf(sla.renterCommit),
      providerCommit: commitOf(sla.providerCommit),
    }
  }

  async #read({ signal }: ReadOptions): Promise<void> {
    const { number } = await this.#chain.confirmed(signal ? { signal } : {})
    if (number < this.#next) return
    const logs = await fetchLogs(this.#chain, { addresses: [this.#contract] }, { from: this.#next, to: number }, signal)
    for (const log of logs) {
      const event = decodeCourtEvent(log)
      if (event) this.#events.push(event)
    }
    this.#next = number + 1
  }
}
