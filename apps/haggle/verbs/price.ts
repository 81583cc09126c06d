// haggle price: what the token costs to rent with, and what that is worth to you.

import { EXIT } from '../failure.ts'
import { rateOf } from '../fiat.ts'
import { pricePage } from '../money_page.ts'
import type { PriceView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'price',
  summary: 'prices in the token, and what they are worth by your own rate',
  positionals: [{ name: 'AMOUNT', help: 'an amount of tokens to translate', optional: true }],
  flags: [JSON_FLAG, ...MONEY],
  notes: [
    'The rate is yours: haggle config set fiat "0.90 EUR". It is only shown beside amounts; nothing is fetched and nothing is decided by it.',
  ],
  examples: ['haggle price', 'haggle price 0.25 --fiat "0.90 EUR"'],
  async run(args) {
    await using open = await session(args)
    const amount = args.positionals[0]
    const view = await open.ask<PriceView>('price', { amount })
    const rate = rateOf(args)
    if (args.on('json'))
      printJson({
        ...view,
        amount: amount ?? null,
        rate: rate ?? null,
        worth: amount === undefined || rate === undefined ? null : Number(amount) * rate.price,
      })
    else print(...pricePage(view, { rate, amount }))
    return EXIT.ok
  },
}
