// A cosignature: the word of a counterparty that a head extends every head of this log that it cosigned before (spec/checkpoint.md).

import { bytes, type Clock, fields, type Message, type MessageType, seal, type Signer, type Suite, uint } from '@haggle/wire'
import type { Head, SignedHead } from './checkpoint.ts'
import { HASH_BYTES } from './rfc9162.ts'

/** What a cosignature says. */
export interface Cosignature extends Head {
  /** Key of the log's owner, 32 bytes. */
  readonly owner: Uint8Array
}

/** Seconds that a cosignature's envelope is fresh; as a stored message it never expires. */
const LIFETIME_S = 600

/** The envelope of a cosignature: type `cosign`, no thread, readable by anyone. */
export const cosignMessage: MessageType<Cosignature> = {
  type: 'cosign',
  schema: fields({ log: uint(), size: uint(), root: bytes({ length: HASH_BYTES }), owner: bytes({ length: 32 }) }),
  maxLifetimeS: LIFETIME_S,
  thread: false,
  audience: false,
}

/** Signs that `head` was found to extend what came before it. Ask {@link HeadBook.consider} first: this only writes it down. */
export function cosign(
  head: SignedHead,
  by: { readonly signer: Signer; readonly suite: Suite; readonly clock: Clock; readonly seq: number },
): Message<Cosignature> {
  const iat = Math.floor(by.clock.now() / 1000)
  const { log, size, root } = head.body
  const draft = { network: head.network, audience: null, thread: null, seq: by.seq, prev: null, ack: null, iat, exp: iat + LIFETIME_S }
  return seal(cosignMessage, { ...draft, body: { log, size, root, owner: head.signer } }, by.signer, by.suite)
}
