// haggle status: the node, what it earns, what it runs, and why it was not asked more.

import { EXIT } from '../failure.ts'
import { printJson, print } from '../out.ts'
import { session } from '../reach.ts'
import { type StatusSnapshot, statusPage } from '../status_page.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'status',
  summary: 'show this node: reach, earnings, jobs, and why requests were refused',
  flags: [JSON_FLAG, ...NETWORK],
  async run(args) {
    await using open = await session(args)
    const snapshot = await open.ask<StatusSnapshot>('status')
    if (args.on('json')) printJson(snapshot)
    else print(...statusPage(snapshot, screenOf(process.stdout, args.env)))
    return EXIT.ok
  },
}
