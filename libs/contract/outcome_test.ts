import { portableSuite } from '@haggle/identity'
import { fromHex, type Message, type MessageTypes, open, toHex } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Facts, learn, NO_FACTS } from './facts.ts'
import { CONTRACT_MESSAGES, type ContractMessageName, type Role } from './messages.ts'
import { outcomeOf } from './outcome.ts'
import { isEnd } from './phase.ts'
import { type Rec, recordOf } from './record.ts'
import { readTranscript } from './transcript.ts'

interface Vectors {
  readonly network: string
  readonly renter: string
  readonly good: readonly {
    readonly name: string
    readonly file: string
    readonly report: { readonly outcome: string; readonly cut: boolean }
  }[]
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors/transcript.json'), 'utf8')) as Vectors
const suite = portableSuite()

function recsOf(file: string): Rec[] {
  const types = CONTRACT_MESSAGES as unknown as MessageTypes<unknown>
  const messages: Message[] = readTranscript(fromHex(file)).messages.map((bytes) =>
    open(bytes, types, { network: fromHex(vectors.network), suite }),
  )
  const seqs = new Map(messages.map(({ id, seq }) => [toHex(id), seq]))
  return messages.map(({ id, signer, seq, ack, type, body }) => {
    const by: Role = toHex(signer) === vectors.renter ? 'renter' : 'provider'
    return recordOf({ by, seq, ack: ack === null ? -1 : (seqs.get(toHex(ack)) ?? -1), id: toHex(id) }, type as ContractMessageName, body)
  })
}

/** Reads both chains in an order in which every message comes after what it acknowledges; `picks` says whose turn it is where both could. */
function inSomeOrder(recs: readonly Rec[], picks: readonly boolean[]): Facts {
  const chains = { renter: recs.filter(({ by }) => by === 'renter'), provider: recs.filter(({ by }) => by === 'provider') }
  const read = { renter: 0, provider: 0 }
  let facts = NO_FACTS
  for (let at = 0; at < recs.length; at++) {
    const ready = (side: Role): boolean => {
      const next = chains[side][read[side]]
      return next !== undefined && next.ack < read[side === 'renter' ? 'provider' : 'renter']
    }
    const side: Role = ready('renter') && (picks[at] === true || !ready('provider')) ? 'renter' : 'provider'
    const next = chains[side][read[side]++]
    if (next !== undefined) facts = learn(facts, next)
  }
  return facts
}

it.each(vectors.good.map((each) => [each.name, each] as const))(
  'outcomeOf() is the same in every order that seq and ack allow: "%s"',
  (_, { file, report }) => {
    const recs = recsOf(file)
    const facts = inSomeOrder(recs, [])
    const outcome = outcomeOf(facts, { silent: false })
    if (!report.cut) expect(outcome.kind).toBe(report.outcome)
    const silent = outcomeOf(facts, { silent: true })
    expect(silent.kind !== 'open' && isEnd(silent.kind)).toBe(true)
    if (outcome.kind !== 'open') expect(silent).toEqual(outcome)
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: recs.length, maxLength: recs.length }), (picks) => {
        expect(outcomeOf(inSomeOrder(recs, picks), { silent: false })).toEqual(outcome)
      }),
      { numRuns: 20 },
    )
  },
)
