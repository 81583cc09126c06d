// Scores for a running node: from its own ledger, from proofs that others brought, and from the evidence in its book of heads.

import type { Store, Write } from '@haggle/store'
import { type Clock, decodeAs, encodeAs, equalBytes, fromHex, HaggleError, type Suite, toHex, uint } from '@haggle/wire'
import type { Entry, Facts } from './entry.ts'
import type { HeadBook } from './head_book.ts'
import type { Ledger } from './ledger.ts'
import { canonical, type Observation, observationWeight } from './observation.ts'
import { observationOf, type Proof, verifyProof } from './proof.ts'
import { type Contribution, makeScorer, type Score, type Scorer } from './score.ts'
import { Standings } from './_standings.ts'
import { decodeSummary, encodeSummary } from './summary.ts'
import { otherSide } from './trust_walk.ts'

/** Proofs kept of one subject: the newest. */
const MAX_PER_SUBJECT = 256

/** Subjects whose own observations are kept in memory, and observations of all of them together: some 280 octets each. */
const MAX_KEPT = { subjects: 4_096, observations: 65_536 } as const

/** What scores read of a ledger. */
export type ScoredLedger = Pick<Ledger, 'summaries' | 'size' | 'entries'>

/** How a peer stands with this node in one role: what matching and policy ask. */
export interface Standing {
  /** Its score. */
  readonly score: Score
  /** Contracts that it settled with this node. */
  readonly settled: number
}

/** One receipt that a score counts, and what it weighs before caps and trust. */
export interface Receipt extends Observation {
  /** Weight by value and age; see `spec/score.md`. */
  readonly weight: number
}

/** What {@link openScoreBook} needs. */
export interface ScoreBookInit {
  /** A store or sub-store of its own. */
  readonly store: Store
  /** This node's ledgers, the current one last. */
  readonly ledgers: () => readonly ScoredLedger[]
  /** Whom evidence convicts. */
  readonly heads: Pick<HeadBook, 'convicts' | 'convictions'>
  /** Verifies what is brought. */
  readonly suite: Suite
  /** Time, by which receipts age. */
  readonly clock: Clock
  /** This node's key. */
  readonly key: Uint8Array
}

/** Scores of peers, seen from this node. */
export interface ScoreBook {
  /** The score of `key` as a provider or as a renter. */
  score(key: Uint8Array, role: Facts['role']): Promise<Score>
  /** The scores of many at once, in their order: the walk from my counterparties is made once. */
  scores(keys: readonly Uint8Array[], role: Facts['role']): Promise<Score[]>
  /**
   * How many peers stand, in their order. Kept between calls: what hasn't changed since reads no disk, so that every offer may be asked about.
   */
  standings(keys: readonly Uint8Array[], role: Facts['role']): Promise<Standing[]>
  /** The receipts about `key` in one role, mine and those that others brought, newest first. */
  receipts(key: Uint8Array, role: Facts['role']): Promise<Receipt[]>
  /** The lines that a score adds up from. */
  explain(key: Uint8Array, role: Facts['role']): Promise<Contribution[]>
  /**
   * Takes a portable proof from anyone. It counts as far as its log's owner is trusted. Throws the codes of `verifyProof`, and
   * `E_PROOF_USELESS` for an entry that only its owner signed or that no score can use. With `heardOnly` it is also `E_PROOF_UNHEARD` while the word of
   * its log's owner counts nothing here: who is unknown must not fill this node's disk.
   */
  bring(file: Uint8Array, options?: { readonly heardOnly?: boolean }): Promise<Proof>
  /** Sets how many gaps an audit of a peer's log found. */
  setGaps(key: Uint8Array, gaps: number): Promise<void>
  /** Forgets what was read of the ledgers: entries have moved. */
  reread(): void
}

