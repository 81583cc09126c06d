// haggle run: a job on someone else's machine, as if it ran here.

import type { Args } from '../args.ts'
import { usage } from '../failure.ts'
import { session } from '../reach.ts'
import { DEMAND, JOB, requestOf, writableFolder } from '../run_flags.ts'
import { NETWORK, type Verb } from '../table.ts'

async function run(args: Args): Promise<number> {
  const request = requestOf(args, { job: true })
  if (args.on('json') && !args.on('dry-run') && !args.on('detach'))
    throw usage("--json goes with --dry-run or --detach: otherwise stdout is the job's")
  const out = args.text('out')
  const results = out === undefined ? null : writableFolder('--out', out)
  await using open = await session(args)
  if (args.on('dry-run')) return await (await import('../quote_page.ts')).showQuote(open, request, args)
  const { runJob } = await import('../run_job.ts')
  return await runJob(open, 'run', {
    params: { request, out: results, detach: args.on('detach'), waitMs: args.durationMs('wait') },
    stdin: !args.on('no-stdin') && !args.on('detach'),
    told: open.reach.paths.told,
    json: args.on('json'),
    quiet: args.on('quiet'),
    env: args.env,
  })
}

export const verb: Verb = {
  name: 'run',
  summary: "run a job on someone else's machine",
  flags: [
    ...DEMAND,
    ...JOB,
    { name: 'dry-run', kind: 'switch', help: 'show offers, price and cap; spend nothing' },
    { name: 'detach', short: 'd', kind: 'switch', help: 'leave once the job has started; its contract id is printed' },
    { name: 'no-stdin', short: 'n', kind: 'switch', help: 'do not pass stdin on' },
    { name: 'quiet', short: 'q', kind: 'switch', help: 'say nothing but errors' },
    { name: 'json', kind: 'switch', help: 'with --dry-run or --detach: print JSON on stdout' },
    ...NETWORK,
  ],
  command: true,
  notes: [
    "stdin, stdout and stderr are the job's, and so is the exit code. On a terminal the first Ctrl-C leaves the job running and says what that costs, a second one within 5 s cancels it; elsewhere the first cancels.",
    'The provider can read your job and its files.',
  ],
  examples: [
    'haggle run -- uname -a',
    "haggle run --where 'gpu.vram>=24GiB price.hour<=0.40' --deno train.ts",
    'haggle run --in data --out results --budget 0.05 --timeout 30m -- sh work.sh',
    'haggle run --peer /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo… -- echo hello',
  ],
  run,
}
