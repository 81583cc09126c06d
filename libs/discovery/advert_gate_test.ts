// The gate: every refusal has its cause and its name, cheap checks come first, and each defence is shown switched off.

import { describe, expect, it } from 'vitest'
import { encode, equalBytes } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { AdvertGate, OfferBook } from './mod.ts'
import type { Admission, AdvertGateOptions, AdvertRefusal } from './mod.ts'
import { advertOf, identityOf, NETWORK_ID, SUITE } from './_test_market.ts'

const NONE = { perSecond: 1e9, burst: 1e9 }
const NOW = Date.UTC(2026, 0, 1) / 1_000

function setUp(options: Partial<AdvertGateOptions> = {}) {
  const clock = virtualClock()
  const book = new OfferBook({ clock, random: seededRandom(1) })
  const gate = new AdvertGate({ networkId: NETWORK_ID, suite: SUITE, clock, book, own: identityOf(0).publicKey, ...options })
  const hear = (bytes: Uint8Array, from = 'neighbour'): AdvertRefusal | 'ok' => {
    const admission: Admission = gate.admit(bytes, from, 'cpu')
    if (admission.ok) book.enter(admission.message, from)
    return admission.ok ? 'ok' : admission.reason
  }
  return { clock, book, gate, hear }
}

const alice = identityOf(1)
const bob = identityOf(2)

