// haggle up: earns with this machine.

import { takeAgentFlags } from '../agent_flags.ts'
import type { Args } from '../args.ts'
import type { BootMore } from '../boot.ts'
import { describe, EXIT } from '../failure.ts'
import { note } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, NETWORK, RAIL, type Verb } from '../table.ts'

/** A well-known port makes the printed address live longer than the process; when it is taken, any other will do. */
const LISTEN = '/ip4/0.0.0.0/tcp/4001'

/** What is listened on when nothing was said and the well-known port is taken. */
const LISTEN_ELSEWHERE = '/ip4/0.0.0.0/tcp/0'

async function run(args: Args): Promise<number> {
  if (args.on('foreground')) takeAgentFlags()
  const listen = args.list('listen')
  if (listen.length > 0) return await upOn(args, { listen: listen.filter((address) => address !== 'none') })
  try {
    return await upOn(args, { listen: [LISTEN], listenAnywhere: true })
  } catch (error) {
    if (describe(error).code !== 'E_PORT_TAKEN') throw error
    return await upOn(args, { listen: [LISTEN_ELSEWHERE], listenAnywhere: true })
  }
}

async function upOn(args: Args, where: BootMore): Promise<number> {
  await using open = await session(args, { ...where, http: args.text('http') ?? null, provide: true })
  const { provideWith } = await import('../provide.ts')
  await provideWith(open, args)
  if (open.agent === undefined) return EXIT.ok
  const { onSignals } = await import('../agent/signals.ts')
  onSignals(open.agent, (_, event) => {
    if (event === 'signal') note('\nhaggle: leaving; jobs that run here end first (a second signal does not wait)')
  })
  await open.agent.gone
  return EXIT.ok
}

export const verb: Verb = {
  name: 'up',
  summary: 'earn with this machine: offer it until haggle down',
  flags: [
    { name: 'price', kind: 'amount', value: 'P', help: 'price per hour of one slot; suggested when not given', setting: true },
    RAIL,
    {
      name: 'also',
      kind: 'text',
      value: 'RAIL=P',
      repeat: true,
      help: 'take this too, at P an hour: free=0.004 beside a token, or the other way round',
      setting: true,
    },
    { name: 'slots', kind: 'count', value: 'N', help: 'jobs at a time; one per GPU, or 1, when not given', setting: true },
    { name: 'for', kind: 'choice', choices: ['anyone', 'friends'], help: 'whom to serve', setting: true },
    { name: 'allow', kind: 'key', value: 'PEERID', repeat: true, help: 'a friend', setting: true },
    { name: 'max-job', kind: 'duration', value: 'T', help: 'longest job', fallback: '10m', setting: true },
    { name: 'region', kind: 'region', value: 'CC', help: 'where this is, such as DE or US-CA', setting: true },
    { name: 'accept', kind: 'text', value: 'EXPR', help: 'what a renter must have', setting: true },
    { name: 'accept-weak-isolation', kind: 'switch', help: 'serve strangers even where bubblewrap is missing', setting: true },
    { name: 'sla-price', kind: 'amount', value: 'P', help: 'sell a service level: what a missed slot counts for', setting: true },
    { name: 'sla-fee', kind: 'amount', value: 'P', help: 'what opening and closing its case costs the renter', setting: true },
    { name: 'sla-slot', kind: 'duration', value: 'T', help: 'length of a slot', fallback: '1m', setting: true },
    {
      name: 'sla-times',
      kind: 'count',
      value: 'N',
      help: 'times that you lose for a missed slot; 10 when not given',
      setting: true,
    },
    { name: 'sla-rule', kind: 'choice', choices: ['1', '2'], help: '1: seven witnesses, 2: four', fallback: '1', setting: true },
    {
      name: 'listen',
      kind: 'listen',
      value: 'ADDR',
      repeat: true,
      help: `where to listen, or none: reached via a relay (default ${LISTEN}, or any free port)`,
      setting: true,
    },
    { name: 'http', kind: 'host-port', value: 'HOST:PORT', help: 'serve /healthz, /readyz and /metrics there too', setting: true },
    JSON_FLAG,
    ...NETWORK,
  ],
  notes: [
    'You earn credits, not money, unless --rail names a token of your chain: see haggle help wallet. Strangers get one job at a time and ten minutes at most. On a terminal it asks at most three questions; elsewhere none.',
  ],
  examples: [
    'haggle up',
    'haggle up --price 0.30 --for anyone',
    'haggle up --rail TEST --price 0.40 --also free=0.30',
    'haggle up --for friends --allow 12D3Koo…',
    'haggle up --foreground --http 127.0.0.1:9464',
  ],
  run,
}
