// The advert fits in 512 octets whatever the owner's addresses are, and reads back as it was written.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLASSES } from '@haggle/offer'
import { open } from '@haggle/wire'
import { advertMessage, classNameOf, MAX_ADVERT_BYTES, sealAdvert } from './advert.ts'
import { orderAddresses } from './advert_addresses.ts'
import { advertTopic, advertTopics, dhtKey } from './topics.ts'
import { identityOf, NETWORK_ID, SUITE } from './_test_market.ts'

const me = identityOf(1)
const by = { signer: me.signer, suite: SUITE, peerId: me.peerId }

describe('sealAdvert()', () => {
  it('stays within its octets and reads back, for any buckets and addresses', () => {
    const address = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `/ip4/${ip}/tcp/${port}`),
      fc.string({ minLength: 1, maxLength: 200, unit: fc.constantFrom(...'abcdefghij/.-0123456789') }),
    )
    fc.assert(
      fc.property(
        fc.record({
          class: fc.constantFrom(...CLASSES.map((c) => c.name)),
          vramTier: fc.integer({ min: 0, max: 65_535 }),
          freeCount: fc.integer({ min: 0, max: 255 }),
          priceBucket: fc.integer({ min: 0, max: 255 }),
          region: fc.option(fc.constantFrom('DE', 'US-CA'), { nil: null }),
          runnerBits: fc.integer({ min: 0, max: 255 }),
        }),
        fc.array(address, { maxLength: 8 }),
        fc.integer({ min: 0, max: 360 }),
        (buckets, addresses, ttlS) => {
          const sent = sealAdvert(
            { networkId: NETWORK_ID, digest: new Uint8Array(32), buckets, ttlS, seq: 4_000_000_000, nowS: 4_000_000_000, addresses },
            by,
          )
          expect(sent.bytes.length).toBeLessThanOrEqual(MAX_ADVERT_BYTES)
          const got = open(sent.bytes, advertMessage, { network: NETWORK_ID, nowS: 4_000_000_000, suite: SUITE })
          expect(classNameOf(got.body)).toBe(buckets.class)
          expect(got.body.addresses).toEqual(sent.body.addresses)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('cuts its own PeerId off and drops the last addresses first', () => {
    const buckets = { class: 'cpu', vramTier: 0, freeCount: 1, priceBucket: 1, region: null, runnerBits: 1 } as const
    const long = Array.from({ length: 4 }, (_, i) => `/dns4/${'x'.repeat(100)}${i}/tcp/1/p2p/${me.peerId}`)
    const { body } = sealAdvert(
      { networkId: NETWORK_ID, digest: new Uint8Array(32), buckets, ttlS: 75, seq: 1, nowS: 1, addresses: long },
      by,
    )
    expect(body.addresses).toEqual(long.slice(0, 2).map((address) => address.split('/p2p/')[0]))
  })
})

describe('orderAddresses()', () => {
  it('puts public addresses first, then relays, then private, then loopback', () => {
    const relayed = '/ip4/8.8.8.8/tcp/1/p2p/12D3KooW/p2p-circuit'
    const sorted = ['/ip4/8.8.4.4/tcp/1', relayed, '/ip4/192.168.0.2/tcp/1', '/ip4/127.0.0.1/tcp/1']
    expect(orderAddresses([...sorted].reverse())).toEqual(sorted)
    const six = ['/ip6/2001:db8::1/tcp/1', '/ip6/fd00::1/tcp/1', '/ip6/::1/tcp/1']
    expect(orderAddresses([...six].reverse())).toEqual(six)
  })
})

describe('topics', () => {
  it('are one per class and carry eight octets of the network id', () => {
    expect(advertTopics(NETWORK_ID)).toHaveLength(CLASSES.length)
    expect(advertTopic(NETWORK_ID, 'g24')).toMatch(/^haggle\/[0-9a-f]{16}\/advert\/1\/g24$/)
  })

  it('dhtKey() differs by kind, value and network', () => {
    const keys = [
      dhtKey(NETWORK_ID, { kind: 'any', value: 'any' }, SUITE),
      dhtKey(NETWORK_ID, { kind: 'tier', value: 'any' }, SUITE),
      dhtKey(NETWORK_ID, { kind: 'tier', value: 'g24' }, SUITE),
      dhtKey(new Uint8Array(32), { kind: 'any', value: 'any' }, SUITE),
    ]
    expect(new Set(keys.map((key) => key.join())).size).toBe(4)
    expect(keys[0]).toHaveLength(32)
  })
})
