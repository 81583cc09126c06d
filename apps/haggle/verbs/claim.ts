// haggle claim: takes what vouchers have earned.

import { EXIT } from '../failure.ts'
import { rateOf } from '../fiat.ts'
import { channelsPage, claimPage } from '../money_page.ts'
import type { ChannelsView, ClaimView } from '../money_views.ts'
import { note, print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'claim',
  summary: 'take what you have earned by vouchers',
  flags: [{ name: 'all', kind: 'switch', help: 'claim everything that is due' }, JSON_FLAG, ...MONEY],
  notes: [
    'The agent claims by itself: at --claim-at, when a channel closes, and at half the closing time when a renter tries to close on an old voucher. A claim burns 0.5 %, and it costs gas.',
    'Without --all it shows what could be claimed.',
  ],
  examples: ['haggle claim', 'haggle claim --all'],
  async run(args) {
    const show = { screen: screenOf(process.stdout, args.env), rate: rateOf(args) }
    await using open = await session(args)
    if (!args.on('all')) {
      const view = await open.ask<ChannelsView>('channel', { do: 'list', claimable: true })
      if (args.on('json')) printJson(view)
      else if (view.channels.length === 0) note('nothing to claim')
      else print(...channelsPage(view, show), 'haggle claim --all takes it')
      return EXIT.ok
    }
    const view = await open.ask<ClaimView>('claim')
    if (args.on('json')) printJson(view)
    else print(...claimPage(view, show.rate))
    return EXIT.ok
  },
}
