import { memoryStore } from '@haggle/store'
import { expect, it } from 'vitest'
import { Numbers } from './_numbers.ts'
import { threadStore } from './thread_store.ts'

const setUp = async () => {
  const store = threadStore(memoryStore().sub('threads'))
  return { store, numbers: await Numbers.read(store) }
}

it('take() counts from 0, and goes on after a restart', async () => {
  const { store, numbers } = await setUp()
  const taken = [numbers.take(), numbers.take()]
  expect(taken.map(({ number }) => number)).toEqual([0, 1])
  for (const { write } of taken) await store.write([write])
  expect((await Numbers.read(store)).take().number).toBe(2)
})

it('take() gives no number twice when batches overtake each other', async () => {
  const { store, numbers } = await setUp()
  const [first, second] = [numbers.take(), numbers.take()]
  await store.write([second.write])
  await store.write([first.write])
  expect((await Numbers.read(store)).take().number).toBe(2)
})

it('a number that was taken and not written when the process died is free again', async () => {
  const { store, numbers } = await setUp()
  numbers.take()
  const second = numbers.take()
  await store.write([second.write])
  const again = await Numbers.read(store)
  expect([again.take().number, again.take().number]).toEqual([0, 2])
})

it('giveBack() gives the number to the next one, once', async () => {
  const { numbers } = await setUp()
  const [first] = [numbers.take(), numbers.take()]
  first?.giveBack()
  first?.giveBack()
  expect([numbers.take().number, numbers.take().number]).toEqual([0, 2])
})

it('giveBack() does nothing when the number is written', async () => {
  const { store, numbers } = await setUp()
  const first = numbers.take()
  await store.write([first.write])
  first.giveBack()
  expect(numbers.take().number).toBe(1)
})

it('take() gives no number that was signed since the store was last written', async () => {
  const store = threadStore(memoryStore().sub('threads'))
  const before = await Numbers.read(store)
  before.take()
  await store.write([before.take().write])
  let least = 0
  const restored = await Numbers.read(store, () => least)
  expect(restored.take().number).toBe(0)
  least = 9
  expect([restored.take().number, restored.take().number]).toEqual([9, 10])
})
