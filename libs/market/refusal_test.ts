import { slaFrom, slaMeter, type Terms } from '@haggle/contract'
import { freeRail } from '@haggle/payment'
import { encodeSla } from '@haggle/witness'
import { expect, it } from 'vitest'
import { makeOffer, policyOf } from './offer_maker.ts'
import { Rails } from './rails.ts'
import { type Proposal, refusalOf } from './refusal.ts'
import { TEST_MACHINE } from './testing.ts'
import { STRANGER } from './trust.ts'

const RUNNERS = [
  { runner: 'exec', isolation: 'bubblewrap' },
  { runner: 'deno', isolation: 'permissions' },
]
const PAID = 'evm:31337:0x00'
const credits = freeRail()
const rails = new Rails([
  credits,
  { ...credits, name: PAID, unit: 'TEST', isMoney: true, account: new Uint8Array(20).fill(7), close: () => credits.close() },
])
const policy = policyOf({ price: '0.36', also: [{ rail: 'TEST', price: '0.30' }] }, RUNNERS, { machine: TEST_MACHINE, rails })
const paid = { rail: PAID, tickMs: 5_000, graceMs: 5_000 }
const offer = makeOffer(TEST_MACHINE, policy, { busy: new Set(), used: 0 })
const terms: Terms = {
  renter: new Uint8Array(32).fill(1),
  provider: new Uint8Array(32).fill(2),
  offerDigest: null,
  devices: [],
  runner: 'exec',
  isolation: 'bubblewrap',
  rail: 'free',
  meters: offer.rails[0]?.meters ?? [],
  cap: 1_000n,
  ...offer.timing,
  idleMs: 60_000,
  maxMs: 60_000,
  limits: { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, pids: 64 },
  net: null,
  sla: null,
  visibility: 'private',
  extends: null,
}
const proposal = (
  changes: {
    terms?: Partial<Terms>
    renter?: Partial<Proposal['renter']>
    policy?: Partial<Proposal['policy']>
    current?: Partial<Proposal['current']>
    promised?: Partial<Proposal['promised']>
    stake?: bigint | null
  } = {},
): Proposal => ({
  terms: { ...terms, ...changes.terms },
  promised: { ...offer, ...changes.promised },
  stake: changes.stake ?? null,
  current: { ...offer, ...changes.current },
  policy: { ...policy, ...changes.policy },
  renter: { key: terms.renter, friend: false, running: 0, trust: STRANGER, ...changes.renter },
})

it('refusalOf() is null for terms that are the offer', () => {
  expect(refusalOf(proposal())).toBeNull()
})

it.each([
  ['trust', null, proposal({ policy: { serves: 'friends' } })],
  ['trust', null, proposal({ renter: { trust: { ...STRANGER, scoreMicro: 0 } } })],
  ['policy', null, proposal({ renter: { running: 1 } })],
  ['trust', null, proposal({ terms: { runner: 'deno', isolation: 'permissions' } })],
  ['unsupported', null, proposal({ terms: { rail: 'evm:1:0x00' } })],
  ['constraint', 'graceMs', proposal({ terms: { ...paid, graceMs: 5_001 } })],
  ['constraint', 'tickMs', proposal({ terms: { ...paid, tickMs: 6_000 } })],
  ['unsupported', null, proposal({ terms: { net: 'all' } })],
  ['unsupported', null, proposal({ terms: { runner: 'container' } })],
  ['price', null, proposal({ terms: { meters: [{ unit: 'ms', price: 1n, per: 3_600_000n }] } })],
  ['price', null, proposal({ terms: { cap: 0n } })],
  ['constraint', 'limits.memMiB', proposal({ terms: { limits: { ...terms.limits, memMiB: 1_000_000 } } })],
  ['constraint', 'maxMs', proposal({ terms: { maxMs: 86_400_000 } })],
  ['constraint', 'tickMs', proposal({ terms: { tickMs: 100 } })],
  ['constraint', 'devices', proposal({ terms: { devices: [{ id: 'gpu0', kind: 'gpu', model: 'H100', vramMiB: 81_920 }] } })],
  ['capacity', null, proposal({ current: { freeSlots: 0 } })],
  ['capacity', null, proposal({ current: { limits: { ...offer.limits, diskMiB: 255 } } })],
] as const)('refusalOf() says %s %s', (reason, path, given) => {
  expect(refusalOf(given)).toEqual({ reason, path })
})

