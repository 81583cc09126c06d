// What a peer may try: each is refused with its code, costs no more than it must, and changes nothing for anybody else.

import { createIdentity } from '@haggle/identity'
import { nodeEd25519 } from '@haggle/identity/node'
import type { Store } from '@haggle/store'
import { concat, toHex } from '@haggle/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFrame } from './control_frame.ts'
import { type ThreadRecord, threadStore } from './thread_store.ts'
import { Hand } from './_test_hand.ts'
import { DEMAND } from './_script_facts.ts'
import { World } from './_test_sides.ts'

let world: World
let verified: number

beforeEach(async () => {
  world = new World()
  verified = 0
  const { suite } = world.provider
  world.provider.suite = { ...suite, verify: (...args) => (verified++, suite.verify(...args)) }
  await world.provider.start()
})
afterEach(() => world.close())

const refused = (): readonly string[] => world.provider.seen.refused
const other = createIdentity(new Uint8Array(32).fill(77), nodeEd25519())
const confirming = (): void => {
  world.provider.behave = async (side, thread, { message }) => {
    if (message?.type !== 'accept') return
    const { number, write } = side.threads.takeNumber()
    await thread.command({ do: 'confirm', number }, { writes: [write] })
  }
}

describe('an envelope', () => {
  it('is refused before its signature is looked at when another key signed it than that of the connection', async () => {
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf(), { signer: other.signer })
    expect(refused()).toEqual(['E_THREAD_PEER'])
    expect(verified).toBe(0)
    expect(world.provider.seen.opened).toEqual([])
  })

  it.each([
    ['for another reader', { audience: new Uint8Array(32).fill(5) }, 'E_ENVELOPE_AUDIENCE'],
    ['of another network', { network: new Uint8Array(32) }, 'E_ENVELOPE_NETWORK'],
    ['from the future', { iat: 2_000_000_000, exp: 2_000_000_005 }, 'E_ENVELOPE_EARLY'],
    ['that opens a thread too late', { iat: 1_700_000_000, exp: 1_700_000_005 }, 'E_ENVELOPE_EXPIRED'],
    ['of a thread that nobody knows', { seq: 1, prev: new Uint8Array(32) }, 'E_THREAD_UNKNOWN'],
  ])('is refused before its signature is looked at when it is %s', async (_, change, code) => {
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf(), change)
    expect(refused()).toEqual([code])
    expect(verified).toBe(0)
    expect(world.provider.threads.open()).toEqual([])
  })

  it('opens no thread when it is no opener', async () => {
    const hand = new Hand(world, world.provider)
    await hand.tell('ready', {})
    expect(refused()).toEqual(['E_THREAD_UNKNOWN'])
    expect(verified).toBe(0)
  })

  it('opens no thread when its signature does not fit', async () => {
    const hand = new Hand(world, world.provider)
    const { bytes } = hand.seal('accept', hand.acceptOf())
    const broken = bytes.slice()
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    await hand.say({ kind: 'envelope', bytes: broken })
    expect(refused()).toEqual(['E_ENVELOPE_SIGNATURE'])
    expect(world.provider.threads.open()).toEqual([])
  })

  it('is refused when it is no envelope at all, and the stream goes on', async () => {
    const hand = new Hand(world, world.provider)
    await hand.say({ kind: 'envelope', bytes: new Uint8Array(0) }, { kind: 'envelope', bytes: Uint8Array.of(0x91, 0xc1) })
    await hand.tell('accept', hand.acceptOf())
    expect(refused()).toEqual(['E_WIRE_TRUNCATED', 'E_WIRE_TYPE'])
    expect(world.provider.seen.opened).toHaveLength(1)
  })

  it('for a thread of others is refused, whoever knows its id', async () => {
    const renter = new Hand(world, world.provider)
    await renter.tell('quote-req', { demand: DEMAND, offer: null, extends: null })
    const [thread] = world.provider.seen.opened
    const thief = new Hand(world, world.provider, 3)
    await thief.tell('cancel', { reason: 'user' }, { seq: 1, prev: renter.own[0]?.id ?? null })
    await thief.say({ kind: 'sync', thread: renter.thread, mine: 5, yours: 0 })
    await thief.say({ kind: 'spec', thread: renter.thread, salt: new Uint8Array(32), spec: new Uint8Array(1) })
    expect(refused()).toEqual(['E_THREAD_PEER', 'E_THREAD_PEER', 'E_THREAD_PEER'])
    expect(thief.heard).toEqual([])
    expect(world.provider.seen.specs).toEqual([])
    expect(thread?.view().phase).toBe('asked')
  })

  it('for a stored thread of others is refused before its chains are read', async () => {
    const ranges: string[] = []
    const watched = (store: Store): Store => ({
      ...store,
      sub: (prefix) => watched(store.sub(prefix)),
      range: (range = {}) => {
        ranges.push(range.gte ?? '')
        return store.range(range)
      },
    })
    world.provider.behave = async (_, thread, { message }) => {
      if (message?.type === 'accept') await thread.command({ do: 'reject', reason: 'capacity', path: null, fresh: null })
    }
    const renter = new Hand(world, world.provider)
    await renter.tell('accept', renter.acceptOf())
    await renter.lose()
    world.provider.wrapStore = watched
    await world.provider.restart()
    ranges.length = 0
    verified = 0
    const thief = new Hand(world, world.provider, 3)
    await thief.say({ kind: 'sync', thread: renter.thread, mine: 5, yours: 0 })
    expect(refused().at(-1)).toBe('E_THREAD_PEER')
    expect([ranges, thief.heard]).toEqual([[], []])
    renter.heard.length = 0
    await renter.say({ kind: 'sync', thread: renter.thread, mine: 1, yours: 0 })
    expect(renter.messages().map(({ type }) => type)).toEqual(['rejected'])
    // What this node stored was checked when it came.
    expect([ranges.length, verified]).toEqual([2, 0])
  })

  it('that is repeated costs no second signature check, and is one job', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    const accept = await hand.tell('accept', hand.acceptOf())
    expect(verified).toBe(1)
    for (let i = 0; i < 5; i++) await hand.say({ kind: 'envelope', bytes: accept.bytes })
    expect(verified).toBe(1)
    expect(world.provider.seen.messages.map(({ type }) => type)).toEqual(['accept'])
    expect(hand.messages().map(({ type }) => type)).toEqual(['confirm'])
  })

  it('of a known thread is taken long after its own window: SYNC brings what an outage kept', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf({ stagingMs: 600_000, idleMs: 600_000 }))
    const contract = hand.own[0]?.id ?? new Uint8Array(32)
    await hand.tell('voucher', { contract, contractOwed: 0n, channel: null, channelCumulative: null, evmSig: null })
    const grant = hand.seal('grant', { contract, grantee: new Uint8Array(32), right: 'read', until: 2 ** 32 - 1 })
    await hand.lose()
    await world.settle(300_000)
    expect(grant.exp).toBeLessThan(world.clock.now() / 1000 - 200)
    await hand.say({ kind: 'envelope', bytes: grant.bytes })
    expect(world.provider.seen.messages.map(({ type }) => type)).toEqual(['accept', 'voucher', 'grant'])
    expect(refused()).toEqual(['E_STREAM_RESET'])
  })

  it('with a gap before it is not taken, and asks for what is missing', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    const contract = hand.own[0]?.id ?? new Uint8Array(32)
    const voucher = { contract, contractOwed: 0n, channel: null, channelCumulative: null, evmSig: null }
    const second = hand.seal('voucher', voucher)
    hand.own.push(second)
    await hand.tell('cancel', { reason: 'user' })
    const [thread] = world.provider.seen.opened
    expect(thread?.view().phase).toBe('confirmed')
    expect(hand.heard.at(-1)).toMatchObject({ kind: 'sync', mine: 1, yours: 1 })
    await hand.say({ kind: 'envelope', bytes: second.bytes }, { kind: 'envelope', bytes: hand.own[2]?.bytes ?? second.bytes })
    expect(thread?.view().phase).toBe('cancelling')
  })

  it('signed twice at one place is evidence, kept and given out as two envelopes', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    const first = await hand.tell('accept', hand.acceptOf())
    const second = hand.seal('accept', hand.acceptOf({ cap: 5n }), { seq: 0, prev: null, ack: null })
    await hand.say({ kind: 'envelope', bytes: second.bytes })
    const effect = world.provider.seen.effects.find(({ kind }) => kind === 'evidence')
    expect(effect).toMatchObject({ seq: 0, knownId: first.id, otherId: second.id })
    const [thread] = world.provider.seen.opened
    expect(await thread?.equivocations()).toEqual([{ first: first.bytes, other: second.bytes }])
    await world.provider.restart()
    const again = await world.provider.threads.get(toHex(hand.thread))
    expect(await again?.equivocations()).toEqual([{ first: first.bytes, other: second.bytes }])
  })
})

