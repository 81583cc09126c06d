// The rule of a court: how many witnesses there are, how many may lie, how many claim and how many refute (spec/court.md, Rule).

import { HaggleError } from '@haggle/wire'

/** How a committee decides. */
export interface Rule {
  /** Witnesses of a case. */
  readonly n: number
  /** Of them, how many may lie, in any way and together. */
  readonly f: number
  /** Down bits that open a claim on a slot. */
  readonly t: number
  /** Up-receipts that refute it; also how many others a witness must hear before it says "down". */
  readonly q: number
}

/** The number of a rule in a service level. `1`: seven witnesses, two liars. `2`: four witnesses, one liar, for small meshes. */
export type RuleNumber = 1 | 2

/** The rules of the court, by number. The contract knows these two and no other. */
export const RULES: Readonly<Record<RuleNumber, Rule>> = {
  1: { n: 7, f: 2, t: 5, q: 3 },
  2: { n: 4, f: 1, t: 3, q: 2 },
}

/** Slots of a window: what one bitmap speaks of, an hour at the usual slot of 60 s. */
export const WINDOW_SLOTS = 60

/**
 * What is wrong with a rule, one sentence each; none for a sound one.
 *
 * @example
 * ```ts
 * import { RULES, ruleProblems } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * expect(ruleProblems(RULES[1])).toEqual([]);
 * expect(ruleProblems({ ...RULES[1], t: 2 })).toContain("liars alone can claim: f < t must hold");
 * ```
 */
export function ruleProblems({ n, f, t, q }: Rule): string[] {
  const problems: string[] = []
  if (!(f < q)) problems.push('liars alone can refute: f < q must hold')
  if (!(t <= n - f)) problems.push('the honest are too few to claim: t <= n - f must hold')
  if (!(f < t)) problems.push('liars alone can claim: f < t must hold')
  if (!(t + q >= n + 1)) problems.push('a claim and its refutation need not share a witness: t + q >= n + 1 must hold')
  if (!(q <= n - f - 1)) problems.push('the honest are too few to hear each other: q <= n - f - 1 must hold')
  return problems
}

/** The rule with that number. Throws `E_SLA` for any other number. */
export function ruleOf(number: number): Rule {
  const rule = (RULES as Readonly<Record<number, Rule | undefined>>)[number]
  if (rule === undefined)
    throw new HaggleError('E_SLA', `Cannot use rule ${number}: the court knows 1 and 2`, { details: { rule: number } })
  return rule
}
