import { isEnd } from '@haggle/contract'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { beginScript, follow, type Script } from './_test_script.ts'
import { World } from './_test_sides.ts'

let world: World
beforeEach(async () => {
  world = await new World().start()
})
afterEach(() => world.close())

const SCRIPTS: readonly Script[] = [
  { path: 'take', end: 'exit', runMs: 3_500, tickMs: 1_000 },
  { path: 'take', end: 'rejected', runMs: 0, tickMs: 1_000 },
  { path: 'take', end: 'renter cancels', runMs: 60_000, tickMs: 1_000 },
  { path: 'take', end: 'provider cancels', runMs: 60_000, tickMs: 1_000 },
  { path: 'walk', end: 'exit', runMs: 4_500, tickMs: 1_000 },
]

it.each(SCRIPTS)('both sides come to the same end when they $path and it ends with "$end"', async (script) => {
  follow(world, script)
  const thread = await beginScript(world, script)
  await world.playOut()
  const [renter, provider] = [await world.renter.viewOf(thread.id), await world.provider.viewOf(thread.id)]
  expect(isEnd(renter?.phase ?? 'idle')).toBe(true)
  expect(provider?.outcome).toEqual(renter?.outcome)
  expect([...world.renter.seen.failed, ...world.provider.seen.failed]).toEqual([])
})
