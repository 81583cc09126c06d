// What a peer may try: each is refused with its code, costs no more than it must, and changes nothing for anybody else.

import { createIdentity } from '@haggle/identity'
import { nodeEd25519 } from '@haggle/identity/node'
import { concat, toHex } from '@haggle/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
    await hand.tell('quote-req', { demand: DEMAND, offer: null, extends: null })
    expect(refused()).toHaveLength(2)
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
