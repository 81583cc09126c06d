import { isEnd } from '@haggle/contract'
import type { Store } from '@haggle/store'
import { concat, toHex } from '@haggle/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Thread } from './thread.ts'
import { follow } from './_test_script.ts'
import { Hand } from './_test_hand.ts'
import { attempt, type Side, takeIt, World } from './_test_sides.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

const typesOf = (messages: readonly { type: string }[]): string[] => messages.map(({ type }) => type)
const cutOff = (): void => world.network.cut(world.renter.identity.peerId, world.provider.identity.peerId)
const heal = (): void => world.network.heal(world.renter.identity.peerId, world.provider.identity.peerId)
const threadOf = async (side: Side, id: string): Promise<Thread> => (await side.threads.get(id)) as Thread

/** A store whose synced writes fail while `isFull` says so; what it was asked to write is noted. */
function fragile(store: Store, disk: { isFull: boolean; tries: string[] }): Store {
  return {
    ...store,
    range: (range) => store.range(range),
    sub: (prefix) => fragile(store.sub(prefix), disk),
    write: async (batch, options) => {
      disk.tries.push(toHex(concat(...batch.filter(({ key }) => key.startsWith('m!')).map(({ value }) => value ?? new Uint8Array(0)))))
      if (disk.isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return store.write(batch, options)
    },
  }
}

describe('signing', () => {
  it('gives the same bytes for every repetition', async () => {
    follow(world, { path: 'take', end: 'exit', runMs: 1_000, tickMs: 1_000 })
    await world.renter.start()
    const hand = new Hand(world, world.renter, 2)
    const thread = await takeIt(world)
    const frames: Uint8Array[] = []
    await hand.node.handle('/haggle/negotiate/1', async (stream) => {
      for await (const chunk of stream) frames.push(chunk)
    })
    await world.renter.restart()
    await world.settle(4_000)
    expect(thread.chains().own).toHaveLength(1)
    const accept = toHex(thread.chains().own[0]?.bytes ?? new Uint8Array(0))
    // Twice as ACCEPT_RESEND_MS says, each time the stored bytes.
    expect(toHex(concat(...frames)).split(accept).length - 1).toBeLessThanOrEqual(3)
  })

  it('is given up when the disk refuses the first message, and nothing was sent', async () => {
    const disk = { isFull: true, tries: [] as string[] }
    world.renter.wrapStore = (store) => fragile(store, disk)
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 1_000, tickMs: 1_000 })
    await expect(takeIt(world)).rejects.toThrow('ENOSPC')
    const [thread] = [...world.renter.threads.open()]
    expect(thread).toBeUndefined()
    disk.isFull = false
    await world.settle(60_000)
    expect(disk.tries).toHaveLength(1)
    expect(world.provider.seen.opened).toEqual([])
    await takeIt(world)
    await world.playOut()
    expect(world.provider.seen.effects.some(({ kind }) => kind === 'ledger')).toBe(true)
  })

  it('goes on with the very same bytes when the disk refused a later message for a while', async () => {
    const disk = { isFull: false, tries: [] as string[] }
    world.provider.wrapStore = (store) => fragile(store, disk)
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 20_000, tickMs: 1_000 })
    const thread = await takeIt(world)
    await world.settle(1_900)
    const [theirs] = world.provider.threads.open()
    expect(theirs?.chains().own.at(-1)?.type).toBe('meter')
    disk.isFull = true
    disk.tries.length = 0
    await world.settle(2_000)
    expect(theirs?.chains().own.at(-1)?.body).toMatchObject({ n: 1 })
    // Nothing that is not on disk was sent.
    expect(thread.chains().theirs.length).toBe(theirs?.chains().own.length)
    expect(new Set(world.provider.seen.failed)).toEqual(new Set(['E_UNKNOWN']))
    disk.isFull = false
    await world.settle(1_000)
    const second = theirs?.chains().own.find(({ type, body }) => type === 'meter' && (body as { n: number }).n === 2)
    const sealed = disk.tries.filter((bytes) => bytes.endsWith(toHex(second?.bytes ?? new Uint8Array(1))))
    expect(sealed.length).toBeGreaterThan(1)
    await world.playOut()
    expect(thread.view().outcome).toMatchObject({ kind: 'settled', signedBy: 'both' })
    expect((await world.provider.viewOf(thread.id))?.outcome).toEqual(thread.view().outcome)
  })

  it('waits for what the peer has of our own words when the disk lost them', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 20_000, tickMs: 1_000 })
    const thread = await takeIt(world)
    await world.settle(2_500)
    const theirs = await threadOf(world.provider, thread.id)
    const before = theirs.chains().own.map(({ bytes }) => toHex(bytes))
    expect(before.length).toBeGreaterThan(3)
    world.provider.kill()
    // The tail of the provider's own chain is gone, as after a flipped bit in a log.
    const lost = [2, 3].map((seq) => ({ key: `m!${thread.id}!o!0000000${seq}`, value: null }))
    await world.provider.store.write(lost)
    await world.provider.restart()
    const resumed = await threadOf(world.provider, thread.id)
    expect(resumed.view().synced).toBe(false)
    await world.settle(3_000)
    const after = resumed.chains().own.map(({ bytes }) => toHex(bytes))
    expect(after.slice(0, before.length)).toEqual(before)
    expect(world.renter.seen.effects.filter(({ kind }) => kind === 'evidence')).toEqual([])
    await world.playOut()
    expect(thread.view().outcome.kind).toBe('settled')
    expect((await world.provider.viewOf(thread.id))?.outcome).toEqual(thread.view().outcome)
  })
})

