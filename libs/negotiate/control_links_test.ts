import { type ByteStream, memoryNetwork, type MemoryNetwork, type MemoryNode } from '@haggle/mesh'
import { concat, errorCode } from '@haggle/wire'
import { virtualClock, type VirtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ControlFrame, encodeFrame, MAX_FRAME_BYTES, NEGOTIATE_PROTOCOL } from './control_frame.ts'
import { type ControlLimits, type ControlLinks, type ControlSource, createControlLinks } from './control_links.ts'

let hub: MemoryNetwork
let clock: VirtualClock
let a: MemoryNode
let b: MemoryNode

beforeEach(() => {
  clock = virtualClock()
  hub = memoryNetwork()
  a = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: 'a' })
  b = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: 'b' })
})
afterEach(() => hub.stop())

const sync = (mine: number): ControlFrame => ({ kind: 'sync', thread: new Uint8Array(16).fill(1), mine, yours: 0 })
const envelope = (length: number): ControlFrame => ({ kind: 'envelope', bytes: new Uint8Array(length) })

interface Seen {
  readonly links: ControlLinks
  readonly frames: ControlFrame[]
  readonly sources: ControlSource[]
  readonly closed: number[]
  readonly refused: string[]
}

/** Control links that note what comes; `work` is what is done about each frame. */
async function linksOf(
  network: MemoryNode,
  options: { limits?: Partial<ControlLimits>; work?: (frame: ControlFrame) => Promise<void> } = {},
): Promise<Seen> {
  const seen = { frames: [] as ControlFrame[], sources: [] as ControlSource[], closed: [] as number[], refused: [] as string[] }
  const links = await createControlLinks({
    network,
    clock,
    onFrame: async (frame, source) => {
      seen.frames.push(frame)
      seen.sources.push(source)
      return () => options.work?.(frame) ?? Promise.resolve()
    },
    onClosed: (_, left) => seen.closed.push(left),
    onRefused: (_, error) => seen.refused.push(error.code),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  return { links, ...seen }
}

const minesOf = ({ frames }: Seen): number[] => frames.map((frame) => (frame.kind === 'sync' ? frame.mine : -1))
const rawTo = (peerId: string): Promise<ByteStream> => a.open({ peerId }, NEGOTIATE_PROTOCOL)

describe('send()', () => {
  it('opens one stream for all that is sent at once, and keeps its order', async () => {
    const [near, far] = [await linksOf(a), await linksOf(b)]
    await Promise.all([0, 1, 2].map((i) => near.links.send({ peerId: 'b' }, [sync(i * 2), sync(i * 2 + 1)])))
    await near.links.send({ peerId: 'b' }, [sync(6)])
    await clock.settle()
    expect(minesOf(far)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(new Set(far.sources.map((source) => source.key[0]))).toEqual(new Set([1]))
  })

  it('uses the stream that the peer opened', async () => {
    const [near, far] = [await linksOf(a), await linksOf(b)]
    await near.links.open({ peerId: 'b' })
    await clock.settle()
    expect(far.links.isOpen('a')).toBe(true)
    await far.links.send({ peerId: 'a' }, [sync(1)])
    await clock.settle()
    expect(minesOf(near)).toEqual([1])
  })

  it('fails for everyone who waits when the peer is not there', async () => {
    const { links } = await linksOf(a)
    const codes = await Promise.all([0, 1].map(() => links.send({ peerId: 'nobody' }, [sync(0)]).catch(errorCode)))
    expect(codes).toEqual(['E_DIAL', 'E_DIAL'])
    expect(links.isOpen('nobody')).toBe(false)
  })

  it('drops the stream when the peer stops reading, and says so', async () => {
    const near = await linksOf(a)
    await b.handle(NEGOTIATE_PROTOCOL, () => new Promise(() => undefined))
    const stuck = Array.from({ length: 8 }, () => near.links.send({ peerId: 'b' }, [envelope(70_000)]).then(() => 'sent', errorCode))
    await clock.settle(9_999)
    expect(near.closed).toEqual([])
    await clock.settle(1)
    const ends = await Promise.all(stuck)
    expect(ends).toContain('E_CONTROL_STALLED')
    expect(ends.filter((end) => end === 'sent').length).toBeLessThan(5)
    expect(near.closed).toEqual([0])
  })

  it('drops the stream at once when too much waits for the peer', async () => {
    const near = await linksOf(a, { limits: { maxWaitingBytes: 400_000 } })
    await b.handle(NEGOTIATE_PROTOCOL, () => new Promise(() => undefined))
    await near.links.open({ peerId: 'b' })
    const sent = Array.from({ length: 12 }, () => near.links.send({ peerId: 'b' }, [envelope(70_000)]).then(() => 'sent', errorCode))
    expect(await Promise.all(sent)).toContain('E_CONTROL_STALLED')
    expect(clock.monotonicMs()).toBe(0)
  })

  it('gives up a stream that does not open in time', async () => {
    const slow = {
      ...a,
      open: () => new Promise<ByteStream>(() => undefined),
      handle: async () => async () => undefined,
    } as unknown as MemoryNode
    const { links } = await linksOf(slow)
    const sent = links.send({ peerId: 'b' }, [sync(0)]).catch(errorCode)
    await clock.settle(10_000)
    expect(await sent).toBe('E_CONTROL_STALLED')
  })

  it('does not wait for the timeout of another peer', async () => {
    const [near, far] = [await linksOf(a), await linksOf(b)]
    const c = hub.join({ publicKey: new Uint8Array(32).fill(3), peerId: 'c' })
    await c.handle(NEGOTIATE_PROTOCOL, () => new Promise(() => undefined))
    for (let i = 0; i < 8; i++) near.links.send({ peerId: 'c' }, [envelope(70_000)]).catch(() => undefined)
    await near.links.send({ peerId: 'b' }, [sync(7)])
    await clock.settle()
    expect(minesOf(far)).toEqual([7])
  })
})

describe('open()', () => {
  it('rejects with the reason of its signal, and the stream opens for others', async () => {
    const [near] = [await linksOf(a), await linksOf(b)]
    const gone = new AbortController()
    const opened = near.links.open({ peerId: 'b' }, { signal: gone.signal })
    gone.abort(new Error('no longer'))
    await expect(opened).rejects.toThrow('no longer')
    await clock.settle()
    expect(near.links.isOpen('b')).toBe(true)
  })
})

describe('frames that come', () => {
  it.each([
    ['an unknown tag', Uint8Array.of(0, 0, 0, 1, 9), 'E_CONTROL_FRAME'],
    ['a frame without a tag', Uint8Array.of(0, 0, 0, 0), 'E_CONTROL_FRAME'],
    ['a payload that is no dialect', Uint8Array.of(0, 0, 0, 2, 1, 0xc1), 'E_WIRE_TYPE'],
  ])('end the stream when there is %s, and what came before is not undone', async (_, bytes, code) => {
    const far = await linksOf(b)
    const stream = await rawTo('b')
    await stream.send(concat(encodeFrame(sync(1)), bytes, encodeFrame(sync(2))))
    await stream.closed
    expect(minesOf(far)).toEqual([1])
    expect(far.refused).toEqual([code])
    expect(far.closed).toEqual([0])
  })

  it('end the stream when one is too long, before it is read', async () => {
    const far = await linksOf(b)
    const stream = await rawTo('b')
    await stream.send(Uint8Array.of(0, 1, 0x20, 1))
    expect(MAX_FRAME_BYTES).toBe(0x12000)
    await stream.closed
    expect(far.refused).toEqual(['E_JOB_FRAME'])
  })

  it('end the stream when it ends inside a frame', async () => {
    const far = await linksOf(b)
    const stream = await rawTo('b')
    await stream.send(encodeFrame(sync(1)).subarray(0, 9))
    await stream.closeWrite()
    await clock.settle()
    expect(far.refused).toEqual(['E_JOB_FRAME'])
    expect(far.frames).toEqual([])
  })

  it('leave a silent stream open: it waits for its first message', async () => {
    const far = await linksOf(b)
    await rawTo('b')
    await clock.settle(3_600_000)
    expect(far.closed).toEqual([])
    expect(far.links.isOpen('a')).toBe(true)
  })

  it('are worked on side by side, no more than so many at once', async () => {
    let started = 0
    const held: (() => void)[] = []
    const work = (): Promise<void> => {
      started++
      return new Promise((resolve) => held.push(resolve))
    }
    await linksOf(b, { limits: { maxInWork: 3 }, work })
    const stream = await rawTo('b')
    await stream.send(concat(...[0, 1, 2, 3, 4].map((i) => encodeFrame(sync(i)))))
    await clock.settle()
    expect(started).toBe(3)
    held[1]?.()
    await clock.settle()
    expect(started).toBe(4)
  })
})

describe('the rate of a peer', () => {
  const flood = async (count: number): Promise<void> => {
    const stream = await rawTo('b')
    await stream.send(concat(...Array.from({ length: count }, (_, i) => encodeFrame(sync(i)))))
  }

  it('is held by reading later: nothing is lost, and nothing comes out of order', async () => {
    const far = await linksOf(b, { limits: { rate: { perSecond: 10, burst: 20 } } })
    await flood(100)
    await clock.settle()
    expect(far.frames.length).toBe(21)
    await clock.settle(1_000)
    expect(far.frames.length).toBe(31)
    await clock.settle(7_000)
    expect(minesOf(far)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it('does not hold when it is off', async () => {
    const far = await linksOf(b, { limits: { rate: { perSecond: Infinity, burst: Infinity } } })
    await flood(100)
    await clock.settle()
    expect(far.frames.length).toBe(100)
  })

  it('is one for all streams of the peer, and for those that it opens later', async () => {
    const far = await linksOf(b, { limits: { rate: { perSecond: 1, burst: 10 } } })
    await flood(10)
    await clock.settle()
    await flood(10)
    await clock.settle()
    expect(far.frames.length).toBe(11)
  })

  it("is each peer's own", async () => {
    const far = await linksOf(b, { limits: { rate: { perSecond: 1, burst: 10 } } })
    await flood(50)
    const c = hub.join({ publicKey: new Uint8Array(32).fill(3), peerId: 'c' })
    await (await c.open({ peerId: 'b' }, NEGOTIATE_PROTOCOL)).send(encodeFrame(sync(99)))
    await clock.settle()
    expect(minesOf(far)).toContain(99)
  })

  it('is used up sooner by what is refused or causes much', async () => {
    const far = await linksOf(b, { limits: { rate: { perSecond: 1, burst: 40 } } })
    far.links.charge('a', null)
    far.links.charge('a', 20)
    await flood(40)
    await clock.settle()
    expect(far.frames.length).toBe(5)
  })
})

it('a fifth stream of a peer takes the place of the oldest, and the end of each tells how many are left', async () => {
  const far = await linksOf(b)
  const streams: ByteStream[] = []
  for (let i = 0; i < 5; i++) {
    streams.push(await rawTo('b'))
    await clock.settle()
  }
  const isOpen = (stream: ByteStream): Promise<boolean> => Promise.race([stream.closed.then(() => false), clock.settle().then(() => true)])
  expect(await Promise.all(streams.map(isOpen))).toEqual([false, true, true, true, true])
  for (const stream of streams) stream.abort(new Error('enough'))
  await clock.settle()
  expect(far.closed).toEqual([4, 3, 2, 1, 0])
})

it('reply() answers on the stream that a frame came on, and hasSaid() knows what was said there', async () => {
  const far = await linksOf(b)
  const [first] = [await rawTo('b'), await rawTo('b')]
  await first.send(encodeFrame(sync(1)))
  await clock.settle()
  const [source] = far.sources
  expect(source?.hasSaid(new Uint8Array(16).fill(1))).toBe(false)
  await source?.reply([sync(5)])
  expect(source?.hasSaid(new Uint8Array(16).fill(1))).toBe(true)
  const { value } = await first[Symbol.asyncIterator]().next()
  expect(value).toEqual(encodeFrame(sync(5)))
})

it('close() ends every stream', async () => {
  const [near, far] = [await linksOf(a), await linksOf(b)]
  await near.links.open({ peerId: 'b' })
  await near.links.close()
  await clock.settle()
  expect(far.closed).toEqual([0])
  await expect(a.open({ peerId: 'b' }, NEGOTIATE_PROTOCOL)).resolves.toBeDefined()
  await expect(b.open({ peerId: 'a' }, NEGOTIATE_PROTOCOL)).rejects.toMatchObject({ code: 'E_PROTOCOL_UNSUPPORTED' })
})
