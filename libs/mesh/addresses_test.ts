import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { peerOf } from './addresses.ts'

it('peerOf() is the peer at the end, and none for an address that ends at a relay', () => {
  const relay = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
  const peer = '12D3KooWSUHt2hP4eHsyAGRCJVgYvje1kdN1Lhbn8eFeWhdC4xLW'
  expect(peerOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${relay}`))).toBe(relay)
  expect(peerOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${relay}/p2p-circuit`))).toBeUndefined()
  expect(peerOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${relay}/p2p-circuit/p2p/${peer}`))).toBe(peer)
})
