// Why a peer has the scores that it has: whose receipts, with what weight, and what evidence there is.

import { peerIdOf } from '@haggle/identity'
import { type Memory, readEvidence } from '@haggle/reputation'
import { fromHex, type Suite } from '@haggle/wire'
import type { Explanation, PeerRole, StandingView } from './memory_types.ts'

/** Digits of a contract id that an index row keeps. */
const CONTRACT_DIGITS = 16

/** Explains both scores of `key`. */
export async function explanationOf(
  memory: Memory,
  key: Uint8Array,
  { receipts, suite }: { readonly receipts: number; readonly suite: Suite },
): Promise<Explanation> {
  const evidence = await memory.book.convicted(key)
  return {
    peer: peerIdOf(key),
    convicted: evidence === undefined ? null : readEvidence(evidence, suite).sentence,
    headSize: (await memory.book.last(key))?.body.size ?? null,
    roles: [await viewOf(memory, key, { role: 'provider', receipts }), await viewOf(memory, key, { role: 'renter', receipts })],
  }
}

async function viewOf(
  { scores }: Memory,
  key: Uint8Array,
  { role, receipts }: { readonly role: PeerRole; readonly receipts: number },
): Promise<StandingView> {
  const [score, lines, counted] = [await scores.score(key, role), await scores.explain(key, role), await scores.receipts(key, role)]
  const nameOf = (hex: string): string => peerIdOf(fromHex(hex, 32))
  return {
    role,
    score: score.value,
    axes: { ...score.axes },
    lines: lines.map(({ axis, by, contracts, good, bad, uncapped, trust }) => ({
      axis,
      by: nameOf(by),
      contracts,
      good,
      bad,
      uncapped,
      trust,
    })),
    receipts: counted.slice(0, receipts).map(({ contract, by, at, facts, weight }) => ({
      contract: contract.slice(0, CONTRACT_DIGITS),
      by: nameOf(by),
      at,
      outcome: facts.outcome,
      meteredS: facts.meteredS,
      settled: facts.settled.toString(),
      rail: facts.rail,
      weight,
    })),
    receiptCount: counted.length,
  }
}
