// What of a machine is taken: by contracts, by what jobs left on its disk; and the offer of what is free.

import type { Terms } from '@haggle/contract'
import type { Offer } from '@haggle/offer'
import type { Clock } from '@haggle/wire'
import { KeptJobs } from './_kept_jobs.ts'
import { DiskRoom } from './disk_room.ts'
import { makeOffer, type Policy } from './offer_maker.ts'
import type { MarketParts } from './parts.ts'

/** Of the disk that was free at the start, the share below which new jobs come before what old ones left. */
const SHORT_SHARE = 1 / 2

/** What a running contract holds here. */
interface Held {
  readonly devices: readonly string[]
  /** PeerId. */
  readonly renter: string
}

/** What {@link Capacity} needs. */
export interface CapacityInit extends Pick<NonNullable<MarketParts['provider']>, 'host' | 'machine' | 'freeDiskMiB'> {
  readonly clock: Clock
  /** Something was taken or came free. */
  readonly onChange: () => void
  /** Told when what old jobs left can't be deleted. */
  readonly onProblem?: (error: unknown) => void
}

/** See the file's first line. */
export class Capacity {
  /** What jobs may have of the disk. */
  readonly room: DiskRoom
  /** Jobs that are over and may still be read. */
  readonly kept: KeptJobs
  readonly #init: CapacityInit
  readonly #held = new Map<string, Held>()
  #givesUp = false

  constructor(init: CapacityInit) {
    const { freeDiskMiB, clock } = init
    this.#init = init
    this.kept = new KeptJobs(init)
    const onLook = (changed: boolean): void => {
      if (changed) init.onChange()
      void this.#makeRoom()
    }
    this.room = new DiskRoom({ clock, onLook, ...(freeDiskMiB === undefined ? {} : { freeMiB: freeDiskMiB }) })
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

  get #isShort(): boolean {
    return this.room.mib < this.#init.machine.diskMiB * SHORT_SHARE
  }

  /** What the oldest jobs left makes way for new ones, while there is little room. */
  async #makeRoom(): Promise<void> {
    if (this.#givesUp || !this.#isShort) return
    this.#givesUp = true
    await this.kept.giveUp(async () => {
      await this.room.look()
      return !this.#isShort
    })
    this.#givesUp = false
  }
}
