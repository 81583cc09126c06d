import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slotBit } from './slots.ts'
import { bitmapAtMs, bitmapOf, decidesAtMs, decideSlot, hear, newWatch, type Watch } from './watch.ts'

const schedule = { startsAtS: 1_000, slotS: 60, slots: 61 }
const fresh = (nowMs = 0): Watch => newWatch({ schedule, quorum: 2, nowMs })
const at = (slot: number, offsetS: number): number => (schedule.startsAtS + slot * schedule.slotS + offsetS) * 1_000
const heartbeat = (slot: number, nowMs: number, blockAtS: number | null = nowMs / 1_000) => ({ slot, nowMs, blockAtS })

describe('hear', () => {
  it('hear() says up within the slot and its grace, early before and late after', () => {
    expect(hear(fresh(), heartbeat(1, at(1, -30))).verdict).toBe('up')
    expect(hear(fresh(), heartbeat(1, at(1, 90))).verdict).toBe('up')
    expect(hear(fresh(), heartbeat(1, at(1, -31))).verdict).toBe('early')
    expect(hear(fresh(), heartbeat(1, at(1, 91))).verdict).toBe('late')
    expect(hear(fresh(), heartbeat(61, at(61, 1))).verdict).toBe('early')
  })

  it('hear() says up again when asked again, however late, so that a lost receipt can be asked for', () => {
    const { watch } = hear(fresh(), heartbeat(1, at(1, 5)))
    expect(hear(watch, heartbeat(1, at(9, 0))).verdict).toBe('up')
  })

  it('hear() says stale when the block is older than a heartbeat may be signed in advance, blind when it is not seen', () => {
    expect(hear(fresh(), heartbeat(5, at(5, 1), at(5, 0) / 1_000 - 180)).verdict).toBe('up')
    expect(hear(fresh(), heartbeat(5, at(5, 1), at(5, 0) / 1_000 - 181)).verdict).toBe('stale')
    expect(hear(fresh(), heartbeat(5, at(5, 1), null)).verdict).toBe('blind')
  })
})

describe('decideSlot', () => {
  const when = (slot: number): number => decidesAtMs(schedule, slot)

  it('decideSlot() says down when the whole slot was watched, nothing came and enough others answer', () => {
    const watch = decideSlot(fresh(), 0, { nowMs: when(0), heardOthers: 2 })
    expect(watch.down.get(0)).toBe(1n)
    expect(hear(watch, heartbeat(0, when(0))).verdict).toBe('late')
  })

  it('decideSlot() says nothing when the witness is alone, blind, woke late or began in the middle', () => {
    const silent: Watch[] = [
      decideSlot(fresh(), 0, { nowMs: when(0), heardOthers: 1 }),
      decideSlot(fresh(), 0, { nowMs: when(0), heardOthers: 3, blind: true }),
      decideSlot(fresh(), 0, { nowMs: when(0) + 30_001, heardOthers: 3 }),
      decideSlot(fresh(at(0, 1)), 0, { nowMs: when(0), heardOthers: 3 }),
    ]
    for (const watch of silent) expect([watch.decided, watch.down.size]).toEqual([1, 0])
  })

  it('decideSlot() says nothing of a slot for which a life before this one may have given a receipt: heartbeats may come early', () => {
    // A receipt for slot 3 is possible from 30 s before it on; the process dies after that, still before the slot begins.
    const again = fresh(at(3, -20))
    const early = hear(fresh(), heartbeat(3, at(3, -25)))
    expect(early.verdict).toBe('up')
    expect(decideSlot(again, 3, { nowMs: when(3), heardOthers: 3 }).down.size).toBe(0)
    expect(decideSlot(again, 4, { nowMs: when(4), heardOthers: 3 }).down.get(0)).toBe(slotBit(4))
    expect(fresh(at(3, -30)).since).toBe(3)
  })

  it('decideSlot() changes nothing before its time', () => {
    expect(decideSlot(fresh(), 0, { nowMs: when(0) - 1, heardOthers: 3 })).toEqual(fresh())
  })

  it('a witness never says up and down of one slot, in any order of heartbeats, decisions and restarts', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('hear' as const), slot: fc.nat(3), waitS: fc.nat(60) }),
      fc.record({ kind: fc.constant('decide' as const), slot: fc.nat(3), waitS: fc.nat(60) }),
      fc.record({ kind: fc.constant('restart' as const), slot: fc.constant(0), waitS: fc.nat(60) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let nowMs = at(0, -20)
        let watch = fresh(nowMs)
        let receipts = 0n
        let downs = 0n
        for (const { kind, slot, waitS } of steps) {
          nowMs += waitS * 1_000
          if (kind === 'restart') watch = fresh(nowMs)
          else if (kind === 'decide') watch = decideSlot(watch, slot, { nowMs, heardOthers: 3 })
          else {
            const heard = hear(watch, heartbeat(slot, nowMs))
            watch = heard.watch
            if (heard.verdict === 'up') receipts |= slotBit(slot)
          }
          downs |= watch.down.get(0) ?? 0n
          expect(receipts & downs).toBe(0n)
        }
      }),
    )
  })
})

describe('bitmapOf', () => {
  it('bitmapOf() is null until every slot of the window is decided, and then has only slots of the case', () => {
    let watch = fresh()
    for (let slot = 0; slot < 61; slot++) {
      expect(bitmapOf(watch, 1)).toBeNull()
      watch = decideSlot(watch, slot, { nowMs: decidesAtMs(schedule, slot), heardOthers: 2 })
    }
    expect(bitmapOf(watch, 0)).toBe((1n << 60n) - 1n)
    expect(bitmapOf(watch, 1)).toBe(1n)
    expect(bitmapAtMs(schedule, 1)).toBe(decidesAtMs(schedule, 60))
  })
})
