// A node's memory as one thing: its current log and the ones before it, the heads it signs, the heads of others, and scores.

import { type Clock, HaggleError, type Random, type Signer, type Suite } from '@haggle/wire'
import type { Store } from '@haggle/store'
import type { Entry } from './entry.ts'
import { type HeadBook, openHeadBook } from './head_book.ts'
import { type HeadSigner, openHeadSigner } from './head_signer.ts'
import type { Journal } from './journal.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { type ScoreBook, type ScoredLedger, openScoreBook } from './score_book.ts'
import { summariesOf } from './_index.ts'

/** What {@link openMemory} needs. */
export interface MemoryInit {
  /** A store or sub-store of the memory's own. */
  readonly store: Store
  /** Opens the journal of log `log`: `ledgerJournals(folder)` of `@haggle/reputation/node`. */
  readonly journal: (log: number) => Promise<Journal>
  /** The node's key. */
  readonly signer: Signer
  /** Hashes and verifies. */
  readonly suite: Suite
  /** Time of heads and scores. */
  readonly clock: Clock
  /** Salts of the leaves. */
  readonly random: Random
  /** The network that heads name. */
  readonly network: Uint8Array
  /** True when the store had to be repaired: the ledger is checked as a whole before it is used. */
  readonly suspect?: boolean
  /** Told now and then how many entries an opening that has to heal has walked. */
  readonly onProgress?: (index: number) => void
}

/** A node's memory. */
export interface Memory {
  /** The log that is written to now. */
  readonly ledger: Ledger
  /** The word of that log. */
  readonly heads: HeadSigner
  /** Heads of others, and evidence. */
  readonly book: HeadBook
  /** Scores of peers, from my logs and from proofs that others brought. */
  readonly scores: ScoreBook
  /**
   * Closes a log whose last word can't be reached any more, in the open, and goes on in a new one whose first entry names it. Everybody sees it and
   * scores count it. Throws `E_SUCCEED_NEEDLESS` while the log can be gone on with.
   */
  succeed(): Promise<void>
  /** Closes the ledger and its journal. The store stays open: whoever opened it closes it. */
  close(): Promise<void>
}

/** The key under which the store has the number of the current log, once there is more than one. */
const CURRENT = 'log'

/** Opens the current log, healing it, and everything around it. Throws what {@link openLedger} throws. */
export async function openMemory(init: MemoryInit): Promise<Memory> {
  const { store, suite, network, clock, signer } = init
  const current = await store.get(CURRENT)
  let open = await openLog(init, current?.[0] ?? 0)
  const book = openHeadBook({ store: store.sub('book'), suite, network })
  const ledgers = (): readonly ScoredLedger[] => [
    ...Array.from({ length: open.ledger.log }, (_, log) => archive(logStore(store, log))),
    open.ledger,
  ]
  const scores = openScoreBook({ store: store.sub('scores'), ledgers, heads: book, suite, clock, key: signer.publicKey })
  return {
    get ledger(): Ledger {
      return open.ledger
    },
    get heads(): HeadSigner {
      return open.heads
    },
    book,
    scores,
    async succeed(): Promise<void> {
      const before = open
      const { state, target } = before.heads.status()
      if (state === 'ok' || state === 'unconfirmed') {
        throw new HaggleError('E_SUCCEED_NEEDLESS', 'Cannot start a successor: the log is whole, and a successor would count against it', {
          next: 'haggle ledger check',
        })
      }
      const next = await openLog(init, before.ledger.log + 1)
      const last = target ?? before.heads.last()
      if (next.ledger.size === 0) await next.ledger.append([successionEntry(before.ledger, last?.bytes, Math.floor(clock.now() / 1000))])
      await store.write([{ key: CURRENT, value: Uint8Array.of(next.ledger.log) }])
      open = next
      await before.close()
    },
    async close(): Promise<void> {
      await open.close()
    },
  }
}

/** The first entry of a log that succeeds another: the number of the old one, and the last head that is known of it. */
export function successionEntry(old: Pick<Ledger, 'log' | 'key'>, lastHead: Uint8Array | undefined, at: number): Entry {
  return { kind: 'succeeds', at, number: old.log, peer: old.key, contract: null, facts: null, evidence: lastHead ? [lastHead] : [] }
}

interface OpenLog {
  readonly ledger: Ledger
  readonly heads: HeadSigner
  close(): Promise<void>
}

async function openLog(init: MemoryInit, log: number): Promise<OpenLog> {
  const { store, signer, suite, clock, random, network, suspect = false, onProgress } = init
  const journal = await init.journal(log)
  try {
    const own = logStore(store, log)
    const ledger = await openLedger({
      store: own,
      journal,
      signer,
      suite,
      clock,
      random,
      log,
      suspect,
      ...(onProgress ? { onProgress } : {}),
    })
    const heads = await openHeadSigner({ ledger, store: store.sub(`heads${log}`), signer, suite, clock, network })
    const close = async (): Promise<void> => {
      await ledger.close()
      await journal.close()
    }
    return { ledger, heads, close }
  } catch (error) {
    await journal.close()
    throw error
  }
}

function logStore(store: Store, log: number): Store {
  return store.sub(`log${log}`)
}

/** What scores read of a log that was succeeded: nothing is added to it any more, and it isn't opened for that. */
function archive(store: Store): ScoredLedger {
  return { size: Infinity, summaries: (key, from = 0) => summariesOf(store, key, { from }), entries: noEntries }
}

/** What was added to an archive since: nothing, ever. */
async function* noEntries(): AsyncGenerator<never> {}
