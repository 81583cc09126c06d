// haggle court: cases about downtime, and the verdicts that are due.

import { EXIT, usage } from '../failure.ts'
import { courtPage } from '../court_page.ts'
import type { CourtView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

/** What some of them are about. */
const NEEDS: Readonly<Record<string, string>> = { claim: 'a case', refute: 'the number of a claim', finalize: 'the number of a claim' }

export const verb: Verb = {
  name: 'court',
  summary: 'cases about downtime in which you are party or witness',
  positionals: [
    {
      name: 'WHAT',
      help: 'list (the default), claim, refute, finalize, enroll, vacate or release',
      optional: true,
      kind: 'choice',
      choices: ['list', 'claim', 'refute', 'finalize', 'enroll', 'vacate', 'release'],
    },
    { name: 'WHICH', help: 'for claim: a case; for refute and finalize: the number of a claim', optional: true },
  ],
  flags: [JSON_FLAG, ...MONEY],
  notes: [
    'The agent claims, refutes and finalizes by itself while it runs: this is for who wants to see to it, and for seats.',
    'enroll takes a seat, which locks its stake: the node may then be drawn as witness of others; vacate leaves it, release gives the stake back once no case needs it. The setting witness takes one by itself.',
    'Anyone may finalize a claim once the time to refute it is over: what stands is slashed, the victim first, and the bond goes back.',
  ],
  examples: ['haggle court', 'haggle court claim 0x3fa9', 'haggle court finalize 3', 'haggle court enroll'],
  async run(args) {
    const [what = 'list', which] = args.positionals
    const needs = NEEDS[what]
    if (needs !== undefined && which === undefined) throw usage(`haggle court ${what} needs ${needs}`, 'haggle court lists them')
    if (needs === undefined && which !== undefined) throw usage(`haggle court ${what} does not take "${which}"`)
    await using open = await session(args)
    const view = await open.ask<CourtView>('court', { do: what, which })
    if (args.on('json')) printJson(view)
    else print(...courtPage(view, screenOf(process.stdout, args.env)))
    return EXIT.ok
  },
}
