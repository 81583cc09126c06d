// haggle cancel: ends a job.

import { EXIT } from '../failure.ts'
import { shortContract } from '../format.ts'
import { note, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'cancel',
  summary: 'end a job; what it used is owed',
  positionals: [{ name: 'CONTRACT', help: "the job's contract, or its first digits (haggle ps)", kind: 'contract', repeat: true }],
  flags: [JSON_FLAG, ...NETWORK],
  examples: ['haggle cancel 3fa9c2'],
  async run(args) {
    await using open = await session(args)
    const cancelled: string[] = []
    for (const typed of args.positionals) {
      const { contract } = await open.ask<{ contract: string }>('cancel', { contract: typed })
      cancelled.push(contract)
      if (!args.on('json')) note(`cancelled ${shortContract(contract)}`)
    }
    if (args.on('json')) printJson({ cancelled })
    return EXIT.ok
  },
}