it('a thread of which the disk lost every message is given back by its peer', async () => {
  await world.start()
  follow(world, { path: 'take', end: 'exit', runMs: 3_000, tickMs: 1_000 })
  const thread = await takeIt(world)
  await world.settle(1_500)
  world.provider.kill()
  const lost = Array.from({ length: 8 }, (_, seq) =>
    ['o', 't'].map((side) => ({ key: `m!${thread.id}!${side}!0000000${seq}`, value: null })),
  )
  await world.provider.store.write(lost.flat())
  await world.provider.restart()
  expect((await world.provider.viewOf(thread.id))?.phase).toBe('idle')
  await world.playOut()
  expect(thread.view().outcome.kind).toBe('settled')
  expect((await world.provider.viewOf(thread.id))?.outcome).toEqual(thread.view().outcome)
})

it('a command is refused when the peer would take no more messages like it', async () => {
  await world.start()
  follow(world, { path: 'take', end: 'exit', runMs: 3_000, tickMs: 1_000 })
  const thread = await takeIt(world)
  await world.settle(1_500)
  const grant = { do: 'grant', grantee: new Uint8Array(32), right: 'read', until: 2 ** 32 - 1 } as const
  for (let i = 0; i < 256; i++) await thread.command(grant)
  await expect(thread.command(grant)).rejects.toMatchObject({ code: 'E_THREAD_LIMIT' })
  await world.playOut()
  expect(world.provider.seen.refused).toEqual([])
  expect(thread.view().outcome).toMatchObject({ kind: 'settled', signedBy: 'both' })
})

