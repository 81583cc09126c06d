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

/** Whole codes. They win over prefixes. spec/errors.md has every code; a test holds both together. */
const EXACT: Readonly<Record<string, number>> = {
  E_TIMEOUT: EXIT.timeout,
  E_PROVIDER_LOST: EXIT.lost,
  E_JOB_LOST: EXIT.lost,
  E_CANCELLED: EXIT.cancelled,
  E_ABORTED: EXIT.cancelled,
  E_OFFER_NONE: EXIT.network,
  E_OFFER_FOREIGN: EXIT.network,
  E_OFFER_RATE: EXIT.network,
  E_CHAIN_UNREACHABLE: EXIT.network,
  E_COURT_CLOSED: EXIT.network,
}

/** First letters of codes, by exit code. */
const PREFIXES: Readonly<Record<number, RegExp>> = {
  [EXIT.usage]:
    /^E_(USAGE|FILE_MISSING|EXPR|AMOUNT|DURATION|SIZE|HEX|ADDRESS|PEER_ID|RUN_|JOB_(PATH|SPEC|UNKNOWN|AMBIGUOUS)|DEMAND|OFFER|PROVIDE_(RUNNERS|SLOTS)|RAIL_UNKNOWN|CHANNEL_(UNKNOWN|PAYEE)|COURT_CASE|SLA_NONE)/,
  [EXIT.config]:
    /^E_(NODE_VERSION|HOME|KEY|CONFIG|PSK|PORT|HTTP|LISTEN|AGENT|ISOLATION|LAUNCHER|STORE|JOURNAL|LEDGER|HEAD|RESTORE|SUCCEED|NO_HOST|NOT_|SERVICE|CLOCK|CHAIN|SENDER|FOLLOWER|WALLET|ANVIL)/,
  [EXIT.nothingFits]: /^E_(NOTHING_FITS|NO_OFFERS|NOBODY_TAKES|ABOVE_CAP|TERMS)/,
  [EXIT.network]: /^E_(DIAL|NETWORK|PROTOCOL|STREAM|TOPIC|ASK|SNAPSHOT|OUTPUT_LOST|THREAD|LOG_|WATCH_|CONTROL_STALLED)/,
}

/** The exit code that belongs to an error's code: 1 when nothing more exact is known. */
export function exitCodeOf(code: string): number {
  const exact = EXACT[code]
  if (exact !== undefined) return exact
  for (const [exit, pattern] of Object.entries(PREFIXES)) if (pattern.test(code)) return Number(exit)
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
