// haggle logs: what a job printed, from its first byte.

import { session } from '../reach.ts'
import { NETWORK, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'logs',
  summary: 'show what a job printed',
  positionals: [{ name: 'CONTRACT', help: "the job's contract, or its first digits (haggle ps)", kind: 'contract' }],
  flags: [{ name: 'follow', short: 'f', kind: 'switch', help: 'stay and show what comes; Ctrl-C leaves the job running' }, ...NETWORK],
  examples: ['haggle logs 3fa9c2', 'haggle logs -f 3fa9c2'],
  async run(args) {
    await using open = await session(args)
    const { runJob } = await import('../run_job.ts')
    const follow = args.on('follow')
    await runJob(open, 'attach', {
      params: { contract: args.positionals[0], follow, logs: true },
      stdin: false,
      told: null,
      json: false,
      quiet: true,
      env: args.env,
    })
    return 0
  },
}
