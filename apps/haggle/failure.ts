// What a command can fail with: a stable code, one sentence, the next step, and the exit code that belongs to the code.

/** Exit codes of every verb. A job's own code is passed on unchanged. */
export const EXIT = { ok: 0, failed: 1, usage: 2, config: 3, nothingFits: 4, network: 6, timeout: 124, lost: 125, cancelled: 130 } as const

/** What a {@link Failure} carries besides its sentence. */
export interface FailureOptions {
  readonly next?: string | undefined
  readonly details?: Readonly<Record<string, string | number | boolean | null>> | undefined
  readonly cause?: unknown
}

/** An error that is shown to a person as one line and ends the command. It is the local twin of HaggleError, without importing a library. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly next: string | undefined
  readonly details: Readonly<Record<string, string | number | boolean | null>>

  constructor(code: string, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.next = options.next
    this.details = options.details ?? {}
  }
}

/** A mistake in what was typed: exit code 2. */
export function usage(message: string, next?: string): Failure {
  return new Failure('E_USAGE', message, { next })
}

const EXACT: Readonly<Record<string, number>> = {
  E_USAGE: EXIT.usage,
  E_FILE_MISSING: EXIT.usage,
  E_JOB_UNKNOWN: EXIT.usage,
  E_NOTHING_FITS: EXIT.nothingFits,
  E_NO_OFFERS: EXIT.nothingFits,
  E_ABOVE_CAP: EXIT.nothingFits,
  E_OFFER_PRICE: EXIT.nothingFits,
  E_TIMEOUT: EXIT.timeout,
  E_PROVIDER_LOST: EXIT.lost,
  E_CANCELLED: EXIT.cancelled,
  E_ABORTED: EXIT.cancelled,
  E_PROTOCOL_UNSUPPORTED: EXIT.network,
  E_NO_PEERS: EXIT.network,
  E_CLOCK: EXIT.config,
}

/** First match wins. Prefixes of codes and what they exit with. */
const PREFIXES: readonly (readonly [prefix: string, exit: number])[] = [
  ['E_EXPR', EXIT.usage],
  ['E_DEMAND', EXIT.usage],
  ['E_OFFER', EXIT.usage],
  ['E_HOME', EXIT.config],
  ['E_KEY', EXIT.config],
  ['E_CONFIG', EXIT.config],
  ['E_PORT', EXIT.config],
  ['E_PSK', EXIT.config],
  ['E_LAUNCHER', EXIT.config],
  ['E_LISTEN', EXIT.config],
  ['E_ADDRESS', EXIT.usage],
  ['E_AGENT', EXIT.config],
  ['E_ISOLATION', EXIT.config],
  ['E_STORE', EXIT.config],
  ['E_DIAL', EXIT.network],
  ['E_NETWORK', EXIT.network],
  ['E_STREAM', EXIT.network],
  ['E_PEER', EXIT.network],
  ['E_RELAY', EXIT.network],
]

/** The exit code that belongs to an error's code: 1 when nothing more exact is known. */
export function exitCodeOf(code: string): number {
  const exact = EXACT[code]
  if (exact !== undefined) return exact
  for (const [prefix, exit] of PREFIXES) if (code.startsWith(prefix)) return exit
  return EXIT.failed
}

/** The code, sentence and next step of any thrown value, whichever error class made it. */
export function describe(error: unknown): {
  code: string
  message: string
  next: string | undefined
  details: Readonly<Record<string, unknown>>
} {
  if (!(error instanceof Error)) return { code: 'E_UNKNOWN', message: String(error), next: undefined, details: {} }
  const known = error as Error & { code?: unknown; next?: unknown; details?: unknown }
  const code =
    typeof known.code === 'string' && known.code.startsWith('E_') ? known.code : error.name === 'AbortError' ? 'E_CANCELLED' : 'E_UNKNOWN'
  return {
    code,
    message: error.message,
    next: typeof known.next === 'string' ? known.next : undefined,
    details: typeof known.details === 'object' && known.details !== null ? (known.details as Record<string, unknown>) : {},
  }
}
