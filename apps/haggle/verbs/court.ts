// haggle court: cases about downtime, and the verdicts that are due.

import { EXIT, usage } from '../failure.ts'
import { courtPage } from '../court_page.ts'
import type { CourtView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'court',
  summary: 'cases about downtime in which you are party or witness',
  positionals: [
    { name: 'WHAT', help: 'list (the default) or finalize', optional: true, kind: 'choice', choices: ['list', 'finalize'] },
    { name: 'CLAIM', help: 'for finalize: the number of a claim', optional: true },
  ],
  flags: [JSON_FLAG, ...MONEY],
  notes: [
    'Anyone may finalize a claim once the time to refute it is over: what stands is slashed, the victim first, and the bond goes back.',
  ],
  examples: ['haggle court', 'haggle court finalize 3'],
  async run(args) {
    const [what = 'list', claim] = args.positionals
    if (what === 'finalize' && claim === undefined)
      throw usage('haggle court finalize needs the number of a claim', 'haggle court lists them')
    if (what === 'list' && claim !== undefined) throw usage(`haggle court list does not take "${claim}"`)
    await using open = await session(args)
    const view = await open.ask<CourtView>('court', { do: what, which: claim })
    if (args.on('json')) printJson(view)
    else print(...courtPage(view, screenOf(process.stdout, args.env)))
    return EXIT.ok
  },
}
