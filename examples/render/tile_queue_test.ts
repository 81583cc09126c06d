import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTileQueue } from './tile_queue.ts'

describe('createTileQueue()', () => {
  it('hands out again what a lost worker had, first of all', () => {
    const queue = createTileQueue(4)
    expect([queue.take('a'), queue.take('b'), queue.take('a')]).toEqual([0, 1, 2])
    queue.done('a', 0)
    expect(queue.lost('a')).toEqual([2])
    expect(queue.take('b')).toBe(2)
    expect(queue.take('b')).toBe(3)
  })

  it('lets an idle worker race for a tile that another still has, and counts it once', () => {
    const queue = createTileQueue(1)
    expect([queue.take('a'), queue.take('a'), queue.take('b'), queue.take('c')]).toEqual([0, undefined, 0, undefined])
    expect([queue.done('b', 0), queue.done('a', 0)]).toEqual([true, false])
    expect([queue.broughtBy('a'), queue.broughtBy('b'), queue.finished]).toEqual([0, 1, 1])
  })

  it('finishes every tile whatever workers die, as long as one lives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 }), (total, script) => {
        const queue = createTileQueue(total)
        const held = new Map<string, number[]>()
        for (const [worker, dies] of script) {
          const name = `w${worker}`
          if (dies) {
            queue.lost(name)
            held.delete(name)
            continue
          }
          const tile = queue.take(name)
          if (tile !== undefined) held.set(name, [...(held.get(name) ?? []), tile])
          const first = held.get(name)?.shift()
          if (first !== undefined && worker % 2 === 0) queue.done(name, first)
        }
        for (const name of held.keys()) queue.lost(name)
        for (let tile = queue.take('last'); tile !== undefined; tile = queue.take('last')) queue.done('last', tile)
        expect(queue.finished).toBe(total)
      }),
    )
  })
})
