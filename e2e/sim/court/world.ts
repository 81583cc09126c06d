// One case from its opening to its close: the hour, then claims, refutations and verdicts at the court's own model, by people who try everything.

import { errorCode, toHex } from '@haggle/wire'
import {
  type AttestedStatement,
  type CallContext,
  contradiction,
  CourtModel,
  type CourtModelOptions,
  countBits,
  keccak256,
  maskSlots,
  planClaims,
  planRefutations,
  type Rule,
  RULES,
  slotBit,
  type Statement,
  word,
} from '@haggle/witness'
import { type Hour, liveThrough } from './hour.ts'
import { type Scenario, scenarioOf, SLOT_S } from './scenario.ts'
import { savesTheDead, type WitnessFaults } from './witness_model.ts'

/** What may be planted. */
export interface Faults extends WitnessFaults {
  /** Numbers of the rule that are wrong, by the right one. */
  readonly rule?: (rule: Rule) => Rule
  /** False: a slot can be claimed again. */
  readonly once?: boolean
  /** Seconds to refute. */
  readonly refuteS?: number
}

/** Slots of one run, by what they were and what became of them. */
export interface Verdicts {
  /** Up, and covered: q honest witnesses reached, or q receipts held. */
  upCovered: number
  upCoveredSlashed: number
  /** Up, but cut off from all but q − 1: the rule does not cover it. */
  upUncovered: number
  upUncoveredSlashed: number
  /** Down, and the witnesses hear each other. */
  down: number
  downSlashed: number
  /** Down while the witnesses' own network was in pieces: they say nothing. */
  downUnheard: number
  downUnheardSlashed: number
}

/** What one run showed. */
export interface RunResult extends Verdicts {
  readonly claims: number
  readonly refutedSlots: number
  readonly witnessesSlashed: number
  /** Broken properties, in words. */
  readonly wrong: readonly string[]
}

const CLAIM_S = 86_400
const REFUTE_S = 43_200
const PRICE = 1_000n
const FACTOR = 10
const STAKE = 100_000n
const RENTER = account(1)
const PROVIDER = account(2)

function account(n: number): Uint8Array {
  return new Uint8Array(20).fill(n)
}

/** Signatures that nobody can forge and that cost nothing: the bytes object itself is the proof. */
function seals(): { sign(signer: Uint8Array, statement: Statement): Uint8Array; attests: NonNullable<CourtModelOptions['attests']> } {
  const made = new WeakMap<Uint8Array, string>()
  const text = (signer: Uint8Array, statement: Statement): string =>
    `${toHex(signer)} ${statement.kind === 'receipt' ? `r${statement.slot}` : `b${statement.window}/${statement.down}`}`
  return {
    sign(signer, statement) {
      const sig = new Uint8Array(65)
      made.set(sig, text(signer, statement))
      return sig
    },
    attests: (signer, _id, statement, sig) => made.get(sig) === text(signer, statement),
  }
}