describe('a thread', () => {
  it('is refused when the peer has too many open, and not for others', async () => {
    const hand = new Hand(world, world.provider)
    for (let i = 0; i < 66; i++) {
      hand.thread = new Uint8Array(16).fill(i)
      hand.own.length = 0
      await hand.tell('quote-req', { demand: DEMAND, offer: null, extends: null })
    }
    expect(world.provider.threads.open()).toHaveLength(64)
    expect(refused()).toEqual(['E_THREAD_LIMIT', 'E_THREAD_LIMIT'])
    expect(verified).toBe(64)
    const honest = new Hand(world, world.provider, 3)
    honest.thread = new Uint8Array(16).fill(200)
    await honest.tell('quote-req', { demand: DEMAND, offer: null, extends: null })
    expect(world.provider.threads.open()).toHaveLength(65)
    // Unanswered requests end by themselves, and make room.
    await world.settle(10_000)
    hand.thread = new Uint8Array(16).fill(250)
    hand.own.length = 0
    await hand.tell('quote-req', { demand: DEMAND, offer: null, extends: null }, { ack: null })
    expect(refused()).toHaveLength(2)
  })

  it.each<[string, (hand: Hand) => Promise<unknown>]>([
    [
      'a QUOTE_REQ that extends terms',
      (hand) => hand.tell('quote-req', { demand: DEMAND, offer: null, extends: new Uint8Array(32) }, { ack: null }),
    ],
    ['an ACCEPT of terms between others', (hand) => hand.tell('accept', hand.acceptOf({ renter: other.publicKey }), { ack: null })],
    ['an ACCEPT of no terms', (hand) => hand.tell('accept', { ...hand.acceptOf(), terms: null }, { ack: null })],
    ['a word that acknowledges what was never said', (hand) => hand.tell('accept', hand.acceptOf(), { ack: new Uint8Array(32) })],
  ])('is not opened by %s: it would have no deadline, and never end', async (_, tell) => {
    const hand = new Hand(world, world.provider)
    for (let i = 0; i < 70; i++) {
      hand.thread = new Uint8Array(16).fill(i)
      hand.own.length = 0
      await tell(hand)
      await hand.say({ kind: 'spec', thread: hand.thread, salt: new Uint8Array(32), spec: new Uint8Array(1) })
    }
    expect(new Set(refused())).toEqual(new Set(['E_THREAD_UNKNOWN']))
    expect(refused()).toHaveLength(70)
    expect(world.provider.threads.open()).toEqual([])
    expect(world.provider.seen.opened).toEqual([])
    expect(world.provider.seen.specs).toEqual([])
    // Nobody is looked for, and the next good word finds room.
    await hand.lose()
    expect(world.clock.nextAt).toBeUndefined()
    hand.thread = new Uint8Array(16).fill(250)
    hand.own.length = 0
    await hand.tell('quote-req', { demand: DEMAND, offer: null, extends: null }, { ack: null })
    expect(world.provider.threads.open()).toHaveLength(1)
  })

  it('that is not opened costs its peer as much as any refused frame', async () => {
    world.provider.limits = { rate: { perSecond: 10, burst: 50 } }
    await world.provider.restart()
    const hand = new Hand(world, world.provider)
    const bad = Array.from({ length: 20 }, (_, i) =>
      hand.seal('quote-req', { demand: DEMAND, offer: null, extends: new Uint8Array(32) }, { thread: new Uint8Array(16).fill(i) }),
    )
    await hand.say(...bad.map(({ bytes }) => ({ kind: 'envelope', bytes }) as const))
    // Three refusals use up what may come at once.
    expect(refused()).toHaveLength(3)
  })

  it('is one, however many streams bring its first word at once', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    const { bytes } = hand.seal('accept', hand.acceptOf())
    const streams = await Promise.all(
      [0, 1, 2].map(() => hand.node.open({ peerId: world.provider.identity.peerId }, '/haggle/negotiate/1')),
    )
    await Promise.all(streams.map((stream) => stream.send(encodeFrame({ kind: 'envelope', bytes }))))
    await world.settle()
    expect(world.provider.seen.opened).toHaveLength(1)
    expect(world.provider.threads.open()).toHaveLength(1)
  })

  it('of which the disk lost every message ends after a restart, unless the peer gives them back', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    world.provider.kill()
    const id = toHex(hand.thread)
    await world.provider.store.write(['o', 't'].map((side) => ({ key: `m!${id}!${side}!00000000`, value: null })))
    await world.provider.restart()
    await hand.lose()
    expect(world.provider.threads.open()).toHaveLength(1)
    await world.settle(30_000)
    expect(world.provider.threads.open()).toEqual([])
    // An end stays one: what comes now is answered with no signature.
    await hand.say({ kind: 'envelope', bytes: hand.own[0]?.bytes ?? new Uint8Array(0) })
    await world.settle(30_000)
    expect(world.provider.threads.open()).toEqual([])
    expect(hand.messages().map(({ type }) => type)).toEqual(['confirm'])
    await world.provider.restart()
    expect(world.provider.threads.open()).toEqual([])
  })

  it('whose id comes again after a restart gets the stored words, and nothing is signed twice', async () => {
    world.provider.behave = async (_, thread, { message }) => {
      if (message?.type === 'accept') await thread.command({ do: 'reject', reason: 'capacity', path: null, fresh: null })
    }
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    const [rejected] = hand.messages()
    expect(rejected?.type).toBe('rejected')
    await world.provider.restart()
    await hand.lose()
    const again = hand.seal('accept', hand.acceptOf({ cap: 77n }), { seq: 0, prev: null, ack: null })
    hand.heard.length = 0
    await hand.say({ kind: 'envelope', bytes: again.bytes })
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 0 })
    expect(hand.messages().map(({ bytes }) => toHex(bytes))).toEqual([toHex(rejected?.bytes ?? new Uint8Array(0))])
    expect(world.provider.seen.opened).toHaveLength(1)
  })

  it('that this node has lost is signed in no more', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 1 })
    expect(hand.heard).toEqual([])
    await hand.tell('accept', hand.acceptOf())
    expect(refused()).toEqual(['E_THREAD_LOST', 'E_THREAD_LOST'])
    expect(verified).toBe(0)
    expect(hand.messages()).toEqual([])
  })

  it('that nobody here has heard of is asked for from its start', async () => {
    const hand = new Hand(world, world.provider)
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 2, yours: 0 })
    expect(hand.heard).toEqual([{ kind: 'sync', thread: hand.thread, mine: 0, yours: 0 }])
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 0, yours: 0 })
    expect(hand.heard).toHaveLength(1)
  })
})

