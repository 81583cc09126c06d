// Virtual time: things happen in the order of their moment, and nothing waits.

/** What will happen. */
export interface Timeline {
  readonly nowMs: number
  after(ms: number, run: () => void): void
  /** Runs everything up to `untilMs`, or until `stop` says so. Returns how many things happened. */
  run(untilMs: number, stop: () => boolean): number
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

const before = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** An empty timeline at 0 ms. */
export function timeline(): Timeline {
  const heap: Entry[] = []
  let nowMs = 0
  let order = 0

  function push(entry: Entry): void {
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up] as Entry
      if (!before(entry, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = entry
  }

  function pop(): Entry | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = at * 2 + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && before(heap[down + 1] as Entry, heap[down] as Entry)) down++
      if (!before(heap[down] as Entry, last)) break
      heap[at] = heap[down] as Entry
      at = down
    }
    heap[at] = last
    return first
  }

  return {
    get nowMs() {
      return nowMs
    },
    after(ms, run) {
      push({ atMs: nowMs + Math.max(0, ms), order: order++, run })
    },
    run(untilMs, stop) {
      let count = 0
      while (heap.length > 0 && (heap[0] as Entry).atMs <= untilMs && !stop()) {
        const entry = pop() as Entry
        nowMs = entry.atMs
        entry.run()
        count++
      }
      nowMs = Math.max(nowMs, untilMs)
      return count
    },
  }
}
