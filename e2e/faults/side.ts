// What every process of the fault harness has: its options, the fault that ends it, and the lines in which it talks with the harness.

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Phase } from '@haggle/contract'
import type { FaultPoint } from '@haggle/negotiate'

/** Bytes that were handed to a stream have left the machine after this. Ms. */
const FLUSH_MS = 100

export type Role = 'renter' | 'provider'

/** A moment of a process: the `nth` time that it passes a point. */
export interface Fault {
  readonly point: FaultPoint
  readonly nth: number
}

/** The first moment of each phase that a process was in. */
export type Phases = Readonly<Partial<Record<Phase, Fault>>>

/** How a process is started: one JSON argument. */
export interface SideOptions {
  readonly role: Role
  readonly home: string
  readonly network: string
  readonly listen: readonly string[]
  readonly peers: readonly string[]
  readonly script: string
  readonly fault: Fault | null
  /** In the command line of every job, to find what is left of them. */
  readonly mark: string
}

/** What a process says, one JSON object on a line. */
export type Said =
  | { readonly event: 'ready'; readonly peerId: string; readonly key: string; readonly addresses: readonly string[] }
  | { readonly event: 'fault'; readonly point: FaultPoint; readonly phase: Phase }
  | {
      readonly event: 'report'
      readonly passed: Readonly<Record<string, number>>
      readonly phases: Phases
      readonly open: number
      readonly ledger: readonly string[]
    }
  | { readonly event: 'problem'; readonly message: string }
  | { readonly event: 'closed' }

/** What the harness asks for. `go` starts the script, `stop` has the provider end what runs, `meet` has the renter connect to its provider. */
export type Asked = 'go' | 'stop' | 'meet' | 'report' | 'close'

export function readOptions(): SideOptions {
  return JSON.parse(process.argv[2] ?? 'null') as SideOptions
}

/** Says one thing at once: what is said before a death is heard. */
export function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`)
}

/** Takes what the harness asks for, one after the other. */
export function listen(take: (asked: Asked) => Promise<void> | void): void {
  let before: Promise<void> = Promise.resolve()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const run = async (): Promise<void> => take(line as Asked)
    before = before.then(run).catch((error: unknown) => say({ event: 'problem', message: String(error) }))
  })
  // The harness is gone.
  lines.once('close', () => process.exit(1))
}

/** Counts the fault points that a process passes, and kills it at the one it is meant to die at. */
export function faultHook(fault: Fault | null): {
  readonly passed: Record<string, number>
  readonly phases: Partial<Record<Phase, Fault>>
  onFault(point: FaultPoint, phase: Phase): Promise<void> | void
} {
  const passed: Record<string, number> = {}
  const phases: Partial<Record<Phase, Fault>> = {}
  return {
    passed,
    phases,
    onFault(point, phase) {
      passed[point] = (passed[point] ?? 0) + 1
      phases[phase] ??= { point, nth: passed[point] }
      if (fault === null || point !== fault.point || passed[point] !== fault.nth) return undefined
      say({ event: 'fault', point, phase })
      const die = (): void => void process.kill(process.pid, 'SIGKILL')
      if (point.startsWith('after-send')) setTimeout(die, FLUSH_MS)
      else die()
      return new Promise(() => undefined)
    },
  }
}
