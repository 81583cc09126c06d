// haggle quote: what a job would cost.

import { session } from '../reach.ts'
import { DEMAND, requestOf } from '../run_flags.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'quote',
  summary: 'ask what a job would cost; spends nothing',
  flags: [...DEMAND, JSON_FLAG, ...NETWORK],
  command: true,
  notes: ['Without --deno or a command it asks for a machine that runs commands.'],
  examples: ["haggle quote --where 'gpu.vram>=24GiB' --timeout 1h", 'haggle quote --deno main.ts --json'],
  async run(args) {
    const asked = requestOf(args, { job: false })
    const request = asked.deno === undefined && asked.command === undefined ? { ...asked, command: ['true'] } : asked
    await using open = await session(args)
    const { showQuote } = await import('../quote_page.ts')
    return await showQuote(open, request, args)
  },
}
