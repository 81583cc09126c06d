// What a chain says of a signed head that came in a file: that its owner, or an aggregator, anchored it, and when; and what could not be asked.

import { errorCode, HaggleError, type Suite } from '@haggle/wire'
import type { AnchorClaim, AnchorProof, SignedHead } from '@haggle/reputation'
import type { ReadOptions } from './chain.ts'
import { evmBonds } from './bonds.ts'
import { findAnchor, type RegistryPlace } from './registry.ts'

/** Something that could not be checked, and why. */
export interface Unchecked {
  /** `binding`: which account signs for the head's owner. `anchor`: whether the head is anchored. */
  readonly what: 'binding' | 'anchor'
  /** Stable, such as `E_CHAIN_UNREACHABLE`; `E_CHAIN_NONE` when no chain is set. */
  readonly code: string
  /** For people. */
  readonly why: string
}

/** What a chain says of a head. */
export interface ChainVerdict {
  /**
   * `anchored`: an account that signs for the owner, or the aggregator that the file names, wrote it down. `absent`: the chain was asked and has nothing of it.
   * `unchecked`: it could not be asked.
   */
  readonly state: 'anchored' | 'absent' | 'unchecked'
  /** Chain that was or should have been asked, or null when none is set. */
  readonly chainId: number | null
  /** The account that anchored it, 20 bytes, or null. */
  readonly account: Uint8Array | null
  /** Height of the block. */
  readonly block: number | null
  /** Unix seconds of the block: the head is at least as old. */
  readonly atS: number | null
  /** Hash of the transaction. */
  readonly transaction: string | null
  /** Empty when all was checked. */
  readonly unchecked: readonly Unchecked[]
}

/** Where to ask, and how. */
export interface VerdictOptions extends ReadOptions {
  /** The registry; null: no chain is set. */
  readonly place: RegistryPlace | null
  /** Judges the owner's word for its account. */
  readonly suite: Suite
}

/**
 * Asks the chain about the head of a proof that `verifyProof` found good. Never throws for a chain that can't be asked: the verdict says so.
 *
 * @example
 * ```ts
 * import { headOnChain } from "@haggle/chain";
 * import { portableSuite } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const head = { signer: new Uint8Array(32), body: { log: 0, size: 3, root: new Uint8Array(32) } };
 * const verdict = await headOnChain(head, { place: null, suite: portableSuite() });
 * expect(verdict.state).toBe("unchecked");
 * expect(verdict.unchecked.map(({ what }) => what)).toEqual(["binding", "anchor"]);
 * ```
 */
export async function headOnChain(
  head: Pick<SignedHead, 'signer'> & { readonly body: Pick<SignedHead['body'], 'log' | 'size' | 'root'> },
  { place, suite, signal }: VerdictOptions,
): Promise<ChainVerdict> {
  if (place === null) return blank(null, ['binding', 'anchor'], noChain())
  const options = signal ? { signal } : {}
  let accounts: readonly Uint8Array[]
  try {
    accounts = (await evmBonds({ ...place, suite }).of(head.signer, options)).map(({ account }) => account)
  } catch (error) {
    return blank(place.chain.id, ['binding', 'anchor'], asked(error, signal))
  }
  const { log, size, root } = head.body
  return await found(
    place,
    accounts.map((account) => ({ account, log, size, root })),
    { ...options, signal },
  )
}

/** Asks the chain about an anchor file that `verifyAnchorProof` found good: whether its aggregator anchored that root. Like {@link headOnChain} it never throws for a chain. */
export async function anchorOnChain(proof: AnchorProof, { place, signal }: Omit<VerdictOptions, 'suite'>): Promise<ChainVerdict> {
  if (place === null) return blank(proof.chain, ['anchor'], noChain())
  if (place.chain.id !== proof.chain) {
    const why = `it is anchored on chain ${proof.chain}, and ${place.chain.id} is set`
    return blank(proof.chain, ['anchor'], new HaggleError('E_CHAIN_WRONG', why))
  }
  const { account, log, size, root } = proof
  return await found(place, [{ account, log, size, root }], { signal })
}

async function found(
  place: RegistryPlace,
  claims: readonly AnchorClaim[],
  { signal }: { signal: AbortSignal | undefined },
): Promise<ChainVerdict> {
  const options = signal ? { signal } : {}
  const chainId = place.chain.id
  try {
    for (const claim of claims) {
      const anchored = await findAnchor(place, claim, options)
      if (anchored === undefined) continue
      const { block, transaction } = anchored
      const atS = (await place.chain.block(block, options))?.timestamp ?? null
      return { state: 'anchored', chainId, account: claim.account, block, atS, transaction, unchecked: [] }
    }
    return { ...blank(chainId, [], noChain()), state: 'absent' }
  } catch (error) {
    return blank(chainId, ['anchor'], asked(error, signal))
  }
}

function blank(chainId: number | null, what: readonly Unchecked['what'][], { code, message }: HaggleError): ChainVerdict {
  const unchecked = what.map((one) => ({ what: one, code, why: message }))
  return { state: 'unchecked', chainId, account: null, block: null, atS: null, transaction: null, unchecked }
}

function noChain(): HaggleError {
  return new HaggleError('E_CHAIN_NONE', 'no chain is set')
}

/** A chain's refusal to be asked; anything else is thrown. */
function asked(error: unknown, signal: AbortSignal | undefined): HaggleError {
  signal?.throwIfAborted()
  if (error instanceof HaggleError && errorCode(error).startsWith('E_CHAIN_')) return error
  throw error
}
