import { createIdentity } from '@haggle/identity'
import { memoryNetwork, type MemoryNode } from '@haggle/mesh'
import { virtualClock } from '@haggle/wire/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, serve } from './ask.ts'
import type { WatchAnswer } from './protocol.ts'

const here = { name: 'here', body: { id: new Uint8Array(32) } } as const
const yes: WatchAnswer = { name: 'yes', body: { sig: null } }

describe('ask', () => {
  const hub = memoryNetwork()
  const clock = virtualClock()
  const [a, b] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte))) as [
    ReturnType<typeof createIdentity>,
    ReturnType<typeof createIdentity>,
  ]
  const asker: MemoryNode = hub.join(a)
  const answerer: MemoryNode = hub.join(b)
  let end: (() => Promise<void>) | undefined
  afterEach(async () => await end?.())

  it('ask() gives the answer, and serve() says who asked', async () => {
    let from: Uint8Array | undefined
    end = await serve({ network: answerer, clock }, async (_, key) => ((from = key), yes))
    expect(await ask({ network: asker, clock }, b.publicKey, here)).toEqual(yes)
    expect(from).toEqual(a.publicKey)
  })

  it('ask() rejects with E_WATCH_SILENT when no answer comes in time, and at once when its signal aborts', async () => {
    end = await serve({ network: answerer, clock }, () => new Promise<never>(() => undefined))
    const slow = ask({ network: asker, clock }, b.publicKey, here, { withinMs: 1_000 })
    const failed = expect(slow).rejects.toMatchObject({ code: 'E_WATCH_SILENT' })
    await clock.settle(1_000)
    await failed
    const stop = new AbortController()
    const given = expect(ask({ network: asker, clock }, b.publicKey, here, { signal: stop.signal })).rejects.toMatchObject({
      code: 'E_WATCH_SILENT',
    })
    await clock.settle(10)
    stop.abort()
    await given
    await clock.settle(10_000)
  })

  it('serve() refuses who asks too often, and answers again later', async () => {
    end = await serve({ network: answerer, clock }, async () => yes)
    const names: string[] = []
    for (let i = 0; i < 205; i++) names.push((await ask({ network: asker, clock }, b.publicKey, here)).name)
    expect([names.filter((name) => name === 'yes').length, names.at(-1)]).toEqual([200, 'refused'])
    clock.advance(1_000)
    expect((await ask({ network: asker, clock }, b.publicKey, here)).name).toBe('yes')
  })
})
