// A court without a chain: the contract's model behind the Court seam, with blocks that its owner mines. For tests, simulations and demonstrations.

import { equalBytes, toHex } from '@haggle/wire'
import { keccak256 } from './account.ts'
import type { Court, CourtEvent, CourtParameters, CourtReceipt } from './court.ts'
import { CourtModel } from './court_model.ts'
import type { CallContext } from './model_init.ts'
import { word } from './statement.ts'

/** Options of {@link memoryCourts}. */
export interface MemoryCourtsOptions {
  readonly parameters: CourtParameters
  /** Unix milliseconds of the chain's time, asked for each block. */
  readonly now: () => number
}

/** Many accounts before one court in memory. */
export interface MemoryCourts {
  readonly model: CourtModel
  /** The court as `account` uses it. Each call mines a block. */
  court(account: Uint8Array): Court
  /** Mines empty blocks, one by default. */
  mine(blocks?: number): void
}

/**
 * A court in memory, on a chain of its own.
 *
 * @example
 * ```ts
 * import { memoryCourts } from "@haggle/witness/testing";
 * import { expect } from "vitest";
 *
 * const parameters = {
 *   chain: 31337, court: new Uint8Array(20).fill(9), witnessStake: 100n, claimS: 60, refuteS: 60, drawDelay: 2, commitReveal: false,
 * };
 * const chain = memoryCourts({ parameters, now: () => 0 });
 * const account = new Uint8Array(20).fill(1);
 * chain.model.vault.stake(account, 100n);
 * await chain.court(account).enroll(new Uint8Array(32));
 * expect((await chain.court(account).seatOf(account))?.seat).toBe(0);
 * ```
 */
export function memoryCourts({ parameters, now }: MemoryCourtsOptions): MemoryCourts {
  const model = new CourtModel({ parameters })
  const hashOf = (block: number): Uint8Array => keccak256(word(block))
  const listeners = new Set<(event: CourtEvent) => void>()
  const times = new Map<number, number>()
  let height = 0
  function mine(blocks = 1): void {
    for (let i = 0; i < blocks; i++) times.set(++height, Math.floor(now() / 1_000))
  }
  mine()

  function court(account: Uint8Array): Court {
    /** One transaction: a block of its own, undone by the model when it is refused. */
    function call<T>(
      run: (context: CallContext) => T,
      event?: (result: T) => Omit<CourtEvent, 'block'> | null,
    ): CourtReceipt & { result: T } {
      mine()
      const result = run({ sender: account, block: height, nowS: times.get(height) ?? 0, blockHash: hashOf })
      const happened = event?.(result) ?? null
      if (happened) for (const listener of listeners) listener({ ...happened, block: height })
      return { hash: `0x${toHex(hashOf(height))}`, block: height, gasUsed: 0n, result }
    }
    return {
      parameters,
      account,
      nowS: async () => Math.floor(now() / 1_000),
      latestBlock: async () => {
        // A chain that goes on by itself: its newest block is of now.
        if ((times.get(height) ?? 0) < Math.floor(now() / 1_000)) mine()
        return { block: height, blockHash: hashOf(height) }
      },
      blockTime: async (block, hash) => (equalBytes(hash, hashOf(block)) ? (times.get(block) ?? null) : null),
      caseOf: async (id) => model.caseOf(id),
      claimOf: async (claim) => model.claimOf(claim),
      claimedSlots: async (id, window) => model.claimedSlots(id, window),
      cases: async (of) => model.cases(of),
      claimsOf: async (id) => model.claimsOf(id),
      seatOf: async (of) => model.seatOf(of),
      owed: async (of) => model.owed(of),
      enroll: async (peerKey) => call((context) => model.enroll(context, peerKey)),
      vacate: async () => call((context) => model.vacate(context)),
      release: async () => call((context) => model.release(context)),
      openSla: async (opening) => {
        const { result, ...receipt } = call(
          (context) => model.openSla(context, opening),
          (id) => ({ kind: 'opened', id, claim: null }),
        )
        return { ...receipt, id: result }
      },
      drawWitnesses: async (id, secrets) =>
        call(
          (context) => model.drawWitnesses(context, id, secrets),
          (kind) => ({ kind, id, claim: null }),
        ),
      claimDowntime: async (claim) => {
        const { result, ...receipt } = call(
          (context) => model.claimDowntime(context, claim),
          (number) => ({ kind: 'claimed', id: claim.id, claim: number }),
        )
        return { ...receipt, claim: result }
      },
      refute: async (claim, slots) =>
        call(
          (context) => model.refute(context, claim, slots),
          () => aboutClaim(model, claim, 'refuted'),
        ),
      finalize: async (claim) =>
        call(
          (context) => model.finalize(context, claim),
          () => aboutClaim(model, claim, 'finalized'),
        ),
      proveWitnessEquivocation: async (proof) =>
        call(
          (context) => model.proveWitnessEquivocation(context, proof),
          () => ({ kind: 'equivocated', id: proof.id, claim: null }),
        ),
      endSla: async (id, slots, renterSig) =>
        call(
          (context) => model.endSla(context, id, slots, renterSig),
          () => ({ kind: 'ended', id, claim: null }),
        ),
      close: async (id) =>
        call(
          (context) => model.close(context, id),
          () => ({ kind: 'closed', id, claim: null }),
        ),
      collect: async () => call((context) => model.collect(context)),
      follow: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
  }
  return { model, court, mine }
}

function aboutClaim(model: CourtModel, claim: bigint, kind: 'refuted' | 'finalized'): Omit<CourtEvent, 'block'> | null {
  const one = model.claimOf(claim)
  return one ? { kind, id: one.id, claim } : null
}
