// A job as seen from the terminal: bytes both ways, Ctrl-C, the lines around it, and the exit code.

import type { Call } from './call.ts'
import { ask } from './client.ts'
import { EXIT, Failure } from './failure.ts'
import { type Channel, KIND } from './frames.ts'
import type { Session } from './reach.ts'
import type { Shown } from './run_lines.ts'

// As in home.ts: what every command runs does not import Node's large modules whole.
const { existsSync, fstatSync, read, statSync, write } = process.getBuiltinModule('node:fs')
const { isatty } = process.getBuiltinModule('node:tty')

const STDERR_FD = 2
/** A second Ctrl-C within this time cancels. */
const SECOND_MS = 5000
/** A cancelled job ends in a round trip or two; after this long, or at a second signal, the command leaves without having seen it. */
const CANCEL_MS = 5000
/** Bytes read from stdin at a time. */
const READ_BYTES = 65_536
/** A non-blocking descriptor of someone else is asked again after this long. */
const AGAIN_MS = 5

/** How a job is run or followed. */
export interface RunJob {
  readonly params: Readonly<Record<string, unknown>>
  readonly stdin: boolean
  /** Marker of the home: exists once its owner was told what a provider can read. Null: nothing to tell. */
  readonly told: string | null
  readonly json: boolean
  readonly quiet: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

const UNANSWERED = new Failure('E_CANCELLED', 'Cancelled; the provider has not answered yet', { next: 'haggle ps shows what came of it' })

function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  return new Promise((done, fail) => {
    let at = 0
    const next = (): void =>
      write(fd, bytes, at, bytes.length - at, null, (error, count) => {
        if (error?.code === 'EAGAIN') setTimeout(next, AGAIN_MS)
        else if (error) fail(error)
        else if ((at += count) < bytes.length) next()
        else done()
      })
    next()
  })
}

/** Where stdin leads: `null` for /dev/null and closed descriptors, which no job needs to be told of. */
function hasStdin(): boolean {
  try {
    const stat = fstatSync(0)
    return !(stat.isCharacterDevice() && stat.rdev === statSync('/dev/null').rdev)
  } catch {
    // A closed descriptor: nothing will come.
    return false
  }
}

async function passFile(call: Call): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES)
  for (;;) {
    const count = await new Promise<number>((done) => read(0, buffer, 0, READ_BYTES, null, (error, got) => done(error ? 0 : got)))
    if (count === 0) return call.finish(KIND.stdin)
    await call.write(KIND.stdin, buffer.slice(0, count))
  }
}

/** Passes stdin on until its end. A terminal is read through its own stream, so that the process can leave while a read is open. */
function passStdin(call: Call): void {
  if (fstatSync(0).isFile()) {
    void passFile(call)
    return
  }
  // A socket says its end even while it is paused: the end is sent behind the last write, never beside it.
  let last: Promise<void> = Promise.resolve()
  process.stdin.on('data', (chunk: Buffer) => {
    process.stdin.pause()
    last = call.write(KIND.stdin, chunk).then(() => void process.stdin.resume())
  })
  const endBehind = (): void => void last.then(() => call.finish(KIND.stdin))
  process.stdin.on('end', endBehind)
  process.stdin.on('error', endBehind)
}

