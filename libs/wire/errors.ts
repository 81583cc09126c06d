// The one error class of the project: a stable code, a sentence for a person, and details for a program.

/** What a {@link HaggleError} carries besides its sentence. */
export interface HaggleErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown
  /** Plain values that a program may act on. Never a secret, never raw bytes from the network. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>
  /** What the person can do next, in one short line. */
  readonly next?: string
}

/**
 * An error with a stable `code` such as `E_WIRE_DEPTH`. Callers compare codes, never sentences.
 *
 * @example
 * ```ts
 * import { HaggleError } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const error = new HaggleError("E_OFFER_PRICE", 'Cannot accept offer "ab12": price must be <= 40, is 55', { details: { price: 55 } });
 * expect(error.code).toBe("E_OFFER_PRICE");
 * ```
 */
export class HaggleError extends Error {
  /** Always `HaggleError`. */
  override readonly name = 'HaggleError'
  /** Stable, such as `E_WIRE_DEPTH`. */
  readonly code: string
  /** Plain values that a program may act on. Empty when there are none. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>
  /** What the person can do next, in one short line. */
  readonly next: string | undefined

  /** `message` is one sentence for a tired person. */
  constructor(code: string, message: string, options: HaggleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.next = options.next
  }
}

/** The stable code of any thrown value: a {@link HaggleError}'s own, `E_ABORTED` for an abort, `E_UNKNOWN` for the rest. */
export function errorCode(error: unknown): string {
  if (error instanceof HaggleError) return error.code
  if (error instanceof Error && error.name === 'AbortError') return 'E_ABORTED'
  return 'E_UNKNOWN'
}