/** The book kept in `store`. */
export function openScoreBook(init: ScoreBookInit): ScoreBook {
  const { store, suite, clock, heads } = init
  const me = toHex(init.key)
  const own = ownObservations(init)
  const brought = broughtObservations(store)
  let changes = 0
  const standings = new Standings({
    ledgers: init.ledgers,
    version: () => `${heads.convictions} ${changes}`,
    othersCount: async () => (await brought.all()).length > 0,
    clock,
    async compute(keys, role) {
      const scorer = await scorerFor(keys)
      const settled = async (key: Uint8Array): Promise<number> =>
        canonical(await own.of(toHex(key))).filter(({ facts }) => facts.role === role && facts.outcome === 'settled').length
      return await Promise.all(keys.map(async (key) => ({ score: scorer.score(toHex(key), role), settled: await settled(key) })))
    },
  })

  const scorerFor = async (keys: readonly Uint8Array[]): Promise<Scorer> => {
    const others = await brought.all()
    // Whose receipts may count, and through whom they may come to be trusted.
    const names = new Set([...keys.map(toHex), ...others.flatMap(({ by, subject }) => [by, subject])])
    const observations: Observation[] = [...others]
    for (const name of names) for (const each of await own.of(name)) observations.push(each)
    const convicted = new Set<string>()
    for await (const name of heads.convicts()) convicted.add(name)
    const gaps = new Map<string, number>()
    for await (const [name, count] of store.range({ gte: 'g', lt: 'h' })) gaps.set(name.slice(1), decodeAs(uint(), count))
    return makeScorer({ me, now: Math.floor(clock.now() / 1000), observations, convicted, gaps })
  }

  return {
    async score(key: Uint8Array, role: Facts['role']): Promise<Score> {
      return (await scorerFor([key])).score(toHex(key), role)
    },
    async scores(keys: readonly Uint8Array[], role: Facts['role']): Promise<Score[]> {
      const scorer = await scorerFor(keys)
      return keys.map((key) => scorer.score(toHex(key), role))
    },
    async standings(keys: readonly Uint8Array[], role: Facts['role']): Promise<Standing[]> {
      return await standings.of(keys, role)
    },
    async receipts(key: Uint8Array, role: Facts['role']): Promise<Receipt[]> {
      const name = toHex(key)
      const others = (await brought.all()).filter(({ subject }) => subject === name)
      const now = Math.floor(clock.now() / 1000)
      return canonical([...(await own.of(name)), ...others])
        .filter(({ facts }) => facts.role === role)
        .map((each) => ({ ...each, weight: observationWeight(each, now) }))
        .sort((a, b) => b.at - a.at)
    },
    async explain(key: Uint8Array, role: Facts['role']): Promise<Contribution[]> {
      return (await scorerFor([key])).explain(toHex(key), role)
    },
    async bring(file: Uint8Array, options: { readonly heardOnly?: boolean } = {}): Promise<Proof> {
      const proof = verifyProof(file, suite)
      const observation = observationOf(proof)
      if (observation === undefined || !observation.bothSigned || equalBytes(proof.owner, init.key)) {
        throw new HaggleError(
          'E_PROOF_USELESS',
          'Cannot count the proof: it must show how a contract of two other parties ended, signed by both',
          {
            next: 'prove an entry of kind closed or receipt that carries both receipts',
          },
        )
      }
      if (options.heardOnly === true) {
        const { trust } = await scorerFor([proof.owner])
        if (trust.of(observation.by, otherSide(observation.facts.role)) === 0)
          throw new HaggleError('E_PROOF_UNHEARD', 'Cannot count the proof: nobody here knows who wrote it', {
            next: "deal with the log's owner first, or import the proof yourself",
          })
      }
      await brought.add(observation, proof.entry)
      changes++
      return proof
    },
    async setGaps(key: Uint8Array, count: number): Promise<void> {
      const row = `g${toHex(key)}`
      const before = await store.get(row)
      if ((before === undefined ? 0 : decodeAs(uint(), before)) === count) return
      await store.write([{ key: row, value: count === 0 ? null : encodeAs(uint(), count) }])
      changes++
    },
    reread(): void {
      own.clear()
      standings.clear()
    },
  }
}

/** What was read about a subject. */
interface Read {
  /** Where reading goes on, by log. */
  readonly next: Map<number, number>
  readonly observations: Observation[]
}

/** Observations of my own by subject (hex), of which only new rows are read when the ledger has grown. Those asked for last are kept. */
function ownObservations({ ledgers, key: myKey }: ScoreBookInit): { of(subject: string): Promise<readonly Observation[]>; clear(): void } {
  const by = toHex(myKey)
  const kept = new Map<string, Read>()
  let total = 0
  /** Grows when everything was dropped: what is being read meanwhile may have moved. */
  let epoch = 0
  const drop = (subject: string): void => {
    total -= kept.get(subject)?.observations.length ?? 0
    kept.delete(subject)
  }
  const keep = (subject: string, read: Read): void => {
    drop(subject)
    kept.set(subject, read)
    total += read.observations.length
    for (const oldest of kept.keys()) {
      if (oldest === subject || (kept.size <= MAX_KEPT.subjects && total <= MAX_KEPT.observations)) return
      drop(oldest)
    }
  }
  const of = async (subject: string): Promise<readonly Observation[]> => {
    const key = fromHex(subject)
    const began = epoch
    const read = kept.get(subject) ?? { next: new Map<number, number>(), observations: [] }
    drop(subject)
    for (const [log, ledger] of ledgers().entries()) {
      const { size } = ledger
      const next = read.next.get(log) ?? 0
      if (next >= size) continue
      for await (const { kind, at, contract, facts } of ledger.summaries(key, next)) {
        if ((kind === 'closed' || kind === 'receipt') && facts)
          read.observations.push({ contract, subject, by, at, facts, bothSigned: true })
      }
      read.next.set(log, size)
    }
    if (began === epoch) keep(subject, read)
    return read.observations
  }
  const clear = (): void => {
    kept.clear()
    total = 0
    epoch++
  }
  return { of, clear }
}

/** Observations of others, as proofs brought them: verified once, kept as rows. */
function broughtObservations(store: Store): {
  all(): Promise<readonly Observation[]>
  add(observation: Observation, entry: Entry): Promise<void>
} {
  let loaded: Promise<Map<string, Observation>> | undefined
  const load = async (): Promise<Map<string, Observation>> => {
    const found = new Map<string, Observation>()
    for await (const [key, row] of store.range({ gte: 'b', lt: 'c' })) {
      const summary = decodeSummary(row)
      const [subject, by, contract] = key.slice(1).split('/')
      if (summary?.facts && subject && by && contract)
        found.set(key, { contract, subject, by, at: summary.at, facts: summary.facts, bothSigned: true })
    }
    return found
  }
  return {
    async all(): Promise<readonly Observation[]> {
      return Array.from((await (loaded ??= load())).values())
    },
    async add(observation: Observation, entry: Entry): Promise<void> {
      const all = await (loaded ??= load())
      const prefix = `b${observation.subject}/`
      const key = `${prefix}${observation.by}/${observation.contract}`
      const same = [...all.keys()].filter((each) => each.startsWith(prefix) && each !== key)
      const writes: Write[] = [{ key, value: encodeSummary(entry) }]
      // The oldest go first.
      same.sort((a, b) => all.get(b)!.at - all.get(a)!.at)
      for (const old of same.slice(MAX_PER_SUBJECT - 1)) {
        writes.push({ key: old, value: null })
        all.delete(old)
      }
      all.set(key, observation)
      await store.write(writes)
    },
  }
}