/** Runs the case of `seed`. */
export function runOnce(seed: number, faults: Faults = {}): RunResult {
  const scenario = scenarioOf(seed)
  const { ruleNumber, slots } = scenario
  const rules = faults.rule ? { [ruleNumber]: faults.rule(RULES[ruleNumber]) } : RULES
  const rule = (rules as Record<number, Rule>)[ruleNumber] as Rule
  const refuteS = faults.refuteS ?? REFUTE_S
  const { sign, attests } = seals()
  const parameters = { chain: 1, court: account(9), witnessStake: STAKE, claimS: CLAIM_S, refuteS, drawDelay: 2, commitReveal: false }
  const model = new CourtModel({ parameters, rules, attests, ...(faults.once === undefined ? {} : { once: faults.once }) })
  const wrong: string[] = []
  let block = 10
  let nowS = 1_800_000_000
  const by = (sender: Uint8Array): CallContext => ({ sender, block, nowS, blockHash: (height) => keccak256(word(height + seed * 1_000)) })
  /** A call that may be refused. */
  const attempt = <T>(run: () => T): T | null => {
    try {
      return run()
    } catch (error) {
      if (errorCode(error) !== 'E_COURT') throw error
      return null
    }
  }

  // Seats, case, draw.
  model.vault.stake(PROVIDER, 1_000_000n)
  for (let n = 0; n < rule.n + 3; n++) {
    model.vault.stake(account(20 + n), STAKE)
    model.enroll(by(account(20 + n)), new Uint8Array(32))
  }
  block++
  const schedule = { startsAtS: nowS + 600, slotS: SLOT_S, slots }
  const lock = BigInt(FACTOR * slots) * PRICE
  const id = model.openSla(by(PROVIDER), {
    ...schedule,
    renter: RENTER,
    renterKey: new Uint8Array(32),
    providerKey: new Uint8Array(32),
    terms: keccak256(word(seed)),
    rule: ruleNumber,
    pricePerSlot: PRICE,
    factor: FACTOR,
    lock,
    renterCommit: null,
    providerCommit: null,
  })
  block += 3
  model.drawWitnesses(by(RENTER), id)
  const committee = model.caseOf(id)?.committee ?? []
  const signer = (place: number): Uint8Array => (committee[place] as { account: Uint8Array }).account
  const total = (): bigint =>
    [PROVIDER, RENTER, ...committee.map((member) => member.account)].reduce(
      (sum, one) => sum + model.vault.stakedOf(one) + model.vault.creditOf(one),
      model.vault.burned,
    )
  const before = total()

  const hour = liveThrough(scenario, schedule, faults)
  const all = (1n << BigInt(slots)) - 1n
  const up = maskWhere(slots, (slot) => scenario.up[slot] as boolean)
  const said = hour.witnesses.map((witness) => witness.bitmaps({ up, all }))
  giveFalseReceipts(scenario, hour)

  // The renter takes of each witness what hurts most, and tries whatever might work.
  nowS = schedule.startsAtS + slots * SLOT_S - 1
  const bitmaps = said.flatMap((versions, index) => {
    const down = versions.toSorted((a, b) => countBits(b) - countBits(a))[0]
    return down === undefined ? [] : [{ index, down, sig: sign(signer(index), { kind: 'bitmap', window: 0, down }) }]
  })
  const plans = planClaims(rule, bitmaps, all)
  const claimOf = (plan: { readonly mask: bigint; readonly indices: readonly number[] }) => ({
    id,
    window: 0,
    mask: plan.mask,
    bitmaps: plan.indices.map((index) => bitmaps.find((bitmap) => bitmap.index === index)!),
  })
  for (const plan of plans)
    if (attempt(() => model.claimDowntime(by(RENTER), claimOf(plan))) !== null) wrong.push('a window was claimed before its end')
  nowS += 3_600
  const claims: bigint[] = []
  const take = (plan: (typeof plans)[number]): void => {
    const number = attempt(() => model.claimDowntime(by(RENTER), claimOf(plan)))
    if (number !== null) claims.push(number)
  }
  for (const plan of plans) {
    attempt(() => model.claimDowntime(by(RENTER), { ...claimOf(plan), bitmaps: claimOf(plan).bitmaps.slice(1) }))
    take(plan)
    take(plan)
  }
  const slashed = new Map<number, number>()
  const finish = (): void => {
    for (const claim of claims) {
      const one = model.claimOf(claim)
      if (one === null || one.finalized) continue
      const taken = attempt(() => model.finalize(by(RENTER), claim))
      if (taken === null) continue
      const standing = maskSlots(0, one.mask & ~one.refuted)
      for (const slot of standing) slashed.set(slot, (slashed.get(slot) ?? 0) + 1)
      if (taken > BigInt(standing.length * FACTOR) * PRICE) wrong.push('a slash passed ten times the price of what was missed')
    }
  }
  // Whoever is quick finalises at once; the provider needs a minute to be heard.
  nowS += 1
  finish()
  nowS += 60
  let refutedSlots = 0
  for (const claim of claims) {
    const one = model.claimOf(claim)
    if (one === null) continue
    const refutations = planRefutations(rule, one, (slot) => [...(hour.receipts[slot] ?? [])]).map(({ slot, indices }) => ({
      slot,
      receipts: indices.map((index) => ({ index, sig: sign(signer(index), { kind: 'receipt', slot }) })),
    }))
    if (refutations.length === 0) continue
    if (attempt(() => (model.refute(by(PROVIDER), claim, refutations), true))) refutedSlots += refutations.length
  }
  nowS += REFUTE_S
  finish()
  for (const plan of plans) take(plan)
  nowS += REFUTE_S + 61
  finish()

  const witnessesSlashed = accuse()
  nowS += CLAIM_S
  if (attempt(() => (model.close(by(RENTER), id), true)) === null) wrong.push('the case can not be closed')
  if (total() !== before) wrong.push('stake came from nowhere or got lost')
  if (model.vault.lockOf(PROVIDER, id) !== 0n) wrong.push('something stayed locked')

  /** Everybody who contradicts itself in public is shown to. */
  function accuse(): number {
    let count = 0
    for (const [place, versions] of said.entries()) {
      const slotsOf = (receipts: readonly ReadonlySet<number>[]): Statement[] =>
        [...receipts.entries()].filter(([, places]) => places.has(place)).map(([slot]) => ({ kind: 'receipt', slot }))
      const statements: Statement[] = [
        ...versions.map((down) => ({ kind: 'bitmap' as const, window: 0, down })),
        ...slotsOf(hour.receipts),
        ...slotsOf(hour.honestReceipts),
      ]
      const pair = contradiction(statements)
      if (pair === null) continue
      const attested = pair.map((statement) => ({ ...statement, sig: sign(signer(place), statement) })) as [
        AttestedStatement,
        AttestedStatement,
      ]
      const lie = scenario.lies[place] ?? null
      if (lie === null || lie === 'asleep') wrong.push('an honest witness contradicts itself')
      else if (attempt(() => model.proveWitnessEquivocation(by(RENTER), { id, index: place, a: attested[0], b: attested[1] })) === STAKE)
        count++
      else wrong.push('a witness that contradicts itself kept its stake')
    }
    return count
  }

  return { ...verdictsOf(scenario, hour, slashed, wrong), claims: claims.length, refutedSlots, witnessesSlashed, wrong }
}

