// haggle attach: back to a job that was left running, with all its output.

import { session } from '../reach.ts'
import { NETWORK, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'attach',
  summary: 'come back to a running job: its output from the start, your stdin, its exit code',
  positionals: [{ name: 'CONTRACT', help: "the job's contract, or its first digits (haggle ps)", kind: 'contract' }],
  flags: [{ name: 'no-stdin', short: 'n', kind: 'switch', help: 'do not pass stdin on' }, ...NETWORK],
  notes: ['Ctrl-C leaves the job running again on a terminal; a second one within 5 s cancels it.'],
  examples: ['haggle attach 3fa9c2'],
  async run(args) {
    await using open = await session(args)
    const { runJob } = await import('../run_job.ts')
    return await runJob(open, 'attach', {
      params: { contract: args.positionals[0] },
      stdin: !args.on('no-stdin'),
      told: null,
      json: false,
      quiet: false,
      env: args.env,
    })
  },
}
