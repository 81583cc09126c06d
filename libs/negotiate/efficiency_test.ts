// What taking an offer costs until the first output is there: the hot path has no signature, no check and no sync too many.

import type { Store } from '@haggle/store'
import { utf8 } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import { type Side, takeIt, World } from './_test_sides.ts'

let world: World
afterEach(() => world.close())

interface Cost {
  signatures: number
  verifications: number
  syncedWrites: number
  reads: number
}

/** Counts what a side pays. */
function count(side: Side): Cost {
  const cost: Cost = { signatures: 0, verifications: 0, syncedWrites: 0, reads: 0 }
  const { suite, signer } = side
  side.suite = { ...suite, verify: (...args) => (cost.verifications++, suite.verify(...args)) }
  side.signer = { publicKey: signer.publicKey, sign: (message) => (cost.signatures++, signer.sign(message)) }
  const counting = (store: Store): Store => ({
    ...store,
    range: (range) => store.range(range),
    sub: (prefix) => counting(store.sub(prefix)),
    get: (key) => (cost.reads++, store.get(key)),
    getMany: (keys) => (cost.reads++, store.getMany(keys)),
    write: (batch, options) => {
      if (options?.sync !== false) cost.syncedWrites++
      return store.write(batch, options)
    },
  })
  side.wrapStore = counting
  return cost
}

it('taking an offer costs two signatures, two checks and two synced writes until the first output', async () => {
  world = new World()
  const costs = [count(world.renter), count(world.provider)]
  const first = Promise.withResolvers<Cost>()
  world.provider.behave = async (side, thread, { message, effect }) => {
    if (message?.type === 'accept') {
      const { number, write } = side.threads.takeNumber()
      await thread.command({ do: 'confirm', number }, { writes: [write] })
    }
    if (effect?.kind === 'job') {
      await side.threads.post(world.renter.target, [
        { kind: 'output', contract: effect.contract, channel: 'stdout', offset: 0, bytes: utf8('hello') },
      ])
    }
  }
  const seen = world.renter.seen.outputs
  await world.start()
  Object.assign(seen, {
    push: () =>
      first.resolve({
        signatures: costs.reduce((sum, cost) => sum + cost.signatures, 0),
        verifications: costs.reduce((sum, cost) => sum + cost.verifications, 0),
        syncedWrites: costs.reduce((sum, cost) => sum + cost.syncedWrites, 0),
        reads: costs.reduce((sum, cost) => sum + cost.reads, 0),
      }),
  })
  await world.renter.threads.prepare(world.provider.target)
  await world.settle()
  for (const cost of costs) cost.reads = 0
  await takeIt(world)
  await world.settle()
  // The one read asks whether the thread is known: a thread's sequence numbers are signed once, whatever process asks.
  expect(await first.promise).toEqual({ signatures: 2, verifications: 2, syncedWrites: 2, reads: 1 })
})

it('the job starts before the other side could answer: nothing waits for a send', async () => {
  world = new World()
  const order: string[] = []
  world.provider.behave = async (_, thread, { message, effect }) => {
    if (message?.type === 'accept') await thread.command({ do: 'confirm', number: 0 })
    if (effect?.kind === 'job') order.push('start')
  }
  world.provider.onFault = (point) => {
    if (point.endsWith('confirm')) order.push(point)
  }
  await world.start()
  await takeIt(world)
  await world.settle()
  expect(order).toEqual(['before-write:confirm', 'after-write:confirm', 'before-send:confirm', 'after-send:confirm', 'start'])
})
