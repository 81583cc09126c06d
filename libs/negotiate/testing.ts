/**
 * Two parties that follow a script, for tests that kill them: a provider that quotes, confirms, runs and meters, a renter that haggles, pays and signs
 * receipts. Between them they sign every message that a contract has, and pass every fault point.
 *
 * @example
 * ```ts
 * import { type Script, scriptedParty, scriptTerms } from "@haggle/negotiate/testing";
 * import { expect } from "vitest";
 *
 * const script: Script = { path: "walk", end: "exit", runMs: 4_500, tickMs: 1_000 };
 * const keys = { renter: new Uint8Array(32).fill(1), provider: new Uint8Array(32).fill(2) };
 * expect(scriptTerms(keys, script).tickMs).toBe(1_000);
 * expect(scriptedParty).toBeTypeOf("function");
 * ```
 *
 * @module
 */

import type { AcceptBody, Command, Terms } from '@haggle/contract'
import { specHash } from '@haggle/job'
import { type Clock, errorCode, type Message, type Suite, toHex } from '@haggle/wire'
import type { Thread } from './thread.ts'
import type { HostEffect } from './thread_context.ts'
import type { Threads } from './threads_init.ts'
import { DEMAND, SALT, SPEC } from './_script_facts.ts'

/** A run of both sides. */
export interface Script {
  /**
   * `take`: onto a standing offer. `walk`: QUOTE_REQ, QUOTE, COUNTER, QUOTE, ACCEPT, and what else a contract may hold: START, GRANT, RECLAIM_NOTICE and an
   * extension.
   */
  readonly path: 'take' | 'walk'
  /** Who ends it: the job by itself, a CANCEL, or REJECTED at once. */
  readonly end: 'exit' | 'renter cancels' | 'provider cancels' | 'rejected'
  /** How long the job runs, ms. */
  readonly runMs: number
  /** How often it is metered, ms. */
  readonly tickMs: number
}

/** The job of a contract, as a host that outlives its agent has it. */
export interface ScriptedJob {
  /** Ms of the clock. */
  readonly startedMs: number
  /** Null while it runs. */
  endedMs: number | null
}

/** What a scripted party needs of its node. */
export interface ScriptedPartyInit {
  readonly script: Script
  /** The keys of both. */
  readonly keys: ScriptKeys
  readonly clock: Clock
  readonly suite: Suite
  /** The threads of the process that runs now; null when there is none. */
  readonly threads: () => Threads | null
  /** The jobs of the provider's host, by contract in hex. */
  readonly jobs: Map<string, ScriptedJob>
}

/** The 32-byte keys of both parties. */
export interface ScriptKeys {
  readonly renter: Uint8Array
  readonly provider: Uint8Array
}

/** Says what a party does about one thing that happened in a thread. Rejects with what is no refusal by the contract's own rules. */
export type ScriptedParty = (thread: Thread, event: { readonly message?: Message; readonly effect?: HostEffect }) => void | Promise<void>

/** The terms of a script. */
export function scriptTerms({ renter, provider }: ScriptKeys, { tickMs }: Pick<Script, 'tickMs'>): Terms {
  return {
    renter,
    provider,
    offerDigest: new Uint8Array(32).fill(9),
    devices: [],
    runner: 'exec',
    isolation: 'memory',
    rail: 'free',
    meters: [{ unit: 'ms', price: 3_600_000n, per: 3_600_000n }],
    cap: 1_000_000n,
    tickMs,
    graceMs: 2_000,
    stagingMs: 10_000,
    idleMs: 20_000,
    maxMs: 60_000,
    limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 64, outMiB: 1, pids: 8 },
    net: null,
    sla: null,
    visibility: 'private',
    extends: null,
  }
}

/** The renter's first word in a thread of its own. Resolves when it is on disk and handed over. */
export async function beginScript(thread: Thread, init: ScriptedPartyInit): Promise<void> {
  const { script, keys, suite } = init
  if (script.path === 'walk') return thread.command({ do: 'request', demand: DEMAND, offer: null })
  const number = init.threads()?.takeNumber()
  const hash = specHash(SALT, SPEC, suite)
  await thread.command(
    { do: 'accept', terms: scriptTerms(keys, script), specHash: hash, number: number?.number ?? 0, funding: null },
    {
      notes: { spec: SPEC, salt: SALT },
      writes: number === undefined ? [] : [number.write],
      beside: [{ kind: 'spec', thread: thread.record.thread, salt: SALT, spec: SPEC }],
    },
  )
}

/** The party of one role. */
export function scriptedParty(role: 'renter' | 'provider', init: ScriptedPartyInit): ScriptedParty {
  return role === 'provider' ? providing(init) : renting(init)
}

