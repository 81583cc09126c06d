// Who is pinged can be another node, or it is said why not, before anybody is dialled.

import { createIdentity } from '@haggle/identity'
import { expect, test } from 'vitest'
import { describe as describeError } from '../failure.ts'
import { checkTarget } from './ping_target.ts'

const peer = (seed: number): string => createIdentity(new Uint8Array(32).fill(seed)).peerId
const SELF = peer(1)
/** One letter is another: half of all such PeerIds are of no key. */
const MISTYPED = '12D3KooWGRUWwVJZpMeMhKQcQDdCAZCRvuBLmvnBsvxTuVAbW7X1'

const said = (target: string): string => {
  try {
    checkTarget(target, SELF)
    return 'can be dialled'
  } catch (error) {
    const { code, message } = describeError(error)
    return `${message} (${code})`
  }
}

test('checkTarget() takes a PeerId and an address of another node', () => {
  expect([peer(2), `/ip4/127.0.0.1/tcp/1/p2p/${peer(2)}`].map(said)).toEqual(['can be dialled', 'can be dialled'])
})

test('checkTarget() leaves an address without a PeerId to the market', () => {
  expect(said('/ip4/127.0.0.1/tcp/1')).toBe('can be dialled')
})

test.each([
  ['nope', 'must be an Ed25519 PeerId such as 12D3Koo… (E_PEER_ID)'],
  ['', 'must be an Ed25519 PeerId such as 12D3Koo… (E_PEER_ID)'],
  [SELF, 'is this node itself (E_PEER_ID)'],
  [`/ip4/127.0.0.1/tcp/1/p2p/${SELF}`, 'is this node itself (E_PEER_ID)'],
  [MISTYPED, 'there is no such key (E_PEER_ID)'],
  [`/ip4/127.0.0.1/tcp/1/p2p/${MISTYPED}`, 'there is no such key (E_PEER_ID)'],
])('checkTarget() refuses %j', (target, why) => {
  expect(said(target)).toContain(why)
})
