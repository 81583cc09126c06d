// A message as rules and facts read it: ids in hex, acknowledgements as indices, proposed terms already decoded.

import { errorCode, toHex } from '@haggle/wire'
import type { Bodies, ContractMessageName, Role } from './messages.ts'
import { decodeTerms, type Terms, termsHash } from './terms.ts'

/** Terms that a message proposes, with their hash in hex. */
export interface Proposal {
  /** The terms. */
  readonly terms: Terms
  /** Their hash, hex. */
  readonly hash: string
}

/** One message in its place in the two chains. */
export type Rec = {
  readonly [N in ContractMessageName]: {
    readonly type: N
    readonly by: Role
    readonly seq: number
    /** Highest seq of the other side that this message acknowledges; -1: none. */
    readonly ack: number
    /** Hex id; null while it is not signed yet. */
    readonly id: string | null
    readonly body: Bodies[N]
    /** Terms that the body carries; null when it carries none, undefined when they do not decode. */
    readonly proposal: Proposal | null | undefined
  }
}[ContractMessageName]

/** A {@link Rec} of one type. */
export type RecOf<N extends ContractMessageName> = Extract<Rec, { readonly type: N }>

/** The terms that a body carries: null when none, undefined when they are not well formed. */
export function proposalOf(type: ContractMessageName, body: unknown): Proposal | null | undefined {
  if (type !== 'quote' && type !== 'counter' && type !== 'accept' && type !== 'rejected') return null
  const { terms: encoded } = body as { readonly terms: Uint8Array | null }
  if (encoded === null) return null
  try {
    return { terms: decodeTerms(encoded), hash: toHex(termsHash(encoded)) }
  } catch (error) {
    if (errorCode(error) === 'E_UNKNOWN') throw error
    return undefined
  }
}

/** Puts a message into its place. `ack` is the index of the acknowledged message. */
export function recordOf(
  place: { readonly by: Role; readonly seq: number; readonly ack: number; readonly id: string | null },
  type: ContractMessageName,
  body: unknown,
): Rec {
  return { ...place, type, body, proposal: proposalOf(type, body) } as Rec
}
