// haggle anchor: the ledger's head on chain, so that nobody can rewrite what came before.

import { EXIT } from '../failure.ts'
import { anchorPage } from '../money_page.ts'
import type { AnchorView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'anchor',
  summary: 'put the ledger’s head on chain',
  positionals: [{ name: 'WHAT', help: 'show (the default) or now', optional: true, kind: 'choice', choices: ['show', 'now'] }],
  flags: [JSON_FLAG, ...MONEY],
  notes: [
    'The agent does it by itself: at the latest when an entry is 6 hours old, or when 1,000 are new. A proof of an older entry then checks against the chain: haggle verify FILE.',
  ],
  examples: ['haggle anchor', 'haggle anchor now'],
  async run(args) {
    await using open = await session(args)
    const view = await open.ask<AnchorView>('anchor', { do: args.positionals[0] ?? 'show' })
    if (args.on('json')) printJson(view)
    else print(...anchorPage(view))
    return EXIT.ok
  },
}
