// haggle down: ends the home's agent.

import { pathsOf } from '../home.ts'
import { stopAgent } from '../client.ts'
import { EXIT } from '../failure.ts'
import { counted } from '../format.ts'
import { note, printJson } from '../out.ts'
import { JSON_FLAG, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'down',
  summary: 'end the agent: offers are withdrawn at once',
  flags: [
    { name: 'drain', kind: 'switch', help: 'wait until the jobs of others are over' },
    { name: 'now', kind: 'switch', help: 'do not wait for the jobs of others: they end unpaid' },
    JSON_FLAG,
  ],
  notes: ['Jobs that you rent elsewhere go on until their idle limit (60 s without you).'],
  async run(args) {
    if (args.on('drain') && !args.on('json')) note('waiting for the jobs of others to end')
    const answer = await stopAgent(pathsOf(args.home), { drain: args.on('drain'), now: args.on('now') })
    if (args.on('json')) printJson({ stopped: answer !== undefined, ...answer })
    else if (answer === undefined) note('no agent was running')
    else {
      const renting = Number(answer['renting'] ?? 0)
      note(`agent ended${renting > 0 ? `; ${counted(renting, 'rented job')} went on without you: haggle ps` : ''}`)
    }
    return EXIT.ok
  },
}