describe('SYNC', () => {
  it('is answered once on a stream, with what is lacking each time', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    hand.heard.length = 0
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 0 })
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 0 })
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 1 })
    expect(hand.heard.map(({ kind }) => kind)).toEqual(['envelope', 'sync', 'envelope'])
  })

  it('that claims too much is answered, and keeps nobody from ending', async () => {
    confirming()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    await world.provider.restart()
    await hand.lose()
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 2 ** 32 - 1, yours: 2 ** 32 - 1 })
    const thread = await world.provider.threads.get(toHex(hand.thread))
    expect(thread?.view().synced).toBe(false)
    await world.settle(120_000)
    expect(thread?.view().phase).toBe('expired')
    expect(hand.messages().map(({ type }) => type)).toEqual(['confirm'])
  })

  it('that makes a node send much is paid for by the peer', async () => {
    confirming()
    await world.provider.restart()
    world.provider.limits = { rate: { perSecond: 10, burst: 50 } }
    await world.provider.restart()
    const hand = new Hand(world, world.provider)
    await hand.tell('accept', hand.acceptOf())
    for (let i = 0; i < 100; i++) void hand.say({ kind: 'sync', thread: hand.thread, mine: 1, yours: 0 })
    await world.settle()
    const answered = (): number => hand.heard.filter(({ kind }) => kind === 'envelope').length
    const before = answered()
    expect(before).toBeLessThan(45)
    // Ten frames come back in a second; each SYNC costs two.
    await world.settle(1_000)
    expect(answered()).toBeLessThanOrEqual(before + 6)
  })
})

