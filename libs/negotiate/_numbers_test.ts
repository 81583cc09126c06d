import { memoryStore } from '@haggle/store'
import { expect, it } from 'vitest'
import { Numbers } from './_numbers.ts'
import { threadStore } from './thread_store.ts'

const setUp = async () => {
  const store = threadStore(memoryStore().sub('threads'))
  return { store, numbers: await Numbers.read(store) }
}

it('take() counts from 0 for each role, and goes on after a restart', async () => {
  const { store, numbers } = await setUp()
  const taken = [numbers.take('renter'), numbers.take('renter'), numbers.take('provider')]
  expect(taken.map(({ number }) => number)).toEqual([0, 1, 0])
  for (const { write } of taken) await store.write([write])
  const again = await Numbers.read(store)
  expect([again.take('renter').number, again.take('provider').number]).toEqual([2, 1])
})

it('take() gives no number twice when batches overtake each other', async () => {
  const { store, numbers } = await setUp()
  const [first, second] = [numbers.take('renter'), numbers.take('renter')]
  await store.write([second.write])
  await store.write([first.write])
  expect((await Numbers.read(store)).take('renter').number).toBe(2)
})

it('a number that was taken and not written when the process died is free again', async () => {
  const { store, numbers } = await setUp()
  numbers.take('renter')
  const second = numbers.take('renter')
  await store.write([second.write])
  const again = await Numbers.read(store)
  expect([again.take('renter').number, again.take('renter').number]).toEqual([0, 2])
})

it('giveBack() gives the number to the next one, once', async () => {
  const { numbers } = await setUp()
  const [first] = [numbers.take('renter'), numbers.take('renter')]
  first?.giveBack()
  first?.giveBack()
  expect([numbers.take('renter').number, numbers.take('renter').number]).toEqual([0, 2])
})

it('giveBack() does nothing when the number is written', async () => {
  const { store, numbers } = await setUp()
  const first = numbers.take('renter')
  await store.write([first.write])
  first.giveBack()
  expect(numbers.take('renter').number).toBe(1)
})
