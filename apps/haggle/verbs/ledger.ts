// haggle ledger: this node's own memory of what it signed.

import { ask } from '../client.ts'
import { EXIT, usage } from '../failure.ts'
import { shortPeer } from '../format.ts'
import { KIND } from '../frames.ts'
import { ACTIONS, checkTo, writeEvidence } from '../ledger_actions.ts'
import { note, print, printJson } from '../out.ts'
import { type Session, session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'
import { safe, screenOf, table } from '../term.ts'

const MS_PER_S = 1000

/** What may be asked of the ledger. */
const WHAT: readonly string[] = ['list', 'show', 'export', ...Object.keys(ACTIONS)]

interface Entry {
  readonly index: number
  readonly kind: string
  /** Unix seconds, as the entry has it. */
  readonly at: number
  readonly peer: string
  readonly summary: string
}

/** The transcript of a contract, from the agent. */
async function transcriptOf(open: Session, contract: string): Promise<{ contract: string; bytes: Buffer }> {
  const parts: Uint8Array[] = []
  const answer = await ask(
    open.reach,
    'transcript',
    { contract },
    {
      data: async (channel, part) => {
        if (channel === KIND.stdout) parts.push(part)
      },
    },
  )
  return { contract: String(answer['contract']), bytes: Buffer.concat(parts) }
}

export const verb: Verb = {
  name: 'ledger',
  summary: 'show what this node remembers, why it trusts whom, and prove it to others',
  positionals: [
    { name: 'WHAT', help: 'list (the default), or one of those below', optional: true, kind: 'choice', choices: WHAT },
    { name: 'SUBJECT', help: 'the contract or its first digits, a PeerId, or a file', optional: true, kind: 'contract' },
  ],
  flags: [
    { name: 'limit', kind: 'count', value: 'N', help: 'newest entries to list, receipts to explain', fallback: '20' },
    { name: 'to', kind: 'file', value: 'FILE', help: 'where export, prove and evidence write; - is stdout' },
    JSON_FLAG,
    ...NETWORK,
  ],
  notes: [
    'list, show CONTRACT, export CONTRACT: entries; what a transcript says; the transcript as a file.',
    'status, check: how the log stands among others; both copies read and the tree recomputed.',
    'explain PEER: its scores, and which receipts they add up from. evidence PEER: the file that shows that it forged its log.',
    'prove CONTRACT > FILE: a proof of less than 2 KiB that haggle verify checks offline. Give it to the other party.',
    'import FILE: a proof about this node is shown to whoever it deals with; one about another counts in its scores here.',
    'checkpoint: sign a head now. fetch: get lost entries back. succeed: go on in a new log where nobody has them.',
  ],
  examples: ['haggle ledger', 'haggle ledger explain 12D3Koo…', 'haggle ledger prove 3fa9c2 > job.proof', 'haggle ledger import job.proof'],
  async run(args) {
    const [what = 'list', contract] = args.positionals
    if (!WHAT.includes(what)) throw usage(`haggle ledger does not know "${what}"`, `one of ${WHAT.join(', ')}`)
    checkTo(args)
    await using open = await session(args)
    const action = Object.hasOwn(ACTIONS, what) ? ACTIONS[what] : undefined
    if (action !== undefined) return await action(open, args)
    if (what === 'list') {
      const { entries } = await open.ask<{ entries: readonly Entry[] }>('ledger', { limit: args.count('limit') })
      if (args.on('json')) printJson({ entries })
      else if (entries.length === 0) note('the ledger is empty')
      else {
        const rows = entries.map((entry) => [
          String(entry.index),
          new Date(entry.at * MS_PER_S).toISOString().slice(0, 19).replace('T', ' '),
          safe(entry.kind, 20),
          shortPeer(entry.peer),
          safe(entry.summary.replace(/^\w+ /, '').replace(/ with 12D3Koo\w+/, ''), 80),
        ])
        print(
          ...table(
            [{ head: '#', right: true }, { head: 'when (UTC)' }, { head: 'kind' }, { head: 'peer' }, { head: 'contract' }],
            rows,
            screenOf(process.stdout, args.env),
          ),
        )
      }
      return EXIT.ok
    }
    if (contract === undefined) throw usage(`haggle ledger ${what} needs a contract`, 'haggle ps --all lists them')
    const found = await transcriptOf(open, contract)
    if (what === 'show') {
      const { check } = await import('../evidence.ts')
      const verdict = await check(found.bytes)
      if (args.on('json')) printJson({ contract: found.contract, ...(verdict.json as object) })
      else print(`contract ${found.contract}`, ...(verdict.ok ? verdict.summary : [verdict.wrong]).map((line) => `  ${line}`))
      return verdict.ok ? EXIT.ok : EXIT.failed
    }
    const { contract: id } = found
    writeEvidence(args, found.bytes, { fallback: `${id.slice(0, 16)}.haggle`, about: { contract: id }, pipe: false })
    return EXIT.ok
  },
}
