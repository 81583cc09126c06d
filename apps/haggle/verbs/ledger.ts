// haggle ledger: this node's own memory of what it signed.

import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ask } from '../client.ts'
import { EXIT, Failure, usage } from '../failure.ts'
import { bytes, shortPeer } from '../format.ts'
import { KIND } from '../frames.ts'
import { note, print, printJson } from '../out.ts'
import { type Session, session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'
import { safe, screenOf, table } from '../term.ts'

const MS_PER_S = 1000

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
  summary: 'show what this node signed, and export the evidence of a contract',
  positionals: [
    { name: 'WHAT', help: 'list (the default), show or export', optional: true, kind: 'choice', choices: ['list', 'show', 'export'] },
    { name: 'CONTRACT', help: 'for show and export: the contract, or its first digits', optional: true, kind: 'contract' },
  ],
  flags: [
    { name: 'limit', kind: 'count', value: 'N', help: 'newest entries to list', fallback: '20' },
    { name: 'to', kind: 'file', value: 'FILE', help: 'where export writes; - is stdout' },
    JSON_FLAG,
    ...NETWORK,
  ],
  examples: ['haggle ledger', 'haggle ledger show 3fa9c2', 'haggle ledger export 3fa9c2 --to job.haggle'],
  async run(args) {
    const [what = 'list', contract] = args.positionals
    await using open = await session(args)
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
    const to = args.text('to') ?? `${found.contract.slice(0, 16)}.haggle`
    if (to === '-') process.stdout.write(found.bytes)
    else {
      try {
        writeFileSync(to, found.bytes, { mode: 0o600 })
      } catch (cause) {
        throw new Failure('E_FILE_WRITE', `Cannot write ${to}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
          next: '--to FILE',
          cause,
        })
      }
      if (args.on('json')) printJson({ contract: found.contract, file: resolve(to), bytes: found.bytes.length })
      else note(`wrote ${to}, ${bytes(found.bytes.length)}: haggle verify ${to}`)
    }
    return EXIT.ok
  },
}
