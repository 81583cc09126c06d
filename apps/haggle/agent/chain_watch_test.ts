// The chain's state is what was seen last; an outage is shown and passes.

import { virtualClock } from '@haggle/wire/testing'
import { expect, test } from 'vitest'
import { Failure } from '../failure.ts'
import { ChainWatch } from './chain_watch.ts'

test('state shows the newest block, an outage with its reason, and the end of the outage', async () => {
  const clock = virtualClock()
  let block = 5
  let down = false
  const head = async (): Promise<{ number: number }> => {
    if (down) throw new Failure('E_CHAIN_UNREACHABLE', 'no answer')
    return { number: block }
  }
  const watch = new ChainWatch({ head, clock })
  await clock.settle()
  expect(watch.state).toMatchObject({ block: 5, problem: null })
  down = true
  await clock.settle(20_000)
  expect(watch.state).toMatchObject({ block: 5, problem: { code: 'E_CHAIN_UNREACHABLE' } })
  down = false
  block = 9
  await clock.settle(20_000)
  expect(watch.state).toMatchObject({ block: 9, problem: null, seenAtMs: expect.any(Number) as number })
  watch.stop()
  expect(clock.pending).toBe(0)
})