function maskWhere(slots: number, holds: (slot: number) => boolean): bigint {
  let mask = 0n
  for (let slot = 0; slot < slots; slot++) if (holds(slot)) mask |= slotBit(slot)
  return mask
}

/** Liars whose friend is the provider give it receipts for slots in which it was dead; late ones come too late or just in time. */
function giveFalseReceipts({ lies, up, rng }: Scenario, hour: Hour): void {
  for (const [slot, isUp] of up.entries()) {
    for (const [place, lie] of lies.entries()) {
      if (!isUp && (savesTheDead(lie) || (lie === 'random' && rng.chance(0.5)))) hour.receipts[slot]?.add(place)
      if (hour.late[slot]?.has(place) && rng.chance(0.5)) hour.receipts[slot]?.add(place)
    }
  }
}

/** Judges what became of each slot by what was true of it, with the numbers of the right rule. */
function verdictsOf(scenario: Scenario, hour: Hour, slashed: ReadonlyMap<number, number>, wrong: string[]): Verdicts {
  const { q } = RULES[scenario.ruleNumber]
  const sum: Verdicts = {
    upCovered: 0,
    upCoveredSlashed: 0,
    upUncovered: 0,
    upUncoveredSlashed: 0,
    down: 0,
    downSlashed: 0,
    downUnheard: 0,
    downUnheardSlashed: 0,
  }
  for (const [slot, isUp] of scenario.up.entries()) {
    const times = slashed.get(slot) ?? 0
    const hit = times > 0 ? 1 : 0
    if (times > 1) wrong.push('a slot was slashed twice')
    const reached = (hour.reached[slot] as ReadonlySet<number>).size
    const enough = reached >= q || (hour.receipts[slot] as ReadonlySet<number>).size >= q
    if (!isUp) {
      const heard = scenario.hearing[slot] === true
      sum[heard ? 'down' : 'downUnheard']++
      sum[heard ? 'downSlashed' : 'downUnheardSlashed'] += hit
      if (heard && !hit) wrong.push('a down provider was not slashable')
      continue
    }
    sum[enough ? 'upCovered' : 'upUncovered']++
    sum[enough ? 'upCoveredSlashed' : 'upUncoveredSlashed'] += hit
    if (enough && hit) wrong.push('an honest provider was slashed')
    if (scenario.partition === 'pieces' && hit) wrong.push('a network in pieces had a provider slashed')
    if ((scenario.partition === 'none' || scenario.partition === 'covered') && scenario.loss === 0 && reached < q)
      wrong.push('an up provider did not reach q honest witnesses in a partition that is covered')
  }
  return sum
}