/** Runs or follows a job and resolves with the exit code to pass on. */
export async function runJob(open: Session, name: 'run' | 'attach', job: RunJob): Promise<number> {
  // Asked of the descriptor: process.stderr would be made for the question alone.
  const tty = isatty(STDERR_FD)
  const talks = tty && !job.quiet && !job.json
  if (job.told !== null && !existsSync(job.told)) (await import('./run_lines.ts')).tellOnce(job.told, job.quiet)
  const lines = talks ? (await import('./run_lines.ts')).runLines(process.stderr, job.env) : undefined
  const passesStdin = job.stdin && hasStdin()
  let started: Shown | undefined
  let explained: unknown
  let current: Call | undefined
  let cancelling = false
  let broken = false
  let interruptedAt = 0
  // A provider that is out of reach answers no cancel: the command does not wait for it, the agent does.
  const unanswered = Promise.withResolvers<never>()
  unanswered.promise.catch(() => undefined)
  const cancel = (): void => {
    if (cancelling) return unanswered.reject(UNANSWERED)
    cancelling = true
    current?.send({ do: 'cancel' })
    setTimeout(() => unanswered.reject(UNANSWERED), CANCEL_MS)
  }
  const second = Promise.withResolvers<void>()
  const interrupt = (): void => {
    // The terminal has just printed ^C.
    if (tty) process.stderr.write('\r\u001b[K')
    if (started === undefined || !tty || job.params['detach'] === true) cancel()
    else if (interruptedAt === 0) {
      interruptedAt = Date.now()
      current?.send({ do: 'detach' })
    } else second.resolve()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', cancel)
  const request = job.params['request']
  const params = {
    ...open.network,
    ...job.params,
    ...(typeof request === 'object' ? { request: { ...request, stdin: passesStdin } } : { stdin: passesStdin }),
    onGone: tty ? 'detach' : 'cancel',
    bill: talks,
  }
  const output = async (channel: Channel, bytes: Uint8Array): Promise<void> => {
    lines?.clear()
    if (broken || interruptedAt > 0) return
    try {
      await writeAll(channel === KIND.stdout ? 1 : 2, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      // Whoever read the output has left, as `head` does: nobody wants the rest.
      broken = true
      cancel()
    }
  }
  let result: Readonly<Record<string, unknown>>
  try {
    const asking = ask(
      open.reach,
      name,
      params,
      {
        message(message) {
          if (message['event'] === 'progress') {
            const progress = message['progress'] as { step: string }
            if (lines !== undefined) lines.progress(progress)
            // What reads the output must know that it begins again.
            else if (progress.step === 'lost' && !job.quiet)
              process.stderr.write('haggle: the provider was lost; the job begins again elsewhere\n')
          } else if (message['event'] === 'explain') explained = message['view']
          else if (message['event'] === 'job') {
            started = message as unknown as Shown
            lines?.started(started)
            if (passesStdin && current !== undefined) passStdin(current)
          }
        },
        data: output,
      },
      (call) => (current = call),
    )
    asking.catch(() => undefined)
    result = await Promise.race([asking, unanswered.promise])
  } catch (error) {
    lines?.clear()
    if (cancelling && started === undefined) throw new Failure('E_CANCELLED', 'Cancelled before any contract was signed: nothing is owed')
    if (explained !== undefined && !job.quiet) (await import('./explain.ts')).explainOn(process.stderr, explained, job.env)
    throw error
  } finally {
    lines?.clear()
  }
  if (result['detached'] !== true) {
    if (!job.quiet) await (await import('./run_lines.ts')).ended(result, { talks, env: job.env, cancelling })
    return cancelling ? EXIT.cancelled : Number(result['exitCode'] ?? EXIT.failed)
  }
  return await detached(open, job, result as unknown as Shown, { interrupted: interruptedAt > 0, second: second.promise })
}

async function detached(open: Session, job: RunJob, left: Shown, how: { interrupted: boolean; second: Promise<void> }): Promise<number> {
  if (job.params['follow'] === false) return EXIT.ok
  if (job.params['detach'] === true) {
    process.stdout.write(job.json ? `${JSON.stringify(left)}\n` : `${left.contract}\n`)
    if (!job.json && !job.quiet && isatty(STDERR_FD))
      process.stderr.write((await import('./run_lines.ts')).detachedLines(left).join('\n') + '\n')
    return EXIT.ok
  }
  process.stderr.write(`${(await import('./run_lines.ts')).detachedLines(left).join('\n')}\n`)
  if (!how.interrupted) return EXIT.ok
  process.stderr.write(`  Ctrl-C again within ${SECOND_MS / 1000} s cancels it\n`)
  const cancels = await Promise.race([how.second.then(() => true), new Promise<false>((done) => setTimeout(() => done(false), SECOND_MS))])
  if (!cancels) return EXIT.ok
  await open.ask('cancel', { contract: left.contract })
  process.stderr.write('haggle: cancelled; what was used until now is owed\n')
  return EXIT.cancelled
}