describe('AdvertGate', { timeout: 60_000 }, () => {
  it('admits a good advert, once', () => {
    const { hear, gate } = setUp()
    expect(hear(advertOf(alice).bytes)).toBe('ok')
    expect(hear(advertOf(alice).bytes)).toBe('replay')
    expect([gate.admitted, gate.verified, gate.refusals.get('replay')]).toEqual([1, 1, 1])
  })

  it('refuses by length before it reads anything', () => {
    const { hear, gate } = setUp()
    expect(hear(new Uint8Array(513))).toBe('length')
    expect(gate.verified).toBe(0)
    expect(setUp({ maxBytes: 20_000 }).hear(new Uint8Array(513))).not.toBe('length')
  })

  it('refuses bytes outside the dialect and bodies outside the schema', () => {
    const { hear, gate } = setUp()
    expect(hear(Uint8Array.of(0xc1))).toBe('dialect')
    expect(hear(advertOf(alice).bytes.subarray(0, 100))).toBe('dialect')
    expect(hear(encode(['not', 'an', 'envelope']))).toBe('schema')
    expect(hear(advertOf(alice, { ttlS: 75 }, { exp: NOW + 1_000 }).bytes)).toBe('schema')
    expect(gate.verified).toBe(0)
  })

  it('refuses another network, the past and the future', () => {
    const { hear, gate } = setUp()
    expect(hear(advertOf(alice, {}, { network: new Uint8Array(32) }).bytes)).toBe('network')
    expect(hear(advertOf(alice, {}, { iat: NOW - 200 }).bytes)).toBe('window')
    expect(hear(advertOf(alice, {}, { iat: NOW + 31 }).bytes)).toBe('window')
    expect(hear(advertOf(alice, {}, { iat: NOW + 29 }).bytes)).toBe('ok')
    expect(gate.verified).toBe(1)
  })

  it('refuses an advert on the topic of another class, and our own', () => {
    const { hear } = setUp()
    expect(hear(advertOf(alice, { classIndex: 6 }).bytes)).toBe('topic')
    expect(hear(advertOf(identityOf(0)).bytes)).toBe('own')
  })

  it('refuses a forged signature, with the real verifier only', () => {
    const forged = advertOf(alice).bytes.slice()
    forged.set(new Uint8Array(8), forged.length - 8)
    expect(setUp().hear(forged)).toBe('signature')
    expect(
      setUp({ suite: { ...SUITE, sha256: (d) => SUITE.sha256(d), screenKey: (k) => SUITE.screenKey(k), verify: () => true } }).hear(forged),
    ).toBe('ok')
  })

  it('refuses a key under which anything verifies, with the screen only', () => {
    const weak = Uint8Array.of(1, ...new Uint8Array(31))
    const bytes = advertOf(alice).bytes.slice()
    const at = bytes.findIndex((_, i) => equalBytes(bytes.subarray(i, i + 32), alice.publicKey))
    bytes.set(weak, at)
    expect(setUp().hear(bytes)).toBe('key')
    const anything = { sha256: (d: Uint8Array) => SUITE.sha256(d), screenKey: () => true, verify: () => true }
    expect(setUp({ suite: anything }).hear(bytes)).toBe('ok')
  })

  it('remembers what a signer said last: an older word does not raise the dead', () => {
    const old = advertOf(alice, {}, { seq: NOW }).bytes
    const left = advertOf(alice, { ttlS: 0 }, { seq: NOW + 1 }).bytes
    const { hear, book, clock } = setUp()
    expect([hear(old), hear(left)]).toEqual(['ok', 'ok'])
    expect(book.size).toBe(0)
    clock.advance(60_000)
    expect(hear(old)).toBe('replay')
    // Off: a book that forgets at once believes the replay.
    const forgetful = virtualClock()
    const book2 = new OfferBook({ clock: forgetful, random: seededRandom(1), seqMemoryMs: -1 })
    const gate = new AdvertGate({ networkId: NETWORK_ID, suite: SUITE, clock: forgetful, book: book2, own: identityOf(0).publicKey })
    for (const bytes of [old, left, old]) {
      const admission = gate.admit(bytes, 'n', 'cpu')
      if (admission.ok) book2.enter(admission.message, 'n')
    }
    expect(book2.size).toBe(1)
  })

  it('limits what one signer may say', () => {
    const say = (options: Partial<AdvertGateOptions>): number => {
      const { hear } = setUp(options)
      let heard = 0
      for (let i = 0; i < 40; i++) if (hear(advertOf(alice, {}, { seq: NOW + i }).bytes) === 'ok') heard += 1
      return heard
    }
    expect(say({})).toBe(10)
    expect(say({ rates: { signer: NONE } })).toBe(40)
  })

  it('does not let forgeries use up what a signer may say', () => {
    const { hear } = setUp()
    for (let i = 0; i < 100; i++) {
      const forged = advertOf(alice, {}, { seq: NOW + 100 + i }).bytes.slice()
      forged.set(new Uint8Array(8), forged.length - 8)
      expect(hear(forged, 'liar')).toBe('signature')
    }
    expect(hear(advertOf(alice).bytes)).toBe('ok')
  })

  it('limits the signers that one neighbour introduces, and leaves known ones and other neighbours alone', () => {
    const rates = { newSignersPerNeighbour: { perSecond: 1, burst: 5 } }
    const introduce = (options: Partial<AdvertGateOptions>) => {
      const { hear, clock } = setUp(options)
      expect(hear(advertOf(alice).bytes, 'honest')).toBe('ok')
      const results = Array.from({ length: 20 }, (_, i) => hear(advertOf(identityOf(100 + i)).bytes, 'hostile'))
      return { hear, clock, taken: results.filter((r) => r === 'ok').length, crowded: results.filter((r) => r === 'crowded').length }
    }
    const { hear, clock, taken, crowded } = introduce({ rates })
    expect([taken, crowded]).toEqual([5, 15])
    expect(hear(advertOf(alice, {}, { seq: NOW + 1 }).bytes, 'hostile')).toBe('ok')
    expect(hear(advertOf(bob).bytes, 'honest')).toBe('ok')
    clock.advance(1_000)
    expect(hear(advertOf(identityOf(300)).bytes, 'hostile')).toBe('ok')
    expect(introduce({ rates: { newSignersPerNeighbour: NONE } }).taken).toBe(20)
  })

  it('limits new signers in all, but not those with receipts', () => {
    const rates = { newSigners: { perSecond: 1, burst: 5 } }
    const crowd = (options: Partial<AdvertGateOptions>): number => {
      const { hear } = setUp(options)
      return Array.from({ length: 20 }, (_, i) => hear(advertOf(identityOf(100 + i)).bytes, `neighbour ${i}`)).filter((r) => r === 'ok')
        .length
    }
    expect(crowd({ rates })).toBe(5)
    expect(crowd({ rates, isPreferred: () => true })).toBe(20)
    expect(crowd({ rates: { newSigners: NONE } })).toBe(20)
  })

  it('blames a neighbour that brings more strangers than an honest one can have accepted', () => {
    const bring = (options: Partial<AdvertGateOptions>): number => {
      const { hear } = setUp(options)
      return Array.from({ length: 40 }, (_, i) => hear(advertOf(identityOf(100 + i)).bytes)).filter((r) => r === 'neighbour').length
    }
    expect(bring({ rates: { strangers: { perSecond: 1, burst: 10 } } })).toBe(30)
    expect(bring({ rates: { strangers: NONE } })).toBe(0)
  })

  it('blames a neighbour that sends more than any honest one would', () => {
    const send = (options: Partial<AdvertGateOptions>): number => {
      const { hear } = setUp(options)
      return Array.from({ length: 50 }, () => hear(Uint8Array.of(0xc1))).filter((r) => r === 'neighbour').length
    }
    expect(send({ rates: { neighbour: { perSecond: 1, burst: 10 } } })).toBe(40)
    expect(send({ rates: { neighbour: NONE } })).toBe(0)
  })
})