it('makeOffer() shares the room on the disk among the slots that are free, and has none without room', () => {
  const { slots } = policy
  const of = (roomMiB: number, used = 0): readonly number[] => {
    const { diskMiB, limits, freeSlots } = makeOffer(TEST_MACHINE, policy, { busy: new Set(), used, roomMiB })
    return [diskMiB, limits.diskMiB, freeSlots]
  }
  expect(of(Infinity)).toEqual([TEST_MACHINE.diskMiB, Math.floor(TEST_MACHINE.diskMiB / slots), slots])
  expect(of(100)).toEqual([100, Math.floor(100 / slots), slots])
  expect(of(100, slots)).toEqual([100, 100, 0])
  expect(of(0)).toEqual([0, 0, 0])
})

it('refusalOf() lets friends have what strangers may not', () => {
  const friend = { friend: true }
  expect(refusalOf(proposal({ renter: friend, policy: { serves: 'friends' } }))).toBeNull()
  expect(refusalOf(proposal({ renter: { ...friend, running: 1 } }))).toBeNull()
  expect(refusalOf(proposal({ renter: { ...friend, trust: { ...STRANGER, scoreMicro: 0 } } }))).toBeNull()
  expect(refusalOf(proposal({ renter: friend, terms: { runner: 'deno', isolation: 'permissions' } }))).toBeNull()
})

it('refusalOf() lets a stranger have several jobs at a time when it pays ahead, and a friend a longer grace', () => {
  expect(refusalOf(proposal({ terms: paid, renter: { running: 1 } }))).toBe(null)
  expect(refusalOf(proposal({ terms: { ...paid, graceMs: 20_000 }, renter: { friend: true } }))).toBe(null)
})

it('refusalOf() reads the score, its axes and the settled contracts in `accept`', () => {
  const accept = (text: string): ReturnType<typeof refusalOf> =>
    refusalOf({
      ...proposal({ renter: { trust: { scoreMicro: 300_000, axesMicro: { pays: 400_000 }, jobs: 2 } } }),
      promised: { ...offer, accept: text },
    })
  expect(accept('trust.score>=0.3 trust.pays>=0.4 renter.jobs>=2')).toBeNull()
  expect(accept('trust.score>0.3')).toEqual({ reason: 'constraint', path: 'accept' })
  expect(accept('trust.disputes>=0.5')).toEqual({ reason: 'constraint', path: 'renter.disputes' })
})

const sold = { sla: { rail: PAID, court: new Uint8Array(20).fill(9), rule: 2, slotS: 10, pricePerSlot: 5n, factor: 10, fee: 40n } }
const level = slaFrom({ ...offer, ...sold }, { rail: PAID, limits: { ...terms.limits, maxMs: terms.maxMs } }, new Uint8Array(20).fill(8))
const bought = {
  ...paid,
  sla: encodeSla(level),
  meters: [...(offer.rails[1]?.meters ?? []), slaMeter({ ...offer, ...sold })],
}

it('refusalOf() takes the service level that the offer sells, when there is stake for it', () => {
  expect(refusalOf(proposal({ terms: bought, promised: sold, stake: level.lock }))).toBeNull()
  expect(refusalOf(proposal({ terms: bought, promised: sold, stake: level.lock - 1n }))).toMatchObject({ reason: 'capacity' })
  expect(refusalOf(proposal({ terms: bought, promised: sold, stake: null }))).toMatchObject({ reason: 'capacity' })
})

it.each([
  ['is not sold', {}, {}, 'unsupported'],
  ['is another than is sold', { sla: encodeSla({ ...level, lock: 1n }) }, sold, 'unsupported'],
  ['can not be read', { sla: Uint8Array.of(1) }, sold, 'unsupported'],
  ['is on another rail', { sla: bought.sla, rail: 'free', meters: offer.rails[0]?.meters ?? [] }, sold, 'unsupported'],
  ['is not paid', { meters: offer.rails[1]?.meters ?? [] }, sold, 'price'],
  ['is paid and not asked for', { sla: null }, sold, 'price'],
])('refusalOf() refuses a service level that %s', (_, changes, promised, reason) => {
  expect(refusalOf(proposal({ terms: { ...bought, ...changes }, promised, stake: level.lock }))).toMatchObject({ reason })
})
