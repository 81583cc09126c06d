// A handful of the deaths that `node --conditions=@haggle/source e2e/faults/main.ts` plays in full, with the same real processes.

import { expect, it } from 'vitest'
import { nameOf } from './cases.ts'
import { type Case, play } from './rig.ts'

const CASES: readonly Case[] = [
  { script: 'exit', fault: { role: 'provider', point: 'after-send:ready', nth: 1 }, away: 200 },
  { script: 'exit', fault: { role: 'renter', point: 'before-write:receipt', nth: 1 }, away: 200 },
  { script: 'walk', fault: { role: 'renter', point: 'after-write:accept', nth: 1 }, away: 200 },
  { script: 'walk', fault: { role: 'provider', point: 'before-send:result', nth: 1 }, again: 'after-send:sync', away: 200 },
]

it('both sides come to the same end when one of them dies at a fault point', async () => {
  const waiting = [...CASES]
  const told: Record<string, readonly string[]> = {}
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) told[nameOf(next)] = (await play(next)).wrong
  }
  await Promise.all([worker(), worker()])
  expect(told).toEqual(Object.fromEntries(CASES.map((one) => [nameOf(one), []])))
}, 240_000)
