// haggle doctor: what works here, what does not, and the command that mends it.

import { EXIT } from '../failure.ts'
import { print, printJson } from '../out.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'
import { pad, painter, screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'doctor',
  summary: 'check this machine and say how to mend what is wrong',
  flags: [{ name: 'no-agent', kind: 'switch', help: 'do not start the agent to see whether it works' }, JSON_FLAG, ...NETWORK],
  notes: ['Exit 0 when nothing that haggle needs is missing; lines with ! are worth knowing and no fault.'],
  async run(args) {
    const { examine } = await import('../doctor_checks.ts')
    const screen = screenOf(process.stdout, args.env)
    const paint = painter(screen)
    const marks = { ok: paint('good', '✓'), weak: paint('warn', '!'), bad: paint('bad', '✗') }
    const findings = []
    for await (const finding of examine(args)) {
      findings.push(finding)
      if (!args.on('json'))
        print(
          `  ${marks[finding.state]} ${pad(finding.name, 10)} ${finding.detail}${finding.fix === undefined ? '' : `   → ${finding.fix}`}`,
        )
    }
    const ok = findings.every((finding) => finding.state !== 'bad')
    if (args.on('json')) printJson({ ok, checks: findings })
    return ok ? EXIT.ok : EXIT.failed
  },
}
