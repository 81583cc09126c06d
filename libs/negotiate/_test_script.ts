// How the two sides of a test behave: a provider that quotes, confirms, runs and meters, a renter that haggles, pays and signs receipts.

import type { AcceptBody, Terms } from '@haggle/contract'
import { specHash } from '@haggle/job'
import { nodeSuite } from '@haggle/identity/node'
import type { Thread } from './thread.ts'
import { attempt, type Behaviour, DEMAND, termsOf, type World } from './_test_sides.ts'

/** A run of both sides. */
export interface Script {
  /** `take`: onto a standing offer. `walk`: QUOTE_REQ, QUOTE, COUNTER, QUOTE, ACCEPT, and what else a contract may hold: START, an extension, GRANT, RECLAIM_NOTICE. */
  readonly path: 'take' | 'walk'
  /** Who ends it: the job by itself, or a CANCEL. */
  readonly end: 'exit' | 'renter cancels' | 'provider cancels' | 'rejected'
  /** How long the job runs, ms. */
  readonly runMs: number
}

/** The jobs of a provider's host: they outlive its agent. */
interface HostedJob {
  readonly startedMs: number
  endedMs: number | null
}

const suite = nodeSuite()
const SPEC = new Uint8Array([1, 2, 3])
const SALT = new Uint8Array(32).fill(5)
const SPEC_HASH = specHash(SALT, SPEC, suite)

/** Makes both sides behave as the script says. Returns the jobs of the provider's host, by contract in hex. */
export function follow(world: World, script: Script): Map<string, HostedJob> {
  const jobs = new Map<string, HostedJob>()
  world.provider.behave = providing(world, script, jobs)
  world.renter.behave = renting(world, script)
  return jobs
}

/** The renter's first word. Resolves when it is said; a process that dies meanwhile never resolves it. */
export async function beginScript(world: World, script: Script): Promise<Thread> {
  const { threads } = world.renter
  const thread = threads.begin(world.provider.target)
  if (script.path === 'walk') {
    await thread.command({ do: 'request', demand: DEMAND, offer: null })
    return thread
  }
  const { number, write } = threads.takeNumber('renter')
  await thread.command(
    { do: 'accept', terms: termsOf(world), specHash: SPEC_HASH, number, funding: null },
    {
      notes: { spec: SPEC, salt: SALT },
      writes: [write],
      beside: [{ kind: 'spec', thread: thread.record.thread, salt: SALT, spec: SPEC }],
    },
  )
  return thread
}

const nameOf = (contract: Uint8Array | null): string => Buffer.from(contract ?? []).toString('hex')

function providing(world: World, script: Script, jobs: Map<string, HostedJob>): Behaviour {
  const { clock } = world
  const usageOf = (thread: Thread): readonly bigint[] => {
    const job = jobs.get(nameOf(thread.view().contract))
    return [job === undefined ? 0n : BigInt((job.endedMs ?? clock.monotonicMs()) - job.startedMs)]
  }
  const finish = (thread: Thread, kind: 'exit' | 'killed'): Promise<void> => {
    const job = jobs.get(nameOf(thread.view().contract))
    if (job !== undefined) job.endedMs ??= clock.monotonicMs()
    const exit = kind === 'exit' ? { kind, code: 0, word: null } : { kind, code: null, word: 'stopped' }
    return attempt(thread, { do: 'result', exit, usage: usageOf(thread), output: null })
  }
  const start = async (side: Parameters<Behaviour>[0], thread: Thread): Promise<void> => {
    const name = nameOf(thread.view().contract)
    const job = jobs.get(name) ?? { startedMs: clock.monotonicMs(), endedMs: null }
    jobs.set(name, job)
    if (job.endedMs !== null) return finish(thread, 'exit')
    const process = side.threads
    clock.after(Math.max(0, job.startedMs + script.runMs - clock.monotonicMs()), () => {
      if (script.end !== 'exit') return
      job.endedMs ??= clock.monotonicMs()
      // A process that died meanwhile asks its host when it comes back.
      if (side.threads === process) void finish(thread, 'exit')
    })
    await attempt(thread, { do: 'ready' })
  }
  return async (side, thread, { message, effect }) => {
    if (effect?.kind === 'job') return effect.action === 'start' ? start(side, thread) : finish(thread, 'killed')
    if (effect?.kind === 'measure') return attempt(thread, { do: 'meter', usage: usageOf(thread) })
    switch (message?.type) {
      case 'quote-req':
        if (thread.view().terms !== null) return quote(thread, { ...(thread.view().terms as Terms), cap: 2_000_000n })
        return quote(thread, termsOf(world, { cap: 500_000n }))
      case 'counter':
        return quote(thread, thread.view().proposed as Terms)
      case 'accept': {
        if (script.end === 'rejected') return attempt(thread, { do: 'reject', reason: 'capacity', path: null, fresh: null })
        const { number, write } = side.threads.takeNumber('provider')
        return thread.command({ do: 'confirm', number }, { writes: [write] }).catch(() => undefined)
      }
      case 'voucher':
        if (script.path === 'walk' && thread.view().meters === 2) await attempt(thread, { do: 'reclaim', inMs: 30_000 })
        if (script.end === 'provider cancels' && thread.view().meters >= 3) return attempt(thread, { do: 'cancel', reason: 'user' })
        return undefined
      default:
        return undefined
    }
  }
}

/** Terms quoted in an extension name the ones that they extend; nothing else of them changes but the cap. */
function quote(thread: Thread, terms: Terms): Promise<void> {
  const { termsHash } = thread.view()
  return attempt(thread, { do: 'quote', terms: { ...terms, extends: termsHash }, holdMs: 0, validMs: 60_000 })
}

function renting(world: World, script: Script): Behaviour {
  return async (side, thread, { message, effect }) => {
    if (effect?.kind === 'pay') return attempt(thread, { do: 'voucher', channel: null, channelCumulative: null, evmSig: null })
    if (effect?.kind === 'notify' && effect.phase === 'closing') return attempt(thread, { do: 'receipt', reason: null })
    const { terms, proposed, meters } = thread.view()
    switch (message?.type) {
      case 'quote': {
        if (terms !== null) {
          const accepted = thread.chains().own.find(({ type }) => type === 'accept')
          const number = (accepted?.body as AcceptBody | undefined)?.number ?? 0
          return attempt(thread, { do: 'accept', terms: null, specHash: null, number, funding: null })
        }
        if (proposed?.cap === 500_000n) return attempt(thread, { do: 'counter', terms: termsOf(world, { cap: 900_000n }) })
        const { number, write } = side.threads.takeNumber('renter')
        return thread
          .command({ do: 'accept', terms: null, specHash: null, number, funding: null }, { writes: [write] })
          .catch(() => undefined)
      }
      case 'confirm':
        return script.path === 'walk' && meters === 0 ? attempt(thread, { do: 'start', specHash: SPEC_HASH }) : undefined
      case 'meter':
        if (script.path === 'walk' && meters === 1)
          await attempt(thread, { do: 'grant', grantee: new Uint8Array(32).fill(7), right: 'read', until: 2 ** 32 - 1 })
        if (script.path === 'walk' && meters === 2) await attempt(thread, { do: 'request', demand: DEMAND, offer: null })
        if (script.end === 'renter cancels' && meters >= 3) await attempt(thread, { do: 'cancel', reason: 'user' })
        return undefined
      default:
        return undefined
    }
  }
}
