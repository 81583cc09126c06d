// haggle stake: tokens behind this node's word.

import { EXIT, usage } from '../failure.ts'
import { rateOf } from '../fiat.ts'
import { stakePage } from '../money_page.ts'
import type { StakeView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'

/** What of the verb takes an amount. */
const WITH_AMOUNT: readonly string[] = ['add', 'unbond']

export const verb: Verb = {
  name: 'stake',
  summary: 'put tokens behind your word, and take them back',
  positionals: [
    {
      name: 'WHAT',
      help: 'show (the default), add, unbond, or withdraw what has unbonded',
      optional: true,
      kind: 'choice',
      choices: ['show', 'add', 'unbond', 'withdraw'],
    },
    { name: 'AMOUNT', help: 'for add and unbond: how many tokens', optional: true },
  ],
  flags: [JSON_FLAG, ...MONEY],
  notes: [
    'Stake can be lost: for downtime that a quorum of witnesses signed, in contracts that sold a service level, and for two signed heads of one ledger that contradict each other.',
    'What is asked back stays, and can still be lost, until it has unbonded; what a contract has locked can’t be asked back.',
  ],
  examples: ['haggle stake', 'haggle stake add 50', 'haggle stake unbond 50', 'haggle stake withdraw'],
  async run(args) {
    const [what = 'show', amount] = args.positionals
    if (WITH_AMOUNT.includes(what) && amount === undefined) throw usage(`haggle stake ${what} needs an amount`, `haggle stake ${what} 10`)
    if (!WITH_AMOUNT.includes(what) && amount !== undefined) throw usage(`haggle stake ${what} takes no amount`, 'haggle stake --help')
    await using open = await session(args)
    const view = await open.ask<StakeView>('stake', { do: what, amount })
    if (args.on('json')) printJson(view)
    else print(...stakePage(view, rateOf(args)))
    return EXIT.ok
  },
}
