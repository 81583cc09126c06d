// Files of evidence, told apart by their first line, and what checking them shows.

import type { AnchorProof, SignedHead } from '@haggle/reputation'
import { Failure } from './failure.ts'

/** What a check found. */
export interface Verdict {
  readonly ok: boolean
  /** One-line facts; the first says what the file proves. */
  readonly summary: readonly string[]
  /** The first wrong thing, when there is one. */
  readonly wrong: string
  readonly json: unknown
  /** What only a chain can confirm, when there is such a thing. */
  readonly onChain?: OnChain
}

/** A head that its owner may have anchored, or one that an aggregator says it anchored. */
export type OnChain = { readonly kind: 'head'; readonly head: SignedHead } | { readonly kind: 'aggregate'; readonly proof: AnchorProof }

/** Longest first line that is looked at. */
const FIRST_LINE_BYTES = 64

/** The first line of a file, or undefined when it has none that is text. */
export function firstLine(bytes: Uint8Array): string | undefined {
  const end = bytes.subarray(0, FIRST_LINE_BYTES).indexOf(10)
  return end < 0 ? undefined : new TextDecoder('latin1').decode(bytes.subarray(0, end))
}

/** Checks a file of evidence. Throws E_VERIFY_FORMAT for a file that is none. */
export function check(bytes: Uint8Array): Promise<Verdict> {
  const kind = firstLine(bytes)
  const checker = kind === undefined || !Object.hasOwn(CHECKERS, kind) ? undefined : CHECKERS[kind]
  if (checker === undefined) {
    throw new Failure(
      'E_VERIFY_FORMAT',
      bytes.length === 0 ? 'The file is empty' : 'This is no evidence that haggle knows: its first line names no format',
      { next: `it should begin with ${Object.keys(CHECKERS).join(' or ')}` },
    )
  }
  return checker(bytes)
}

const CHECKERS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Verdict>>> = {
  'haggle-transcript/1': async (bytes) => (await import('./transcript_verdict.ts')).transcriptVerdict(bytes),
  'haggle-proof/1': async (bytes) => (await import('./ledger_verdict.ts')).proofVerdict(bytes),
  'haggle-anchor/1': async (bytes) => (await import('./ledger_verdict.ts')).anchorVerdict(bytes),
  'haggle-evidence/1': async (bytes) => (await import('./ledger_verdict.ts')).evidenceVerdict(bytes),
}
