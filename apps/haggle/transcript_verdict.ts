// What haggle verify says of a transcript.

import { type TranscriptReport, verifyTranscript } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { formatAmount, toHex } from '@haggle/wire'
import type { Verdict } from './evidence.ts'
import { counted, duration } from './format.ts'
import { safe } from './term.ts'

/** Checks a transcript from its bytes alone. */
export function transcriptVerdict(bytes: Uint8Array): Verdict {
  const report = verifyTranscript(bytes, nodeSuite())
  const [first] = report.errors
  return {
    ok: report.ok,
    summary: report.ok ? summaryOf(report) : [],
    wrong: first === undefined ? '' : `${first.at < 0 ? '' : `message ${first.at}: `}${safe(first.message, 400)} (${first.code})`,
    json: jsonOf(report),
  }
}

/** Integers are decimal text: they may be larger than a JSON number holds. `owed` is in base units, six decimals to one credit. */
function jsonOf({ ok, outcome, parties, contract, termsHash, usage, owed, messages, cut, errors }: TranscriptReport): unknown {
  return {
    ok,
    kind: 'transcript',
    outcome: outcome.kind,
    by: outcome.by,
    reason: outcome.reason,
    bound: outcome.bound,
    signedBy: outcome.signedBy,
    parties: parties === null ? null : { renter: toHex(parties.renter), provider: toHex(parties.provider) },
    contract: contract === null ? null : toHex(contract),
    termsHash,
    usage: usage.map(String),
    owed: owed.toString(),
    claimed: outcome.claimed.toString(),
    messages,
    cut,
    errors: errors.map(({ at, code, message }) => ({ at, code, message })),
  }
}

function summaryOf({ outcome, parties, contract, termsHash, terms, usage, owed, messages, cut }: TranscriptReport): string[] {
  const who = outcome.by === null ? '' : ` by the ${outcome.by}`
  const why = outcome.reason === null ? '' : ` (${safe(outcome.reason, 60)})`
  const unit = terms === null || terms.rail === 'free' ? 'credits, not money' : safe(terms.rail, 80)
  const meters = (terms?.meters ?? []).map(({ unit: name }, at) =>
    name === 'ms' ? duration(Number(usage[at] ?? 0n)) : `${usage[at] ?? 0n} ${safe(name, 20)}`,
  )
  const signed = outcome.signedBy === 'both' ? 'both' : outcome.signedBy === 'none' ? 'nobody yet' : `the ${outcome.signedBy} only`
  return [
    `${outcome.kind}${who}${why}: ${counted(messages, 'message')} check`,
    ...(contract === null ? ['no contract came of it'] : [`contract  ${toHex(contract)}`]),
    ...(parties === null ? [] : [`renter    ${peerIdOf(parties.renter)}`, `provider  ${peerIdOf(parties.provider)}`]),
    ...(terms === null
      ? []
      : [
          `terms     ${termsHash ?? ''}`,
          `job       ${safe(terms.runner, 32)}, ${safe(terms.isolation, 32)}${terms.devices.map(({ model }) => `, ${safe(model, 64)}`).join('')}`,
        ]),
    `used      ${meters.length === 0 ? 'nothing' : meters.join(', ')}`,
    `owed      ${formatAmount(owed)} ${unit}${terms === null ? '' : `, of at most ${formatAmount(terms.cap)}`}`,
    ...(outcome.claimed > owed
      ? [`claimed   ${formatAmount(outcome.claimed)} by the provider; beyond what is owed it is one side's word`]
      : []),
    `receipt   signed by ${signed}`,
    ...(cut ? ['the file ends inside a message: what came after it is not known'] : []),
  ]
}
