// haggle offers: what the market has now.

import type { OfferView } from '@haggle/market'
import { explanation } from '../explain.ts'
import { EXIT } from '../failure.ts'
import { counted } from '../format.ts'
import { offerLines } from '../offers_page.ts'
import { note, print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { railOf } from '../run_flags.ts'
import { JSON_FLAG, NETWORK, RAIL, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'offers',
  summary: 'show what the market has now',
  flags: [
    { name: 'where', kind: 'text', value: 'EXPR', help: "only what fits, such as 'price.hour<=0.40 order by price.hour'" },
    RAIL,
    { name: 'wait', kind: 'duration', value: 'T', help: 'listen this long before answering', fallback: '3s' },
    { name: 'no-probe', kind: 'switch', help: 'do not ask the providers shown whether they are live' },
    JSON_FLAG,
    ...NETWORK,
  ],
  examples: [
    'haggle offers',
    "haggle offers --where 'runner=deno price.hour<=0.01 order by price.hour'",
    'haggle offers --json | jq .rows',
  ],
  async run(args) {
    const where = args.text('where')
    await using open = await session(args)
    const view = await open.ask<OfferView>('offers', {
      probe: !args.on('no-probe'),
      waitMs: args.durationMs('wait'),
      ...(where === undefined ? {} : { where }),
      ...railOf(args),
    })
    if (args.on('json')) {
      printJson(view)
      return EXIT.ok
    }
    const screen = screenOf(process.stdout, args.env)
    if (view.rows.length > 0) print(...offerLines(view.rows, screen))
    if (view.rows.length === 0 || view.failures.length > 0) note(explanation(view, screenOf(process.stderr, args.env)).join('\n'))
    else note(`${counted(view.rows.length, 'offer')} of ${view.seen} heard`)
    return EXIT.ok
  },
}
