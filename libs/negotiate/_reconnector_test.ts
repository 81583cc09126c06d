import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { Reconnector } from './_reconnector.ts'

function setUp(reach: () => Promise<void>, random = () => new Uint8Array(1)) {
  const clock = virtualClock()
  const tries: number[] = []
  const wanted = new Set(['a', 'b'])
  const reconnector = new Reconnector({
    clock,
    random,
    isWanted: (peerId) => wanted.has(peerId),
    reach: async () => {
      tries.push(clock.monotonicMs())
      await reach()
    },
  })
  return { clock, tries, wanted, reconnector }
}
const fail = (): Promise<void> => Promise.reject(new Error('not there'))

it('want() tries quickly, then patiently, for as long as the peer is wanted', async () => {
  const { clock, tries, wanted, reconnector } = setUp(fail)
  reconnector.want('a')
  await clock.settle(30_000)
  expect(tries).toEqual([100, 400, 1_400, 4_400, 14_400, 24_400])
  wanted.delete('a')
  await clock.settle(60_000)
  expect(tries).toHaveLength(6)
  expect(clock.pending).toBe(0)
})

it('want() starts no second try when one is under way', async () => {
  const { clock, tries, reconnector } = setUp(() => new Promise(() => undefined))
  reconnector.want('a')
  reconnector.want('a')
  await clock.settle(150)
  reconnector.want('a')
  await clock.settle(60_000)
  expect(tries).toEqual([100])
})

it('heard() makes the next search quick again', async () => {
  const { clock, tries, reconnector } = setUp(fail)
  reconnector.want('a')
  await clock.settle(5_000)
  expect(tries).toHaveLength(4)
  reconnector.heard('a')
  await clock.settle(60_000)
  expect(tries).toHaveLength(4)
  reconnector.want('a')
  await clock.settle(150)
  expect(tries).toHaveLength(5)
})

it('a peer that is reached and falls silent again is looked for less often', async () => {
  const { clock, tries, reconnector } = setUp(async () => undefined)
  reconnector.want('a')
  await clock.settle(100)
  reconnector.want('a')
  await clock.settle(299)
  expect(tries).toEqual([100])
  await clock.settle(1)
  expect(tries).toEqual([100, 400])
})

it('the pauses of many are spread', async () => {
  let at = 0
  const { clock, tries, reconnector } = setUp(fail, () => Uint8Array.of((at += 100)))
  reconnector.want('a')
  reconnector.want('b')
  await clock.settle(130)
  expect(new Set(tries).size).toBe(2)
})

it('stop() ends every search', async () => {
  const { clock, tries, reconnector } = setUp(fail)
  reconnector.want('a')
  reconnector.stop()
  reconnector.want('b')
  await clock.settle(60_000)
  expect(tries).toEqual([])
})
