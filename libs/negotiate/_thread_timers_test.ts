import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { ThreadTimers } from './_thread_timers.ts'

it('ThreadTimers keeps the last of each kind, and none once it is stopped', () => {
  const clock = virtualClock()
  const timers = new ThreadTimers(clock)
  const seen: string[] = []
  timers.set('wake', 10, () => seen.push('first'))
  timers.set('wake', 20, () => seen.push('second'))
  timers.set('retry', 30, () => seen.push('retry'))
  clock.advance(20)
  timers.clear('retry')
  timers.set('lost', 5, () => seen.push('lost'))
  timers.stop()
  timers.set('wake', 1, () => seen.push('late'))
  clock.advance(100)
  expect(seen).toEqual(['second'])
})
