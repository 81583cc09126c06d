// How a peer stands with this node, in the integers that the constraint language compares.

import { STRANGER_MICRO } from '@haggle/offer'
import type { Axis, Standing } from '@haggle/reputation'

/** How a peer stands, seen from this node. */
export interface Trust {
  /** Its score in millionths: 50,000 for a stranger, 0 for one that evidence convicts and for nobody else. */
  readonly scoreMicro: number
  /** What the score is made of, as far as anything is known, millionths. */
  readonly axesMicro: Readonly<Partial<Record<Axis, number>>>
  /** Contracts settled with it. */
  readonly jobs: number
}

/** Somebody of whom nothing is known. */
export const STRANGER: Trust = { scoreMicro: STRANGER_MICRO, axesMicro: {}, jobs: 0 }

/** A standing in the language's integers. */
export function trustOf({ score, settled }: Standing): Trust {
  const axesMicro: Partial<Record<Axis, number>> = {}
  for (const [axis, { value }] of Object.entries(score.axes)) axesMicro[axis as Axis] = microOf(value)
  return { scoreMicro: score.convicted ? 0 : Math.max(1, microOf(score.value)), axesMicro, jobs: settled }
}

function microOf(value: number): number {
  return Math.round(value * 1_000_000)
}
