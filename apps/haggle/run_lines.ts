// The few lines around a job's own output, for people: only on a terminal, only on stderr.

import { closeSync, openSync } from 'node:fs'
import type { RunProgress } from '@haggle/market'
import { amount, bytes, counted, duration, pathText, shortContract, shortPeer } from './format.ts'
import { painter, safe, screenOf } from './term.ts'

/** Says once per home what a provider can see. */
export function tellOnce(marker: string, quiet: boolean): void {
  if (!quiet) process.stderr.write('haggle: the provider can read your job and its files; send nothing that it must not see (said once)\n')
  closeSync(openSync(marker, 'w', 0o600))
}

/** What the lines show of a job. */
export interface Shown {
  readonly contract: string
  readonly provider: string
  readonly device: string
  readonly isolation: string
  readonly path: unknown
  readonly pricePerHour: string
  readonly cap: string
  readonly unit: string
  /** Case of the service level that was bought with it; null: none was. */
  readonly sla: string | null
}

/** The step that a progress event means, as text; undefined for steps that need none. */
export function progressText(progress: RunProgress): string | undefined {
  switch (progress.step) {
    case 'searching':
      return `searching: ${counted(progress.seen, 'offer')} heard`
    case 'matched':
      return `${progress.fits} of ${counted(progress.seen, 'offer')} fit`
    case 'asking':
      return `asking ${shortPeer(progress.provider)}`
    case 'refused':
      return `${shortPeer(progress.provider)} refused: ${safe(progress.reason)}`
    case 'signed':
      return `signed with ${shortPeer(progress.provider)} at ${amount(progress.pricePerHour)}/h, cap ${amount(progress.cap)}`
    case 'upload':
      return `sending files: ${bytes(progress.sentBytes)} of ${bytes(progress.totalBytes)}`
    case 'started':
      return undefined
    case 'metered':
      return undefined
    case 'lost':
      return `lost ${shortPeer(progress.provider)}: ${safe(progress.reason)}`
    case 'ended':
      return undefined
  }
}

/** Lines that come and go while a job is prepared. */
export interface RunLines {
  progress(progress: unknown): void
  started(job: Shown): void
  /** Takes the passing line away, before anything else is printed. */
  clear(): void
}

/** The lines of one run on a stream. */
export function runLines(
  stream: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): RunLines {
  const screen = screenOf(stream, env)
  const paint = painter(screen)
  let passing = false
  const clear = (): void => {
    if (passing) stream.write('\r\u001b[K')
    passing = false
  }
  return {
    clear,
    progress(progress) {
      const found = progress as RunProgress
      const text = progressText(found)
      if (text === undefined) return
      clear()
      if (found.step === 'lost' || found.step === 'refused') stream.write(`${paint('warn', `  ${text}`)}\n`)
      else {
        stream.write(paint('dim', `  ${text}`.slice(0, screen.columns - 1)))
        passing = true
      }
    },
    started(job) {
      clear()
      stream.write(`${paint('dim', startedLine(job))}\n`)
    },
  }
}

/** Who runs the job, for how much, and how it is reached. */
export function startedLine(job: Shown): string {
  return `  ${shortPeer(job.provider)} · ${safe(job.device)} · ${safe(job.isolation)} · ${pathText(job.path as Parameters<typeof pathText>[0])} · ${amount(job.pricePerHour)}/h · cap ${amount(job.cap)} ${job.unit}${job.sla === null ? '' : ` · service level, case ${shortContract(job.sla)}`}`
}

/** What leaving a job running costs, and how to come back. */
export function detachedLines(job: Shown): string[] {
  return [
    `haggle: the job goes on at ${shortPeer(job.provider)}: ${amount(job.pricePerHour)} ${job.unit}/h, ${amount(job.cap)} at most`,
    `  haggle attach ${shortContract(job.contract)}   haggle logs -f ${shortContract(job.contract)}   haggle cancel ${shortContract(job.contract)}`,
  ]
}

const LIMITS: Readonly<Record<string, string>> = {
  memory: 'it used more memory than its terms allow',
  output: 'it printed more than its terms allow',
  time: 'its time was over',
  disk: 'it used more disk than its terms allow',
  pids: 'it started more processes than its terms allow',
}

/** Says how a job ended where its exit code does not: limits and kills always, the bill on a terminal. */
export async function ended(
  result: Readonly<Record<string, unknown>>,
  options: { talks: boolean; env: Readonly<Record<string, string | undefined>>; cancelling: boolean },
): Promise<void> {
  const exit = (result['exit'] ?? {}) as { kind?: string; limit?: string; signal?: string; reason?: string }
  const paint = painter(screenOf(process.stderr, options.env))
  if (exit.kind === 'limit')
    process.stderr.write(`haggle: the job was ended: ${LIMITS[exit.limit ?? ''] ?? 'a limit was reached'} (E_JOB_LIMIT)\n`)
  else if (exit.kind === 'signal') process.stderr.write(`haggle: the job was ended by ${safe(exit.signal ?? 'a signal')} (E_JOB_SIGNAL)\n`)
  else if (exit.kind === 'killed' && !options.cancelling)
    process.stderr.write(`haggle: the job was ended: ${safe(exit.reason ?? 'killed')} (E_JOB_KILLED)\n`)
  else if (exit.kind === 'lost')
    process.stderr.write('haggle: the provider was lost before the job was over (E_PROVIDER_LOST)\n  next: --retry N tries others\n')
  if (!options.talks) return
  const receipt = result['receipt'] as { signedBy?: string; outcome?: string; unit?: string } | null
  const signed =
    receipt?.signedBy === 'both'
      ? 'receipt signed by both'
      : receipt
        ? `receipt signed by the ${safe(receipt.signedBy ?? '?')} only`
        : 'no receipt'
  const files = (result['files'] as readonly string[] | undefined) ?? []
  const parts = [
    duration(Number(result['usedMs'] ?? 0)),
    `${amount(String(result['owed'] ?? '0'))} ${receipt?.unit ?? 'credits'}`,
    signed,
    ...(files.length > 0 ? [counted(files.length, 'file')] : []),
    ...(typeof result['receiptFile'] === 'string' ? [`haggle verify ${result['receiptFile']}`] : []),
  ]
  process.stderr.write(`${paint('dim', `  ${parts.join(' · ')}`)}\n`)
}
