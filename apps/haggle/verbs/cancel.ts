// haggle cancel: ends a job.

import { EXIT } from '../failure.ts'
import { shortContract } from '../format.ts'
import { endText, type JobEndView } from '../job_end.ts'
import { note, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'

/** What the agent answers: a job that was over is not cancelled, and this says how it had ended. */
interface Cancelled {
  readonly contract: string
  readonly ended: JobEndView | null
}

export const verb: Verb = {
  name: 'cancel',
  summary: 'end a job; what it used is owed',
  positionals: [{ name: 'CONTRACT', help: "the job's contract, or its first digits (haggle ps)", kind: 'contract', repeat: true }],
  flags: [JSON_FLAG, ...NETWORK],
  examples: ['haggle cancel 3fa9c2'],
  async run(args) {
    await using open = await session(args)
    const answers: Cancelled[] = []
    for (const typed of args.positionals) {
      const answer = await open.ask<Cancelled>('cancel', { contract: typed })
      answers.push(answer)
      const short = shortContract(answer.contract)
      if (!args.on('json')) note(answer.ended === null ? `cancelled ${short}` : `${short} had ended before: ${endText(answer.ended)}`)
    }
    if (args.on('json')) {
      printJson({
        cancelled: answers.filter(({ ended }) => ended === null).map(({ contract }) => contract),
        ended: answers.flatMap(({ contract, ended }) => (ended === null ? [] : [{ contract, ...ended }])),
      })
    }
    return EXIT.ok
  },
}