/** A command that may be refused because the thread is past it. */
async function attempt(thread: Thread, command: Command, options: Parameters<Thread['command']>[1] = {}): Promise<void> {
  await thread.command(command, options).catch((error: unknown) => {
    if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
  })
}

/** ACCEPT of what is on the table, or CONFIRM of it, with the next number of this node. */
async function numbered(thread: Thread, init: ScriptedPartyInit, command: (number: number) => Command): Promise<void> {
  const taken = init.threads()?.takeNumber()
  if (taken === undefined) return
  await attempt(thread, command(taken.number), { writes: [taken.write] })
  taken.giveBack()
}

function providing(init: ScriptedPartyInit): ScriptedParty {
  const { script, keys, clock, jobs, threads } = init
  const nameOf = (thread: Thread): string => toHex(thread.view().contract ?? new Uint8Array(0))
  const usageOf = (thread: Thread): readonly bigint[] => {
    const job = jobs.get(nameOf(thread))
    return [job === undefined ? 0n : BigInt(Math.ceil((job.endedMs ?? clock.monotonicMs()) - job.startedMs))]
  }
  const finish = (thread: Thread, kind: 'exit' | 'killed'): Promise<void> => {
    const job = jobs.get(nameOf(thread))
    if (job !== undefined) job.endedMs ??= clock.monotonicMs()
    const exit = kind === 'exit' ? { kind, code: 0, word: null } : { kind, code: null, word: 'stopped' }
    return attempt(thread, { do: 'result', exit, usage: usageOf(thread), output: null })
  }
  const start = async (thread: Thread): Promise<void> => {
    const job = jobs.get(nameOf(thread)) ?? { startedMs: clock.monotonicMs(), endedMs: null }
    jobs.set(nameOf(thread), job)
    if (job.endedMs !== null) return finish(thread, 'exit')
    const process = threads()
    clock.after(Math.max(0, job.startedMs + script.runMs - clock.monotonicMs()), () => {
      if (script.end !== 'exit') return
      job.endedMs ??= clock.monotonicMs()
      // A process that died meanwhile asks its host when it comes back.
      if (threads() === process) void finish(thread, 'exit')
    })
    await attempt(thread, { do: 'ready' })
  }
  const offered = { ...scriptTerms(keys, script), cap: 500_000n }
  return async (thread, { message, effect }) => {
    if (effect?.kind === 'job') return effect.action === 'start' ? start(thread) : finish(thread, 'killed')
    if (effect?.kind === 'measure') return attempt(thread, { do: 'meter', usage: usageOf(thread) })
    const { terms, proposed, meters } = thread.view()
    switch (message?.type) {
      case 'quote-req':
        return quote(thread, terms === null ? offered : { ...terms, cap: 2_000_000n })
      case 'counter':
        return proposed === null ? undefined : quote(thread, proposed)
      case 'accept':
        if (script.end === 'rejected') return attempt(thread, { do: 'reject', reason: 'capacity', path: null, fresh: null })
        return numbered(thread, init, (number) => ({ do: 'confirm', number }))
      case 'voucher':
        if (script.path === 'walk' && meters === 2) await attempt(thread, { do: 'reclaim', inMs: 30_000 })
        if (script.end === 'provider cancels' && meters >= 3) return attempt(thread, { do: 'cancel', reason: 'user' })
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

function renting(init: ScriptedPartyInit): ScriptedParty {
  const { script, keys, suite } = init
  const accepting = (number: number): Command => ({ do: 'accept', terms: null, specHash: null, number, funding: null })
  return async (thread, { message, effect }) => {
    if (effect?.kind === 'pay')
      return attempt(thread, { do: 'voucher', owed: effect.owed, channel: null, channelCumulative: null, evmSig: null })
    if (effect?.kind === 'notify' && effect.phase === 'closing') return attempt(thread, { do: 'receipt', reason: null })
    const { terms, proposed, meters } = thread.view()
    switch (message?.type) {
      case 'quote': {
        if (terms !== null) {
          const accepted = thread.chains().own.find(({ type }) => type === 'accept')
          return attempt(thread, accepting((accepted?.body as AcceptBody | undefined)?.number ?? 0))
        }
        if (proposed?.cap === 500_000n) return attempt(thread, { do: 'counter', terms: { ...scriptTerms(keys, script), cap: 900_000n } })
        return numbered(thread, init, accepting)
      }
      case 'confirm':
        if (script.path === 'walk' && meters === 0) await attempt(thread, { do: 'start', specHash: specHash(SALT, SPEC, suite) })
        return undefined
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
