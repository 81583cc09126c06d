import { createIdentity, portableSuite } from '@haggle/identity'
import type { Offer } from '@haggle/offer'
import { sampleOffer } from '@haggle/offer/testing'
import { type VirtualClock, virtualClock } from '@haggle/wire/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { StandingOffer } from './standing_offer.ts'

const LIFETIME_MS = 600_000

let clock: VirtualClock
let free: number
let standing: StandingOffer

beforeEach(() => {
  clock = virtualClock()
  free = 2
  standing = new StandingOffer({
    identity: createIdentity(new Uint8Array(32).fill(7)),
    suite: portableSuite(),
    clock,
    networkId: new Uint8Array(32),
    now: (): Offer => sampleOffer({ slots: 2, freeSlots: free }),
    offered: () => undefined,
  })
})

/** Takes and frees a slot, as a job does; gives the ids of the offers that were signed. */
function trade(jobs: number): Uint8Array[] {
  const ids: Uint8Array[] = []
  for (let at = 0; at < jobs; at++) {
    for (const now of [1, 2]) {
      free = now
      const message = standing.renew()
      if (message !== undefined) ids.push(message.id)
      clock.advance(500)
    }
  }
  return ids
}

describe('StandingOffer', () => {
  it('promised() keeps what offers say once, however many say it', () => {
    const bodies = trade(50).map((id) => standing.promised(id))
    expect(bodies.map((body) => body?.freeSlots)).toEqual(Array.from({ length: 50 }, () => [1, 2]).flat())
    expect(new Set(bodies).size).toBe(2)
  })

  it('promised() keeps each promise until its end, and no longer', () => {
    const [first] = trade(1)
    clock.advance(LIFETIME_MS - 2_000)
    const [, second] = trade(1)
    expect(standing.promised(first ?? new Uint8Array())?.freeSlots).toBe(1)
    clock.advance(LIFETIME_MS / 2)
    trade(1)
    expect(standing.promised(first ?? new Uint8Array())).toBeUndefined()
    expect(standing.promised(second ?? new Uint8Array())?.freeSlots).toBe(2)
    expect(standing.promises).toBeLessThan(8)
  })

  it('promises counts what is promised now: a quarter of an hour of jobs leaves ten minutes of them', () => {
    trade(900)
    expect(standing.promises).toBeLessThanOrEqual(2 * 602)
  })
})
