// A node's key and an account on a chain, bound both ways: the node's half is a signed message, the account's half a transaction that carries it.

import {
  bytes as octets,
  equalBytes,
  fields,
  HaggleError,
  type Message,
  type MessageType,
  open,
  peekEnvelope,
  seal,
  type Signer,
  type Suite,
  uint,
} from '@haggle/wire'

/** Bytes of an account's, and of a contract's, address. */
const ADDRESS_BYTES = 20
/** Seconds that the message stands in its envelope as fresh; on a chain, as a stored message, it never expires. */
const LIFETIME_S = 600

/** What a node says: this account signs for me, in this registry. */
export interface WalletBinding {
  /** Chain id. */
  readonly chain: number
  /** Address of the registry on that chain, 20 bytes. */
  readonly registry: Uint8Array
  /** The account, 20 bytes. */
  readonly account: Uint8Array
}

/** The envelope of a binding: type `wallet`, no thread, readable by anyone. */
export const bindingMessage: MessageType<WalletBinding> = {
  type: 'wallet',
  schema: fields({ chain: uint(), registry: octets({ length: ADDRESS_BYTES }), account: octets({ length: ADDRESS_BYTES }) }),
  maxLifetimeS: LIFETIME_S,
  thread: false,
  audience: false,
}

/** Who signs a binding, when, and on which network. */
export interface SealBindingOptions {
  /** The node's signer. */
  readonly signer: Signer
  /** The network that the node is on, 32 bytes. */
  readonly network: Uint8Array
  /** Unix seconds. */
  readonly nowS: number
  /** Hashes and signs. */
  readonly suite: Suite
}

/**
 * The node's half of a bond, for the registry's `bind`.
 *
 * @example
 * ```ts
 * import { checkBinding, createIdentity, portableSuite, sealBinding } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const suite = portableSuite();
 * const { signer, publicKey } = createIdentity(new Uint8Array(32).fill(1));
 * const binding = { chain: 31337, registry: new Uint8Array(20).fill(2), account: new Uint8Array(20).fill(3) };
 * const proof = sealBinding(binding, { signer, network: new Uint8Array(32), nowS: 1_790_000_000, suite });
 * expect(checkBinding(proof, { ...binding, peerKey: publicKey }, suite)).toBe(true);
 * expect(checkBinding(proof, { ...binding, chain: 1, peerKey: publicKey }, suite)).toBe(false);
 * ```
 */
export function sealBinding(binding: WalletBinding, { signer, network, nowS, suite }: SealBindingOptions): Uint8Array {
  const header = { network, audience: null, thread: null, seq: nowS, prev: null, ack: null, iat: nowS, exp: nowS + LIFETIME_S }
  return seal(bindingMessage, { ...header, body: binding }, signer, suite).bytes
}

/** Whether `proof` is the word of `peerKey` that this account signs for it there. Never throws: anybody can put anything into a transaction. */
export function checkBinding(proof: Uint8Array, claim: WalletBinding & { readonly peerKey: Uint8Array }, suite: Suite): boolean {
  let message: Message<WalletBinding>
  try {
    message = open(proof, bindingMessage, { network: peekEnvelope(proof, suite).network, suite })
  } catch (error) {
    if (error instanceof HaggleError) return false
    throw error
  }
  const { chain, registry, account } = message.body
  return (
    equalBytes(message.signer, claim.peerKey) &&
    chain === claim.chain &&
    equalBytes(registry, claim.registry) &&
    equalBytes(account, claim.account)
  )
}
