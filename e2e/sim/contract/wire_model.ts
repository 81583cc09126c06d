// The link between two nodes: it delays, loses, repeats and reorders what it carries, and breaks.

import type { Role, ThreadMessage } from '@haggle/contract'
import type { Rng } from './rng.ts'
import type { Timeline } from './timeline.ts'

/** What travels: an envelope, or the unsigned SYNC frame. */
export type Frame =
  | { readonly kind: 'envelope'; readonly message: ThreadMessage }
  | { readonly kind: 'sync'; readonly mine: number; readonly yours: number }

/** How bad the link is. */
export interface Weather {
  readonly lossRate: number
  readonly repeatRate: number
  readonly minDelayMs: number
  readonly maxDelayMs: number
  /** Chance that a frame takes up to ten seconds. */
  readonly stragglerRate: number
  /** Frames overtake each other. */
  readonly reorders: boolean
  /** Mean time between two breaks; 0: never. */
  readonly breakEveryMs: number
}

/** One link. */
export interface Link {
  readonly up: boolean
  /** Grows with each new connection. */
  readonly epoch: number
  send(from: Role, frame: Frame): void
  /** A side died: what is under way is lost, and a new connection is needed. */
  drop(): void
  /** Breaks until it is healed by `cut(false)`. */
  cut(down: boolean): void
}

/** What a link needs. */
export interface LinkInit {
  readonly time: Timeline
  readonly chance: Rng
  readonly weather: Weather
  readonly deliver: (to: Role, frame: Frame) => void
  /** A new connection stands. */
  readonly connected: () => void
}

/** A link in `weather`. */
export function link(init: LinkInit): Link {
  const { time, chance, weather } = init
  let up = true
  let epoch = 0
  let gone = false
  const lastAt: Record<Role, number> = { renter: 0, provider: 0 }

  function connect(): void {
    if (gone || up) return
    up = true
    epoch++
    init.connected()
  }

  function drop(): void {
    if (!up) return
    up = false
    epoch++
    time.after(chance.int(20, 400), connect)
  }

  function breakSometime(): void {
    if (weather.breakEveryMs === 0) return
    time.after(chance.int(1, weather.breakEveryMs * 2), () => {
      if (up && !gone) {
        up = false
        epoch++
        time.after(chance.chance(0.15) ? chance.int(5_000, 90_000) : chance.int(50, 5_000), connect)
      }
      breakSometime()
    })
  }
  breakSometime()

  function carry(from: Role, frame: Frame): void {
    const to: Role = from === 'renter' ? 'provider' : 'renter'
    const straggles = weather.stragglerRate > 0 && chance.chance(weather.stragglerRate)
    const delay = straggles ? chance.int(500, 10_000) : chance.int(weather.minDelayMs, weather.maxDelayMs)
    const at = weather.reorders ? time.nowMs + delay : Math.max(lastAt[to], time.nowMs + delay)
    lastAt[to] = at
    const sent = epoch
    time.after(at - time.nowMs, () => {
      if (up && sent === epoch) init.deliver(to, frame)
    })
  }

  return {
    get up() {
      return up
    },
    get epoch() {
      return epoch
    },
    send(from, frame) {
      if (!up || (weather.lossRate > 0 && chance.chance(weather.lossRate))) return
      carry(from, frame)
      if (weather.repeatRate > 0 && chance.chance(weather.repeatRate)) carry(from, frame)
    },
    drop,
    cut(down) {
      gone = down
      if (down) {
        up = false
        epoch++
      } else connect()
    },
  }
}
