// Every way in which one of two processes can die at a fault point, made from the points themselves and from what dry runs pass.

import { type ContractMessageName, isEnd, type Phase, SIGNER_OF } from '@haggle/contract'
import { FAULT_POINTS, type FaultPoint } from '@haggle/negotiate'
import type { Case, Played, ScriptName } from './rig.ts'
import type { Role } from './side.ts'

/** Every script: a market's own, and the walk that passes every message. */
export const SCRIPTS: readonly ScriptName[] = ['exit', 'walk', 'renter cancels', 'provider cancels', 'rejected', 'quote']
/** Scripts that visit all of their points; the others visit those that no script before them passes. */
const THOROUGH: ReadonlySet<ScriptName> = new Set(['exit', 'walk'])

const ROLES: readonly Role[] = ['renter', 'provider']

/** True when a side of this role can pass this point at all. */
export function isPossible(role: Role, point: FaultPoint): boolean {
  const what = point.split(':')[1] ?? ''
  if (what === 'take' || what === 'sync') return true
  const signer = SIGNER_OF[what as ContractMessageName]
  return signer === 'both' || signer === role
}

/** The points that a role can pass. */
export function pointsOf(role: Role): readonly FaultPoint[] {
  return FAULT_POINTS.filter((point) => isPossible(role, point))
}

/**
 * A case for every point that a side passed in a dry run of each script; without `all`, a script that is not thorough leaves out what one before it visits.
 * SYNC is only said after a death: its cases are a second death of a process that came back.
 */
export function casesOf(
  dry: readonly Played[],
  { all, awayMs }: { readonly all: boolean; readonly awayMs: readonly number[] },
): readonly Case[] {
  const cases: Case[] = []
  const done = new Set<string>()
  const away = (): number => awayMs[cases.length % awayMs.length] ?? 0
  for (const { case: of, passed } of dry) {
    const everything = all || THOROUGH.has(of.script)
    for (const role of ROLES) {
      for (const point of pointsOf(role)) {
        if ((passed[role][point] ?? 0) === 0 || (!everything && done.has(`${role} ${point}`))) continue
        done.add(`${role} ${point}`)
        cases.push({ script: of.script, fault: { role, point, nth: 1 }, away: away() })
      }
    }
  }
  for (const { case: of, passed } of dry) {
    for (const role of ROLES) {
      const first = (role === 'renter' ? 'after-send:accept' : 'after-send:confirm') as FaultPoint
      if ((passed[role][first] ?? 0) === 0) continue
      for (const again of ['before-send:sync', 'after-send:sync'] as const) {
        if (!all && done.has(`${role} ${again}`)) continue
        done.add(`${role} ${again}`)
        cases.push({ script: of.script, fault: { role, point: first, nth: 1 }, again, away: away() })
      }
    }
  }
  return cases
}

/**
 * A case for every phase that a side was in: it dies there, and comes back when the other side has ended without it. A script that is not thorough leaves out
 * what one before it visits.
 */
export function aloneCasesOf(dry: readonly Played[]): readonly Case[] {
  const cases: Case[] = []
  const done = new Set<string>()
  for (const { case: of, phases } of dry) {
    for (const role of ROLES) {
      for (const [phase, fault] of Object.entries(phases[role])) {
        if (isEnd(phase as Phase) || (!THOROUGH.has(of.script) && done.has(`${role} ${phase}`))) continue
        done.add(`${role} ${phase}`)
        cases.push({ script: of.script, fault: { role, ...fault }, away: 'alone' })
      }
    }
  }
  return cases
}

/** How a case is called in a report. */
export function nameOf({ script, fault, again, away }: Case): string {
  if (fault === null) return `${script}: nobody dies`
  return `${script}: the ${fault.role} dies at ${fault.point}${again === undefined ? '' : `, and again at ${again}`}, away ${away === 'alone' ? 'until the other has ended' : `${away} ms`}`
}
