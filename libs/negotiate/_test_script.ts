// The scripts of `testing.ts` on the two sides of a test.

import { nodeSuite } from '@haggle/identity/node'
import { beginScript as begin, type Script, type ScriptedJob, scriptedParty, type ScriptedPartyInit } from './testing.ts'
import type { Thread } from './thread.ts'
import type { Side, World } from './_test_sides.ts'

export type { Script } from './testing.ts'

const suite = nodeSuite()

function initOf(world: World, side: Side, { script, jobs }: { script: Script; jobs: Map<string, ScriptedJob> }): ScriptedPartyInit {
  const keys = { renter: world.renter.identity.publicKey, provider: world.provider.identity.publicKey }
  return { script, keys, clock: world.clock, suite, jobs, threads: () => side.threads }
}

/** Makes both sides behave as the script says. Returns the jobs of the provider's host, by contract in hex. */
export function follow(world: World, script: Script): Map<string, ScriptedJob> {
  const jobs = new Map<string, ScriptedJob>()
  for (const role of ['renter', 'provider'] as const) {
    const party = scriptedParty(role, initOf(world, world[role], { script, jobs }))
    world[role].behave = (_, thread, event) => party(thread, event)
  }
  return jobs
}

/** The renter's first word. Resolves when it is said; a process that dies meanwhile never resolves it. */
export async function beginScript(world: World, script: Script): Promise<Thread> {
  const thread = world.renter.threads.begin(world.provider.target)
  await begin(thread, initOf(world, world.renter, { script, jobs: new Map() }))
  return thread
}
