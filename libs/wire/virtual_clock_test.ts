// The clock that moves when told, and the generator that repeats.

import { describe, expect, it } from 'vitest'
import { seededRandom, virtualClock } from './testing.ts'

describe('virtualClock()', () => {
  it('advance() runs timers in order of time, then of setting, each at its own moment', () => {
    const clock = virtualClock(0)
    const log: string[] = []
    const note = (name: string) => () => void log.push(`${name}@${clock.monotonicMs()}`)
    clock.after(20, note('c'))
    clock.after(10, note('a'))
    clock.after(10, note('b'))
    clock.after(10, () => void clock.after(5, note('nested')))
    const cancel = clock.after(12, note('cancelled'))
    cancel()
    clock.advance(15)
    expect(log).toEqual(['a@10', 'b@10', 'nested@15'])
    expect(clock.pending).toBe(1)
    expect(clock.nextAt).toBe(20)
    clock.advance(5)
    expect(log.at(-1)).toBe('c@20')
    expect(clock.nextAt).toBeUndefined()
    expect(clock.now()).toBe(20)
  })

  it('settle() lets promises go on between timers', async () => {
    const clock = virtualClock()
    const log: number[] = []
    const run = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await new Promise<void>((resolve) => void clock.after(100, resolve))
        log.push(clock.monotonicMs())
      }
    }
    const done = run()
    await clock.settle(250)
    expect(log).toEqual([100, 200])
    expect(clock.monotonicMs()).toBe(250)
    await clock.settle(50)
    await done
    expect(log).toEqual([100, 200, 300])
  })

  it('jump() moves wall time and no timer', () => {
    const clock = virtualClock(1000)
    let rang = 0
    clock.after(10, () => rang++)
    clock.jump(3_600_000)
    expect(clock.now()).toBe(3_601_000)
    expect(clock.monotonicMs()).toBe(0)
    expect(rang).toBe(0)
  })
})

describe('seededRandom()', () => {
  it('repeats for one seed, however the bytes are asked for, and differs for another', () => {
    const whole = seededRandom(1)(100)
    const parts = seededRandom(1)
    const joined = Uint8Array.from([...parts(1), ...parts(33), ...parts(66)])
    expect(joined).toEqual(whole)
    expect(seededRandom(2)(100)).not.toEqual(whole)
    expect(seededRandom('1')(8)).toEqual(whole.subarray(0, 8))
  })
})