describe('a peer that is not there', () => {
  it('does not keep the deadlines of a thread from their time', async () => {
    await world.start()
    // The peer's address swallows everything: opening a stream never comes back.
    const node = world.renter.node as { open: unknown }
    node.open = () => new Promise(() => undefined)
    const thread = await takeIt(world)
    await world.settle(4_999)
    expect(typesOf(thread.chains().own)).toEqual(['accept'])
    await world.settle(1)
    expect(typesOf(thread.chains().own)).toEqual(['accept', 'cancel'])
  })

  it('that reads nothing does not either, and loses its stream', async () => {
    await world.renter.start()
    const hand = new Hand(world, world.renter, 2)
    let lost = 0
    await hand.node.handle('/haggle/negotiate/1', (stream) => {
      void stream.closed.then(() => lost++)
      return new Promise(() => undefined)
    })
    for (let i = 0; i < 8; i++)
      world.renter.threads
        .post({ peerId: hand.identity.peerId }, [{ kind: 'envelope', bytes: new Uint8Array(73_000) }])
        .catch(() => undefined)
    const thread = await takeIt(world)
    await world.settle(5_000)
    expect(typesOf(thread.chains().own)).toEqual(['accept', 'cancel'])
    expect(lost).toBe(0)
    await world.settle(5_000)
    expect(lost).toBe(1)
  })

  it('is looked for again for as long as something is open, and then no more', async () => {
    await world.renter.start()
    const thread = await takeIt(world).catch(() => undefined)
    await world.playOut()
    expect(isEnd(thread?.view().phase ?? 'idle')).toBe(true)
    expect(world.clock.pending).toBe(0)
  })

  it('gets everything that it missed when it comes back, in as many parts as it takes', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 57_000, tickMs: 1_000 })
    const thread = await takeIt(world, { tickMs: 100, graceMs: 600_000, idleMs: 600_000, maxMs: 600_000 })
    await world.settle(1_050)
    cutOff()
    await world.settle(60_000)
    const theirs = await threadOf(world.provider, thread.id)
    expect(theirs.chains().own.at(-1)?.type).toBe('result')
    expect(theirs.chains().own.length - thread.chains().theirs.length).toBeGreaterThan(512)
    heal()
    const { reachable } = world.renter.seen
    for (let i = 0; i < 30 && reachable.at(-1) !== true; i++) await world.settle(500)
    await world.settle(100)
    expect(thread.chains().theirs.length).toBeGreaterThanOrEqual(theirs.chains().own.length - 1)
    await world.playOut()
    expect(thread.view().outcome.kind).toBe('settled')
    expect((await world.provider.viewOf(thread.id))?.outcome).toEqual(thread.view().outcome)
    const stored = await thread.stored()
    expect(stored.own).toEqual(thread.chains().own.map(({ bytes }) => bytes))
    expect(stored.theirs).toEqual(thread.chains().theirs.map(({ bytes }) => bytes))
  }, 20_000)

  it('brings its spec along when an ACCEPT is repeated by a process that came later', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 500, tickMs: 1_000 })
    cutOff()
    const taken = takeIt(world)
    await world.settle()
    await world.renter.restart()
    heal()
    const thread = await taken
    await world.settle(1_200)
    expect(world.provider.seen.specs.length).toBeGreaterThan(0)
    await world.playOut()
    expect((await world.renter.viewOf(thread.id))?.outcome.kind).toBe('settled')
  })
})

describe('a thread that is over', () => {
  it('is closed on disk only when its ledger entry is', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 500, tickMs: 1_000 })
    const { provider } = world
    provider.ledgerMs = 200
    const thread = await takeIt(world)
    await world.settle(600)
    expect(provider.seen.effects.filter(({ kind }) => kind === 'ledger')).toHaveLength(2)
    expect(provider.ledger.map(({ kind }) => kind)).toEqual(['opened'])
    // The process dies between the end and its entry: the next one writes it.
    await provider.restart()
    await world.playOut()
    expect(provider.ledger.findLast(({ kind }) => kind === 'closed')).toMatchObject({ outcome: thread.view().outcome })
  })

  it('lets an effect that it waits for use it', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 500, tickMs: 1_000 })
    const { provider } = world
    const notes: string[] = []
    provider.enterFirst = async (thread) => {
      // Whoever writes the ledger may ask the thread for something: here for its chains, which takes the thread's turn.
      notes.push(`${(await thread.stored()).own.length}`)
    }
    const thread = await takeIt(world)
    await world.playOut()
    expect(notes.length).toBeGreaterThan(1)
    expect((await threadOf(provider, thread.id)).isClosed).toBe(true)
    expect(provider.ledger.at(-1)).toMatchObject({ kind: 'closed' })
  })

  it('is forgotten after many others, read again when asked about, and says nothing twice', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'rejected', runMs: 0, tickMs: 1_000 })
    const threads: Thread[] = []
    for (let i = 0; i < 300; i++) {
      threads.push(await takeIt(world))
      await world.settle()
    }
    await world.playOut()
    const [first] = threads
    const theirs = await threadOf(world.provider, first?.id ?? '')
    expect(theirs.isClosed).toBe(true)
    const { effects, resumed } = world.provider.seen
    const [effectsBefore, resumedBefore] = [effects.length, resumed.length]
    const again = await threadOf(world.renter, first?.id ?? '')
    expect(again).not.toBe(first)
    expect(again.view().outcome).toEqual(first?.view().outcome)
    again.sendSync()
    await world.settle(1_000)
    expect(theirs.view().phase).toBe('rejected')
    expect(effects.slice(effectsBefore).filter(({ kind }) => kind !== 'notify')).toEqual([])
    expect(resumed.length).toBe(resumedBefore)
    expect(world.renter.threads.open()).toEqual([])
    let count = 0
    for await (const _ of world.renter.threads.all()) count++
    expect(count).toBe(300)
  })

  it('stays over when its process had ended it alone, whatever comes later', async () => {
    await world.start()
    // The provider decides late: its CONFIRM comes when the renter has given up without a word, for it could not SYNC.
    let confirm: (() => Promise<void>) | undefined
    world.provider.behave = async (side, thread, { message }) => {
      if (message?.type !== 'accept') return
      confirm = async () => {
        const { number, write } = side.threads.takeNumber()
        await attempt(thread, { do: 'confirm', number }).catch(() => undefined)
        void write
      }
    }
    const thread = await takeIt(world)
    await world.settle()
    cutOff()
    await confirm?.()
    await world.renter.restart()
    await world.settle(60_000)
    const ended = await threadOf(world.renter, thread.id)
    expect(ended.view().phase).toBe('expired')
    await world.renter.restart()
    const again = await threadOf(world.renter, thread.id)
    expect([again.isClosed, again.view().phase]).toEqual([true, 'expired'])
    heal()
    await world.provider.restart()
    await world.settle(120_000)
    expect(typesOf(again.chains().own)).toEqual(['accept'])
    expect(again.view().outcome).toMatchObject({ bound: false, owed: 0n })
    expect((await world.provider.viewOf(thread.id))?.outcome).toMatchObject({ bound: false, owed: 0n })
  })
})

