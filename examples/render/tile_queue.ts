// Who renders which tile: handed out a few at a time, so that a fast worker takes more, and handed out again when a worker is lost.

/** The tiles of one picture and where each stands. */
export interface TileQueue {
  /** A tile for `worker`, or undefined when none is left to begin. Near the end it hands out again what another worker is still busy with. */
  take(worker: string): number | undefined
  /** A tile arrived. True when it is the first time: only then is it to be used. */
  done(worker: string, tile: number): boolean
  /** The worker is gone: what it had comes back, before everything else. */
  lost(worker: string): readonly number[]
  readonly finished: number
  readonly total: number
  /** Tiles that `worker` brought. */
  broughtBy(worker: string): number
}

/** A queue over tiles `0 .. total - 1`, begun in the order given by `order` (default: as numbered). */
export function createTileQueue(total: number, order: readonly number[] = Array.from({ length: total }, (_, i) => i)): TileQueue {
  const waiting = [...order]
  const busy = new Map<number, Set<string>>()
  const finished = new Map<number, string>()
  return {
    take(worker) {
      let tile = waiting.shift()
      // A tile that two workers render is wasted work only once there is nothing else to do.
      tile ??= [...busy].filter(([one, workers]) => !finished.has(one) && workers.size === 1 && !workers.has(worker)).map(([one]) => one)[0]
      if (tile !== undefined) busy.set(tile, (busy.get(tile) ?? new Set()).add(worker))
      return tile
    },
    done(worker, tile) {
      busy.get(tile)?.delete(worker)
      if (finished.has(tile)) return false
      finished.set(tile, worker)
      return true
    },
    lost(worker) {
      const back: number[] = []
      for (const [tile, workers] of busy) {
        if (workers.delete(worker) && workers.size === 0 && !finished.has(tile)) back.push(tile)
      }
      waiting.unshift(...back)
      return back
    },
    get finished() {
      return finished.size
    },
    total,
    broughtBy: (worker) => [...finished.values()].filter((one) => one === worker).length,
  }
}
