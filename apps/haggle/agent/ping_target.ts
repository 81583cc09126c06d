// What is typed for a node, before anybody is dialled: it must be able to be another one.

import { publicKeyOf, screenKey } from '@haggle/identity'
import { describe, Failure } from '../failure.ts'

/**
 * Refuses what can be no other node: `target` is an address or a PeerId, `self` this node's PeerId. Throws E_PEER_ID. What is wrong with the rest of an address
 * the market says.
 */
export function checkTarget(target: string, self: string): void {
  const peerId = target.split('/').at(-1) ?? ''
  if (peerId === self)
    throw new Failure('E_PEER_ID', `${peerId} is this node itself`, { next: 'name another one: haggle offers lists providers' })
  // An address may lack its PeerId: then the market says what it should end in.
  if (target.startsWith('/') && !peerId.startsWith('12D3Koo')) return
  if (screenKey(keyOf(peerId))) return
  throw new Failure('E_PEER_ID', `No node can have the PeerId ${peerId}: there is no such key`, {
    next: 'copy it again: a letter of it is wrong',
  })
}

function keyOf(peerId: string): Uint8Array {
  try {
    return publicKeyOf(peerId)
  } catch (cause) {
    const { code, message } = describe(cause)
    throw new Failure(code, message, { next: 'give the address that haggle up prints, or a PeerId of haggle offers', cause })
  }
}