describe('a handler', () => {
  it('that throws is told of, and stops nothing', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 500, tickMs: 1_000 })
    Object.assign(world.provider.seen.messages, {
      push: () => {
        throw new Error('a fault of the market')
      },
    })
    world.provider.behave = () => undefined
    const thread = await takeIt(world)
    await world.playOut()
    expect(world.provider.seen.failed).toContain('E_UNKNOWN')
    expect((await world.provider.viewOf(thread.id))?.outcome).toEqual(thread.view().outcome)
  })

  it('hears of a thread that is resumed before it hears of its effects', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 20_000, tickMs: 1_000 })
    await takeIt(world)
    await world.settle(1_500)
    world.provider.kill()
    const order: string[] = []
    const { seen } = world.provider
    Object.assign(seen.resumed, { push: () => order.push('resumed') })
    Object.assign(seen.effects, { push: () => order.push('effect') })
    await world.provider.restart()
    await world.settle(100)
    expect(order[0]).toBe('resumed')
    expect(order).toContain('effect')
  })

  it('hears when the other side goes and comes', async () => {
    await world.start()
    follow(world, { path: 'take', end: 'exit', runMs: 20_000, tickMs: 1_000 })
    await takeIt(world)
    await world.settle(1_500)
    cutOff()
    await world.settle()
    expect(world.renter.seen.reachable).toEqual([false])
    heal()
    await world.settle(500)
    expect(world.renter.seen.reachable.at(-1)).toBe(true)
  })
})

it('one of two streams that breaks takes nothing with it', async () => {
  await world.start()
  follow(world, { path: 'take', end: 'exit', runMs: 5_000, tickMs: 1_000 })
  const thread = await takeIt(world)
  await world.settle(500)
  // A second stream, which is now the newest on the provider's side, and dies with what was written to it.
  const stream = await world.renter.node?.open({ peerId: world.provider.identity.peerId }, '/haggle/negotiate/1')
  await world.settle(700)
  stream?.abort(new Error('lost'))
  await world.settle(100)
  const theirs = await threadOf(world.provider, thread.id)
  expect(thread.chains().theirs.length).toBe(theirs.chains().own.length)
  await world.playOut()
  expect(thread.view().outcome.kind).toBe('settled')
})

it("begin() refuses a key that is not the peer's, and oneself", async () => {
  await world.start()
  const { target } = world.provider
  expect(() => world.renter.threads.begin({ ...target, key: new Uint8Array(32).fill(3) })).toThrow(
    expect.objectContaining({ code: 'E_THREAD_PEER' }),
  )
  expect(() => world.renter.threads.begin(world.renter.target)).toThrow(expect.objectContaining({ code: 'E_THREAD_SELF' }))
})
