// How much room jobs have on this machine's disk: what is free of it now, less what the node's own records may need.

import type { Clock } from '@haggle/wire'

/** MiB that jobs never get: what this node signs and is signed to it must be written down before it counts, whatever jobs leave behind. */
export const OWN_RECORDS_MIB = 64
/** Ms from one look at the disk to the next. */
const LOOK_EVERY_MS = 10_000
/** Room is told in steps of a sixteenth of itself, or less: an offer is not signed anew for each file that a job writes. */
const STEPS = 16

/** What {@link DiskRoom} needs. */
export interface DiskRoomInit {
  /** MiB that are free now; left out where nobody can say. */
  readonly freeMiB?: () => Promise<number>
  readonly clock: Clock
  /** Looked; `changed` when there is more or less room than before. */
  readonly onLook: (changed: boolean) => void
}

/** See the file's first line. */
export class DiskRoom {
  readonly #init: DiskRoomInit
  #mib = Infinity
  #looks = false
  #cancel: () => void = () => undefined

  constructor(init: DiskRoomInit) {
    this.#init = init
  }

  /** MiB for jobs; Infinity where nobody can say, 0 when this node needs all that is free. */
  get mib(): number {
    return this.#mib
  }

  /** Looks at once, and then every now and then. */
  async start(): Promise<void> {
    this.#looks = true
    await this.look()
  }

  /** Looks now. Never rejects: a disk that can't be asked keeps the room that it had. */
  async look(): Promise<void> {
    const { freeMiB, clock, onLook } = this.#init
    if (freeMiB === undefined || !this.#looks) return
    this.#cancel()
    const mib = roomIn(await freeMiB().catch(() => this.#mib + OWN_RECORDS_MIB))
    if (!this.#looks) return
    this.#cancel()
    this.#cancel = clock.after(LOOK_EVERY_MS, () => void this.look())
    const changed = mib !== this.#mib
    this.#mib = mib
    onLook(changed)
  }

  /** Looks no more. */
  stop(): void {
    this.#looks = false
    this.#cancel()
  }
}

/** Room for jobs where `freeMiB` are free, rounded down to a step. */
function roomIn(freeMiB: number): number {
  const room = Math.max(0, Math.floor(freeMiB - OWN_RECORDS_MIB))
  if (!Number.isFinite(room)) return room
  const step = Math.max(1, 2 ** Math.floor(Math.log2(room / STEPS)))
  return room - (room % step)
}
