// What the agent and its launcher say to each other over their unix socket: binary frames, JSON inside for everything that is not output or input.

import type { ExitStatus, HostJobState, JobLimits, OutputChannel } from '@haggle/job'
import type { LaunchPlan } from './runner.ts'

/** Version of everything in this file. An agent refuses a launcher of another one. */
export const LAUNCHER_VERSION = 3
/** Largest frame: a plan with its longest arguments fits many times. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024
/** Octets of one channel that may be under way to a reader that has not taken them. */
export const OUTPUT_WINDOW_BYTES: number = 512 * 1024

/** Kinds of frames. The first five go to the launcher, the rest come from it. */
export const FRAME: Readonly<Record<'request' | 'stdin' | 'credit' | 'unsubscribe' | 'reply' | 'failure' | 'output' | 'end', number>> = {
  request: 1,
  stdin: 2,
  credit: 3,
  unsubscribe: 4,
  reply: 16,
  failure: 17,
  output: 18,
  end: 19,
}

/** A job as the launcher keeps it. */
export interface LaunchOrder {
  readonly id: string
  readonly plan: LaunchPlan
  readonly limits: JobLimits
  /** False: stdin is closed from the start. */
  readonly stdin: boolean
}

/** What can be asked of a launcher, by `op`, with its answer. */
export interface LauncherCalls {
  hello: { ask: Record<never, never>; answer: { version: number; pid: number; enforces: Enforcement } }
  /** Answers with the phase of the job: files may be put into its folder while it is `staging`. */
  prepare: { ask: { order: LaunchOrder }; answer: HostJobState['phase'] }
  start: { ask: { id: string }; answer: null }
  wait: { ask: { id: string }; answer: ExitStatus }
  kill: { ask: { id: string; reason: string }; answer: null }
  state: { ask: { id: string }; answer: HostJobState | null }
  list: { ask: Record<never, never>; answer: readonly HostJobState[] }
  remove: { ask: { id: string }; answer: null }
  /** Opens a subscription whose number is the request's; answered by output and end frames only. */
  output: { ask: { id: string; channel: OutputChannel; offset: number; follow: boolean }; answer: null }
  /** Ends every job and the launcher. */
  shutdown: { ask: Record<never, never>; answer: null }
}

/** What holds each limit on this machine. */
export interface Enforcement {
  readonly memory: 'cgroup' | 'watchdog'
  readonly pids: 'cgroup' | 'rlimit'
  readonly cpu: 'cgroup' | 'none'
}

/** An error on its way. */
export interface WireFailure {
  readonly code: string
  readonly message: string
  readonly next: string | null
}

/** An error with a code, without the libraries that the launcher does not load. */
export class LauncherFailure extends Error implements WireFailure {
  readonly code: string
  readonly next: string | null

  constructor(code: string, message: string, next: string | null = null) {
    super(message)
    this.code = code
    this.next = next
  }
}

/** One frame: its kind, the number of the request or subscription, and the rest. */
export interface LauncherFrame {
  readonly kind: number
  readonly number: number
  readonly payload: Buffer
}

/** A frame as bytes: u32be length of what follows, u8 kind, u32be number, payload. */
export function frame(kind: number, number: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length)
  bytes.writeUInt32BE(5 + payload.length, 0)
  bytes.writeUInt8(kind, 4)
  bytes.writeUInt32BE(number, 5)
  bytes.set(payload, 9)
  return bytes
}

/** A frame with a JSON payload. */
export function jsonFrame(kind: number, number: number, value: unknown): Buffer {
  return frame(kind, number, Buffer.from(JSON.stringify(value)))
}

/** A stdin frame's payload: u8 length of the id, id, octets. No octets: end of stdin. */
export function stdinPayload(id: string, chunk: Uint8Array | null): Buffer {
  return Buffer.concat([Buffer.from([id.length]), Buffer.from(id, 'latin1'), chunk ?? Buffer.alloc(0)])
}

/** Reads {@link stdinPayload}. */
export function parseStdin(payload: Buffer): { id: string; chunk: Buffer | null } {
  const end = 1 + (payload[0] ?? 0)
  return { id: payload.toString('latin1', 1, end), chunk: payload.length === end ? null : payload.subarray(end) }
}

/** Cuts a byte stream into frames. Returns a function that takes what comes and calls `take` for each whole frame; it throws when a frame is too large. */
export function frameCutter(take: (frame: LauncherFrame) => void): (chunk: Buffer) => void {
  let held: Buffer[] = []
  let heldBytes = 0
  let wanted = 4
  return (chunk) => {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < wanted) return
    const all = held.length === 1 ? chunk : Buffer.concat(held, heldBytes)
    let at = 0
    for (;;) {
      wanted = 4
      if (all.length - at < wanted) break
      const length = all.readUInt32BE(at)
      if (length < 5 || length > MAX_FRAME_BYTES) throw new Error(`A frame of ${length} bytes on the launcher's socket`)
      wanted = 4 + length
      if (all.length - at < wanted) break
      take({ kind: all.readUInt8(at + 4), number: all.readUInt32BE(at + 5), payload: all.subarray(at + 9, at + wanted) })
      at += wanted
    }
    held = at === all.length ? [] : [all.subarray(at)]
    heldBytes = all.length - at
  }
}
