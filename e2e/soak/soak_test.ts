// The soak in a few seconds and with one process of each kind: everything but the verdicts, which need the time (trend_test.ts has theirs).

import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AGENT_ENV, AGENT_FLAGS } from 'haggle/agent-flags'
import { soak } from './soak.ts'
import { rolesOf } from './soak_world.ts'

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('haggle-soak-'))

it('soak() trades between real processes, measures each, and leaves nothing behind', async () => {
  const before = new Set(folders())
  const told: string[] = []
  const signal = new AbortController().signal
  const result = await soak({ minutes: 0.15, nodes: 3, rate: 4, seed: 5, signal, onProgress: (line) => told.push(line) })
  expect(result).toMatchObject({ nodes: { relay: 1, provider: 1, launcher: 1, renter: 1 }, wrong: [], problems: [] })
  expect(result.jobs).toBeGreaterThan(0)
  expect(told[0]).toBe('4 processes are up')
  for (const role of ['relay', 'provider', 'launcher', 'renter']) expect(result.residentMiB[role]?.to).toBeGreaterThan(10)
  // Too short for an interval: nothing may be called flat, or growing.
  expect(result.trends.filter(({ of }) => of.startsWith('resident')).map(({ verdict }) => verdict)).toEqual(Array(4).fill('unclear'))
  expect(folders().filter((name) => !before.has(name))).toEqual([])
}, 240_000)

it('soak() that is stopped leaves nothing behind', async () => {
  const before = new Set(folders())
  const stop = new AbortController()
  const onProgress = (): void => stop.abort(new Error('enough'))
  await expect(soak({ minutes: 5, nodes: 3, rate: 1, seed: 5, signal: stop.signal, onProgress })).rejects.toMatchObject({
    name: 'AbortError',
  })
  expect(folders().filter((name) => !before.has(name))).toEqual([])
}, 240_000)

it('rolesOf() has one relay for ten nodes, and somebody on each side', () => {
  expect(rolesOf(20)).toEqual({ relays: 2, providers: 9, renters: 9 })
  expect(rolesOf(3)).toEqual({ relays: 1, providers: 1, renters: 1 })
})

it('haggle-relay is run with the environment and the flags of an agent: its memory is as flat', () => {
  const [first] = readFileSync(join(import.meta.dirname, '../../apps/relay/bin/haggle-relay.js'), 'utf8').split('\n')
  const environment = Object.entries(AGENT_ENV).map(([name, value]) => `${name}=${value}`)
  expect(first).toContain(` ${[...environment, 'node'].join(' ')} `)
  for (const flag of AGENT_FLAGS) expect(first).toContain(` ${flag}`)
})
