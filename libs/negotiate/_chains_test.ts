import type { Message } from '@haggle/wire'
import { expect, it } from 'vitest'
import type { ThreadContext } from './thread_context.ts'
import { Chains } from './_chains.ts'

it('put() takes the chains of a job that was metered for weeks', () => {
  const record = { thread: new Uint8Array(16), role: 'provider', peerKey: new Uint8Array(32), addresses: [], startedAt: 0 } as const
  const chains = new Chains(record, {} as ThreadContext)
  const own = Array.from({ length: 300_000 }, (_, seq) => ({ seq, type: 'meter' }) as Message)
  const theirs = own.map(({ seq }) => ({ seq, type: 'voucher' }) as Message)
  chains.put({ own, theirs, closed: false })
  expect([chains.own.length, chains.theirs.length, chains.own.last?.seq]).toEqual([300_000, 300_000, 299_999])
  expect([chains.own.count('meter'), chains.theirs.count('voucher'), chains.own.count('voucher')]).toEqual([300_000, 300_000, 0])
})
