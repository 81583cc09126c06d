// haggle channel: deposits that vouchers are paid from.

import type { Args } from '../args.ts'
import { EXIT, usage } from '../failure.ts'
import { rateOf } from '../fiat.ts'
import { channelsPage } from '../money_page.ts'
import type { ChannelsView } from '../money_views.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

/** What each part takes behind its name. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  list: [],
  open: ['a provider (PeerId or 0x…)', 'an amount'],
  topup: ['a channel', 'an amount'],
  close: ['a channel'],
  withdraw: ['a channel'],
}

async function run(args: Args): Promise<number> {
  const [what = 'list', which, amount] = args.positionals
  const takes = TAKES[what] ?? []
  const given = Math.max(0, args.positionals.length - 1)
  if (given < takes.length) throw usage(`haggle channel ${what} needs ${takes[Math.max(0, given)] ?? ''}`, 'haggle channel --help')
  if (given > takes.length) throw usage(`haggle channel ${what} does not take "${args.positionals.at(-1) ?? ''}"`, 'haggle channel --help')
  await using open = await session(args)
  const view = await open.ask<ChannelsView>('channel', { do: what, which, amount, all: args.on('all') })
  if (args.on('json')) printJson(view)
  else print(...channelsPage(view, { screen: screenOf(process.stdout, args.env), rate: rateOf(args) }))
  return EXIT.ok
}

export const verb: Verb = {
  name: 'channel',
  summary: 'the deposits that jobs are paid from, and those that pay you',
  positionals: [
    {
      name: 'WHAT',
      help: 'list (the default), open, topup, close, or withdraw what is left of a closed one',
      optional: true,
      kind: 'choice',
      choices: Object.keys(TAKES),
    },
    { name: 'WHICH', help: 'for open: the provider, PeerId or 0x…; otherwise a channel, or its first digits', optional: true },
    { name: 'AMOUNT', help: 'for open and topup: how many tokens', optional: true },
  ],
  flags: [{ name: 'all', kind: 'switch', help: 'list closed channels too' }, JSON_FLAG, ...MONEY],
  notes: [
    'haggle run opens a channel when there is none: one for each provider and token, reused over many jobs. Closing takes as long as the provider has to claim; then withdraw brings the rest back.',
  ],
  examples: ['haggle channel', 'haggle channel open 12D3Koo… 5', 'haggle channel topup 0x3fa9 5', 'haggle channel close 0x3fa9'],
  run,
}
