// Addresses as people give them.

import { publicKeyOf } from '@haggle/identity'
import type { PeerTarget } from '@haggle/mesh'
import { HaggleError } from '@haggle/wire'

/**
 * A multiaddr that ends in a PeerId as a target; undefined for text that is no multiaddr.
 *
 * @throws HaggleError `E_ADDRESS` when it ends in no PeerId of an Ed25519 key.
 */
export function targetOfText(text: string): PeerTarget | undefined {
  if (!text.startsWith('/')) return undefined
  const peerId = text.split('/').at(-1) ?? ''
  try {
    publicKeyOf(peerId)
  } catch (cause) {
    throw new HaggleError('E_ADDRESS', `"${text}" does not end in /p2p/ and a PeerId`, {
      cause,
      next: 'use an address as haggle up prints it',
    })
  }
  return { peerId, addresses: [text] }
}