describe('a chain', () => {
  const bound = async (): Promise<{ hand: Hand; contract: Uint8Array }> => {
    confirming()
    const hand = new Hand(world, world.provider)
    const { id } = await hand.tell('accept', hand.acceptOf({ stagingMs: 600_000, idleMs: 600_000 }))
    return { hand, contract: id }
  }
  const keptOf = async (hand: Hand): Promise<number> =>
    (await (await world.provider.threads.get(toHex(hand.thread)))?.stored())?.theirs.length ?? 0

  it('has so many GRANTs and no more, also after a restart', async () => {
    const { hand, contract } = await bound()
    const grant = { contract, grantee: new Uint8Array(32), right: 'read', until: 2 ** 32 - 1 } as const
    for (let i = 0; i < 256; i++) await hand.tell('grant', grant)
    expect([await keptOf(hand), refused()]).toEqual([257, []])
    await hand.lose()
    await world.provider.restart()
    await hand.say({ kind: 'sync', thread: hand.thread, mine: 257, yours: 1 })
    for (let i = 0; i < 3; i++) await hand.tell('grant', grant)
    expect(await keptOf(hand)).toBe(257)
    expect(refused().filter((code) => code !== 'E_STREAM_RESET')).toEqual(['E_THREAD_LIMIT'])
  })

  it('has few VOUCHERs more than there are METERs', async () => {
    const { hand, contract } = await bound()
    const voucher = { contract, contractOwed: 0n, channel: null, channelCumulative: null, evmSig: null }
    for (let i = 0; i < 20; i++) await hand.tell('voucher', voucher)
    expect([await keptOf(hand), refused()]).toEqual([17, ['E_THREAD_LIMIT']])
  })

  it('is read from the store at the cost of whoever asks for it', async () => {
    const hand = new Hand(world, world.provider)
    const kept = threadStore(world.provider.store)
    const key = hand.identity.publicKey
    const record: ThreadRecord = { thread: hand.thread, role: 'provider', peerKey: key, addresses: [], startedAt: 0 }
    const grant = { contract: key, grantee: key, right: 'read', until: 1 } as const
    for (let i = 0; i < 800; i++) hand.own.push(hand.seal('grant', grant))
    const messages = hand.own.map(({ seq, bytes }) => kept.message(hand.thread, 'theirs', seq, bytes))
    await kept.write([...kept.begin(record), ...messages, kept.closed(hand.thread)])
    world.provider.limits = { rate: { perSecond: 10, burst: 50 } }
    await world.provider.restart()
    await hand.say(
      { kind: 'sync', thread: hand.thread, mine: 800, yours: 0 },
      { kind: 'output', contract: key, channel: 'stdout', offset: 0, bytes: key },
    )
    expect(world.provider.seen.outputs).toEqual([])
    await world.settle(10_000)
    expect(world.provider.seen.outputs).toEqual([])
    await world.settle(10_000)
    expect(world.provider.seen.outputs).toHaveLength(1)
  })
})

it('frames that break the framing end the stream and nothing else', async () => {
  confirming()
  const hand = new Hand(world, world.provider)
  await hand.tell('accept', hand.acceptOf())
  const stream = await hand.node.open({ peerId: world.provider.identity.peerId }, '/haggle/negotiate/1')
  await stream.send(concat(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0xff)))
  await stream.closed
  expect(refused()).toEqual(['E_CONTROL_FRAME'])
  expect(world.provider.threads.open()).toHaveLength(1)
})
