// haggle ps: the jobs of this node, its own and others'.

import type { JobSummary } from '@haggle/market'
import { EXIT } from '../failure.ts'
import { amount, duration, shortContract, shortPeer } from '../format.ts'
import { exitText, isOver } from '../job_end.ts'
import { note, print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'
import { safe, screenOf, table } from '../term.ts'

export const verb: Verb = {
  name: 'ps',
  summary: 'list jobs: those you rent and those you run for others',
  flags: [{ name: 'all', short: 'a', kind: 'switch', help: 'ended ones too' }, JSON_FLAG, ...NETWORK],
  examples: ['haggle ps', 'haggle ps --all --json'],
  async run(args) {
    await using open = await session(args)
    const { jobs } = await open.ask<{ jobs: readonly JobSummary[] }>('jobs')
    const shown = args.on('all') ? jobs : jobs.filter((job) => !isOver(job))
    if (args.on('json')) {
      printJson({ jobs: shown })
      return EXIT.ok
    }
    if (shown.length === 0) {
      note(jobs.length === 0 ? 'no jobs' : `no open jobs; haggle ps --all shows ${jobs.length} ended`)
      return EXIT.ok
    }
    const levels = shown.some(({ sla }) => sla !== null)
    const rows = shown.map((job) => [
      shortContract(job.contract),
      job.role,
      shortPeer(job.peer),
      safe(job.phase, 20),
      exitText(job.exit),
      job.startedAt === null ? '-' : `${duration(Math.max(0, Date.now() - job.startedAt))} ago`,
      duration(job.usedMs),
      amount(job.owed),
      ...(levels ? [job.sla === null ? '-' : shortContract(job.sla)] : []),
      safe(job.command, 50),
    ])
    print(
      ...table(
        [
          { head: 'contract' },
          { head: 'role' },
          { head: 'peer' },
          { head: 'phase' },
          { head: 'exit' },
          { head: 'started' },
          { head: 'used', right: true },
          { head: 'owed', right: true },
          ...(levels ? [{ head: 'level' }] : []),
          { head: 'job' },
        ],
        rows,
        screenOf(process.stdout, args.env),
      ),
    )
    return EXIT.ok
  },
}
