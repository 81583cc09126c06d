// The book knows every own channel, whoever opened it, and still does after a restart.

import { memoryChain } from '@haggle/payment/testing'
import { memoryStore } from '@haggle/store'
import { virtualClock } from '@haggle/wire/testing'
import { expect, test, vi } from 'vitest'
import { openChannelBook } from './channel_book.ts'

test('list() has channels of both roles, the newest first, also after a restart, and none of others', async () => {
  const chain = memoryChain({ clock: virtualClock() })
  const [me, other, third] = [1, 2, 3].map((n) => chain.channels(new Uint8Array(20).fill(n), { funds: 1000n }))
  if (me === undefined || other === undefined || third === undefined) throw new Error('three accounts')
  const store = memoryStore()
  const onProblem = vi.fn()
  const book = await openChannelBook({ channels: me, store, onProblem })
  const mine = await me.open({ payee: other.account, deposit: 5n })
  const theirs = await other.open({ payee: me.account, deposit: 6n })
  await other.open({ payee: third.account, deposit: 7n })
  expect((await book.list()).map(({ id }) => id)).toEqual([theirs.id, mine.id])
  book.close()
  const again = await openChannelBook({ channels: me, store, onProblem })
  expect((await again.list()).map(({ deposit }) => deposit)).toEqual([6n, 5n])
  expect(onProblem).not.toHaveBeenCalled()
})

test('note() lists a channel before its event is heard, once', async () => {
  const chain = memoryChain({ clock: virtualClock() })
  const me = chain.channels(new Uint8Array(20).fill(1), { funds: 1000n })
  // An event that comes later than the answer to who opened the channel.
  let hear: (() => void) | undefined
  const late = new Proxy(me, {
    get: (target, name) => {
      if (name !== 'follow') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
      return (listener: Parameters<typeof me.follow>[0]) => me.follow((event) => (hear = () => listener(event)))
    },
  })
  const onProblem = vi.fn()
  const book = await openChannelBook({ channels: late, store: memoryStore(), onProblem })
  const { id } = await late.open({ payee: new Uint8Array(20).fill(2), deposit: 5n })
  expect(await book.list()).toEqual([])
  book.note(id)
  expect((await book.list()).map((one) => one.id)).toEqual([id])
  hear?.()
  expect(await book.list()).toHaveLength(1)
})
