import { portableSuite } from '@haggle/identity'
import { encodeSpec, type FileRef, specHash } from '@haggle/job'
import type { Thread } from '@haggle/negotiate'
import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { Specs } from './_specs.ts'

const suite = portableSuite()
const salt = new Uint8Array(32).fill(1)
const file = (path: string, size: number): FileRef => ({ path, size, sha256: new Uint8Array(32), executable: false })
const spec = encodeSpec({
  runner: 'exec',
  args: ['x'],
  env: {},
  files: [file('a', 600), file('b', 2 ** 40)],
  inline: [],
  stdin: false,
  outputs: [],
})
const hash = specHash(salt, spec, suite)
const frame = { kind: 'spec' as const, thread: new Uint8Array(16), spec, salt }

function waiting(): { specs: Specs; thread: Thread; clock: ReturnType<typeof virtualClock> } {
  const clock = virtualClock()
  const specs = new Specs({ clock, suite })
  return { specs, clock, thread: { id: 'a', ended: new Promise(() => undefined) } as unknown as Thread }
}

it('await() gives the spec that ACCEPT signed, when its input files fit', async () => {
  const { specs, thread } = waiting()
  specs.arrived(thread, frame)
  expect((await specs.await(thread, hash, 2 ** 40 + 600)).decoded.files).toHaveLength(2)
})

it('await() refuses input files that are larger together than they may be', async () => {
  const { specs, thread } = waiting()
  specs.arrived(thread, frame)
  await expect(specs.await(thread, hash, 2 ** 40 + 599)).rejects.toMatchObject({ code: 'E_JOB_SPEC' })
})

it('await() refuses another spec, and waits for one that does not come no longer than 3 s', async () => {
  const { specs, thread, clock } = waiting()
  specs.arrived(thread, frame)
  await expect(specs.await(thread, new Uint8Array(32), 2 ** 41)).rejects.toMatchObject({ code: 'E_SPEC_HASH' })
  const late = specs.await(thread, hash, 2 ** 41)
  late.catch(() => undefined)
  await clock.settle(3_000)
  await expect(late).rejects.toMatchObject({ code: 'E_SPEC_MISSING' })
})
