// Judges envelopes that arrive: everything cheap before the signature, nothing twice (spec/control.md, Envelopes).

import { CONTRACT_MESSAGES } from '@haggle/contract'
import {
  equalBytes,
  type Header,
  HaggleError,
  MAX_SKEW_S,
  type Message,
  type MessageTypes,
  open,
  type Signer,
  type Suite,
  toHex,
} from '@haggle/wire'
import type { ControlPeer } from './control_links.ts'
import type { Thread } from './thread.ts'

const TYPES = CONTRACT_MESSAGES as unknown as MessageTypes<unknown>
/** What may open a thread. */
const OPENERS: ReadonlySet<string> = new Set(['quote-req', 'accept'])

/** What {@link openArrived} needs of its node. */
export interface ArrivalsInit {
  readonly networkId: Uint8Array
  readonly suite: Suite
  readonly signer: Signer
  /** Unix seconds. */
  readonly nowS: number
  /** Throws when `peer` may not open one more thread. */
  readonly admitOpener: (peer: ControlPeer) => void
}

/**
 * A message that arrived from `peer`. `thread` is the one that it names, undefined when there is none. What is known already, byte for byte or under another
 * signature, is given back as it was stored, and its signature is not checked again.
 *
 * The window counts when a message opens a thread: in a known thread the chain says whether it is new, and after an outage SYNC brings messages that are
 * older than any window. ACCEPT's own deadline is the machine's business.
 *
 * @throws HaggleError `E_WIRE_*`, `E_ENVELOPE_*`, `E_THREAD_PEER`, `E_THREAD_UNKNOWN`, and what `admitOpener` throws.
 */
export function openArrived(bytes: Uint8Array, peer: ControlPeer, thread: Thread | undefined, init: ArrivalsInit): Message {
  const { networkId: network, suite, nowS } = init
  const known: { message?: Message } = {}
  const admit = (header: Header, id: Uint8Array): boolean => {
    const side = sideOf(header, peer, thread, init)
    if (header.iat > nowS + MAX_SKEW_S)
      throw new HaggleError('E_ENVELOPE_EARLY', `The message is from ${header.iat - nowS} s in the future`, {
        details: { skewS: header.iat - nowS },
      })
    if (thread === undefined) {
      if (header.exp < nowS - MAX_SKEW_S)
        throw new HaggleError('E_ENVELOPE_EXPIRED', `The message expired ${nowS - header.exp} s ago`, {
          details: { skewS: header.exp - nowS },
        })
      if (header.seq !== 0 || !OPENERS.has(header.type))
        throw new HaggleError('E_THREAD_UNKNOWN', `No thread ${toHex(header.thread ?? new Uint8Array(0))} is known here`)
      init.admitOpener(peer)
      return true
    }
    const stored = thread.known(side, header.seq)
    if (stored === undefined || !equalBytes(stored.id, id)) return true
    known.message = stored
    return false
  }
  try {
    return open(bytes, TYPES, { network, suite, admit })
  } catch (error) {
    if (known.message !== undefined) return known.message
    throw error
  }
}

/**
 * A message that this node stored: window, key and signature were judged when it arrived. The store gives back what was written or nothing, and each
 * message names the id of the one before it, so its signature is not paid for again.
 */
export function openStored(bytes: Uint8Array, { networkId: network, suite }: Pick<ArrivalsInit, 'networkId' | 'suite'>): Message {
  return open(bytes, TYPES, { network, suite: { ...suite, screenKey: () => true, verify: () => true } })
}

/** Whose chain the message belongs to. An own one may come back from the peer it was for, when this node has lost it. */
function sideOf(header: Header, peer: ControlPeer, thread: Thread | undefined, { signer }: ArrivalsInit): 'own' | 'theirs' {
  const self = signer.publicKey
  const audience = header.audience ?? self
  if (equalBytes(header.signer, peer.key)) {
    if (!equalBytes(audience, self)) throw new HaggleError('E_ENVELOPE_AUDIENCE', 'Cannot accept the message: it is for another reader')
    return 'theirs'
  }
  if (thread === undefined || !equalBytes(header.signer, self) || !equalBytes(audience, peer.key))
    throw new HaggleError('E_THREAD_PEER', 'The envelope is not signed by the key of its connection')
  return 'own'
}
