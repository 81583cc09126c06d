// The memory of a market for tests of the command: figures without a log behind them. Never part of a run path.

import type { MarketMemory, MemoryStatus } from '@haggle/market'
import { HaggleError } from '@haggle/wire'

/** A memory that knows one peer, `known`, and the end of one contract, of 64 zeros. */
export function localMemory(known: string, options: { ledger?: number; state?: MemoryStatus['state'] } = {}): MarketMemory {
  const size = options.ledger ?? 2
  let state = options.state ?? 'ok'
  const behind = state === 'behind'
  return {
    status: async () => ({
      state,
      ledger: 'ok',
      log: 0,
      size,
      signedSize: size,
      signedAt: 1_760_000_000,
      missing: state === 'behind' ? 7 : 0,
      cosigners: 1,
      waiting: 0,
      healed: 0,
      convicted: 0,
    }),
    explain: async (peer) => ({
      peer,
      convicted: null,
      headSize: peer === known ? 4 : null,
      roles: [
        {
          role: 'provider',
          score: peer === known ? 0.3 : 0.05,
          axes: { completes: { value: peer === known ? 0.3 : 0.05, good: 1, bad: 0 } },
          lines: peer === known ? [{ axis: 'completes', by: known, contracts: 1, good: 1, bad: 0, uncapped: 1, trust: 1 }] : [],
          receipts:
            peer === known
              ? [
                  {
                    contract: 'ab'.repeat(8),
                    by: known,
                    at: 1_760_000_000,
                    outcome: 'settled',
                    meteredS: 60,
                    settled: '1000',
                    rail: 'free',
                    weight: 1,
                  },
                ]
              : [],
          receiptCount: peer === known ? 1 : 0,
        },
        { role: 'renter', score: 0.05, axes: { pays: { value: 0.05, good: 0, bad: 0 } }, lines: [], receipts: [], receiptCount: 0 },
      ],
    }),
    prove: async (contract) => {
      if (contract !== '0'.repeat(64)) throw new HaggleError('E_RECEIPT_UNKNOWN', `No end of ${contract}`)
      return { file: new TextEncoder().encode('haggle-proof/1\n'), index: 1, contract, bothSigned: true }
    },
    importProof: async () => ({ kind: 'counted', owner: known, about: known, contract: '0'.repeat(64) }),
    evidence: async () => null,
    checkpoint: async () => ({ log: 0, size, root: new Uint8Array(32), cosigned: 1, failed: 0 }),
    aggregate: async () => {
      throw new HaggleError('E_CHAIN_NONE', 'No chain in this double')
    },
    anchorFile: async (from) => {
      if (from !== known) throw new HaggleError('E_ANCHOR_NONE', `${from} has no anchor of this log`)
      return { file: new TextEncoder().encode('haggle-anchor/1\n'), log: 0, size: 1, chain: 31337, account: new Uint8Array(20) }
    },
    fetchLost: async () => {
      if (!behind) return 0
      state = 'ok'
      return 7
    },
    check: async () => ({ entries: size, healedRecords: 0, healedFrames: 0, healedRows: 0, lost: [], conflicts: [], ok: true }),
    succeed: async () => {
      if (state === 'ok') throw new HaggleError('E_SUCCEED_NEEDLESS', 'The log is whole')
      state = 'ok'
    },
  }
}
