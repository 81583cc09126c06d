// How a job ended, as people read it.

import type { ExitStatus } from '@haggle/job'
import type { JobSummary } from '@haggle/market'
import { safe } from './term.ts'

/** What is known of a job's end. */
export type JobEndView = Pick<JobSummary, 'phase' | 'exit'>

/** Phases after which nothing more happens. */
const OVER: ReadonlySet<string> = new Set(['settled', 'cancelled', 'rejected', 'expired', 'failed', 'disputed'])

/** True when the job has ended, whatever is still to be settled. */
export function isOver({ exit, phase }: JobEndView): boolean {
  return exit !== null || OVER.has(phase)
}

/** How a job ended, in a word or two. */
export function exitText(exit: ExitStatus | null): string {
  if (exit === null) return ''
  switch (exit.kind) {
    case 'exit':
      return String(exit.code)
    case 'signal':
      return safe(exit.signal, 12)
    case 'limit':
      return `limit ${exit.limit}`
    case 'killed':
      return 'killed'
    case 'lost':
      return 'lost'
  }
}

/** The same inside a sentence: `exit 0`, `killed`, and the phase of a job that never ran. */
export function endText({ phase, exit }: JobEndView): string {
  return exit === null ? safe(phase, 20) : exit.kind === 'exit' ? `exit ${exit.code}` : exitText(exit)
}
