// What of a machine is taken by contracts, and the offer of what is left.

import type { Terms } from '@haggle/contract'
import type { Offer } from '@haggle/offer'
import type { Clock } from '@haggle/wire'
import { DiskRoom } from './disk_room.ts'
import { makeOffer, type Policy } from './offer_maker.ts'
import type { MarketParts } from './parts.ts'

/** What a running contract holds here. */
interface Held {
  readonly devices: readonly string[]
  /** PeerId. */
  readonly renter: string
}

/** What {@link Capacity} needs. */
export interface CapacityInit extends Pick<NonNullable<MarketParts['provider']>, 'machine' | 'freeDiskMiB'> {
  readonly clock: Clock
  /** Something was taken or came free. */
  readonly onChange: () => void
}

/** See the file's first line. */
export class Capacity {
  /** What jobs may have of the disk. */
  readonly room: DiskRoom
  readonly #init: CapacityInit
  readonly #held = new Map<string, Held>()

  constructor(init: CapacityInit) {
    const { freeDiskMiB, clock, onChange } = init
    this.#init = init
    this.room = new DiskRoom({ clock, onChange, ...(freeDiskMiB === undefined ? {} : { freeMiB: freeDiskMiB }) })
  }

  /** Keeps for a thread what its terms name. */
  hold(thread: string, { devices }: Terms, renter: string): void {
    this.#held.set(thread, { devices: devices.map(({ id }) => id), renter })
    this.#init.onChange()
  }

  /** Gives back what a thread held; nothing when it held nothing. */
  release(thread: string): void {
    if (this.#held.delete(thread)) this.#init.onChange()
  }

  /** True while a thread holds something. */
  holds(thread: string): boolean {
    return this.#held.has(thread)
  }

  /** How many threads of a renter hold something, `except` not counted. */
  heldBy(renter: string, except: string): number {
    return [...this.#held].filter(([thread, held]) => thread !== except && held.renter === renter).length
  }

  /** The offer of this moment. */
  offer(policy: Policy): Offer {
    const busy = new Set([...this.#held.values()].flatMap(({ devices }) => devices))
    return makeOffer(this.#init.machine, policy, { busy, used: this.#held.size, roomMiB: this.room.mib })
  }
}
