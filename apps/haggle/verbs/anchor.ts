// haggle anchor: the ledger's head on chain, so that nobody can rewrite what came before; by its own transaction, or under an aggregator's.

import { EXIT, usage } from '../failure.ts'
import { counted } from '../format.ts'
import { checkTo, fileOf, writeEvidence } from '../ledger_actions.ts'
import { anchorPage } from '../money_page.ts'
import type { AnchorFileView, AnchorView } from '../money_views.ts'
import { note, print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'anchor',
  summary: 'put the ledger’s head on chain',
  positionals: [{ name: 'WHAT', help: 'show (the default), now or get', optional: true, kind: 'choice', choices: ['show', 'now', 'get'] }],
  flags: [
    { name: 'from', kind: 'address', value: 'PEER', help: 'get: the aggregator, by its address or PeerId' },
    { name: 'to', kind: 'file', value: 'FILE', help: 'get: where the file goes; - is stdout' },
    JSON_FLAG,
    ...MONEY,
  ],
  notes: [
    'The agent does it by itself: at the latest when an entry is 6 hours old, or when 1,000 are new. A proof of an older entry then checks against the chain: haggle verify FILE.',
    'With anchor-others on, it anchors the newest heads of other ledgers too, all under one root: those of whoever it deals with, and of strangers who ask.',
    'get: needs no chain and no wallet. Gives such a node the newest head of this ledger, and writes the file that proves that it is anchored, once it is.',
  ],
  examples: ['haggle anchor', 'haggle anchor now', 'haggle config set anchor-others on', 'haggle anchor get --from 12D3Koo… > log.anchor'],
  async run(args) {
    const what = args.positionals[0] ?? 'show'
    const from = args.text('from')
    checkTo(args)
    if (what === 'get' && from === undefined) throw usage('haggle anchor get needs an aggregator', '--from PEER: its address or PeerId')
    await using open = await session(args)
    if (what === 'get') {
      const { file, ...about } = await open.ask<AnchorFileView>('anchor-file', { from })
      const { size, log, account, chain } = about
      if (!args.on('json'))
        note(
          `${counted(size, 'entry', 'entries')} of log ${log}, anchored by ${account} on chain ${chain} as it says: haggle verify asks the chain`,
        )
      writeEvidence(args, fileOf(file), { fallback: `log-${log}-${size}.anchor`, about, pipe: true })
      return EXIT.ok
    }
    const view = await open.ask<AnchorView>('anchor', { do: what })
    if (args.on('json')) printJson(view)
    else print(...anchorPage(view))
    return EXIT.ok
  },
}
