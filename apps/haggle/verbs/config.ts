// haggle config: the settings of a home, and where each value comes from.

import { problemOf, resolve, variableOf } from '../args.ts'
import { reloadAgent } from '../client.ts'
import { EXIT, usage } from '../failure.ts'
import { openHome } from '../home.ts'
import { nearest } from '../nearest.ts'
import { note, print, printJson } from '../out.ts'
import { EVERYWHERE, type Flag, JSON_FLAG, type Verb } from '../table.ts'
import { painter, screenOf, table } from '../term.ts'

/** Every setting that some verb takes, by name. `home` is where the file lies and can't be in it. */
export async function settings(): Promise<ReadonlyMap<string, Flag>> {
  const { allVerbs } = await import('./mod.ts')
  const flags = [...EVERYWHERE, ...(await allVerbs()).flatMap((verb) => verb.flags)].filter((flag) => flag.setting && flag.name !== 'home')
  return new Map(flags.map((flag) => [flag.name, flag]))
}

function known(all: ReadonlyMap<string, Flag>, name: string): Flag {
  const flag = all.get(name)
  if (flag !== undefined) return flag
  const guess = nearest(name, [...all.keys()])
  throw usage(`There is no setting "${name}"`, guess === undefined ? 'haggle config list' : `did you mean ${guess}?`)
}

/** What can't be read is not kept: it would stop every later command that looks at it. Throws `E_EXPR…`. */
async function checkExpression(name: string, value: string): Promise<void> {
  if (name !== 'where' && name !== 'accept') return
  const { parse, parseQuery } = await import('@haggle/offer')
  if (name === 'where') parseQuery(value)
  else parse(value, { over: 'renter' })
}

export const verb: Verb = {
  name: 'config',
  summary: 'show and change settings, and where each value comes from',
  positionals: [
    {
      name: 'WHAT',
      help: 'list (the default), get, set, unset or path',
      optional: true,
      kind: 'choice',
      choices: ['list', 'get', 'set', 'unset', 'path'],
    },
    { name: 'NAME', help: 'a setting', optional: true },
    { name: 'VALUE', help: 'its value; several for a list', optional: true, repeat: true },
  ],
  flags: [JSON_FLAG],
  notes: [
    'Flags win over HAGGLE_… variables, these over the file, the file over defaults. A running agent takes a new price over at once.',
  ],
  examples: ['haggle config', 'haggle config set bootstrap /dns4/relay.example/tcp/4001/p2p/12D3Koo…', 'haggle config get price'],
  async run(args) {
    const [what = 'list', name, ...given] = args.positionals
    const all = await settings()
    if (what === 'path') {
      if (args.on('json')) printJson({ file: args.around.filePath })
      else print(args.around.filePath)
      return EXIT.ok
    }
    if (what === 'list') {
      const rows = [...all.values()]
        .map((flag) => ({ name: flag.name, ...resolve(flag, undefined, args.around), variable: variableOf(flag.name) }))
        .sort((a, b) => a.name.localeCompare(b.name))
      if (args.on('json'))
        printJson({
          file: args.around.filePath,
          settings: rows.map((row) => ({ name: row.name, values: row.values, origin: row.origin, variable: row.variable })),
        })
      else {
        const screen = screenOf(process.stdout, args.env)
        const paint = painter(screen)
        const cells = rows.map((row) => [
          row.name,
          row.values.join(' ') || paint('dim', '(none)'),
          row.origin === 'default' ? paint('dim', 'default') : row.origin,
          paint('dim', row.variable),
        ])
        print(...table([{ head: 'setting' }, { head: 'value' }, { head: 'from' }, { head: 'variable' }], cells, screen))
      }
      return EXIT.ok
    }
    if (name === undefined) throw usage(`haggle config ${what} needs the name of a setting`, 'haggle config list')
    const flag = known(all, name)
    if (what === 'get') {
      const { values, origin } = resolve(flag, undefined, args.around)
      if (args.on('json')) printJson({ name, values, origin })
      else print(...values)
      return values.length > 0 ? EXIT.ok : EXIT.failed
    }
    if (what === 'set' && given.length === 0) throw usage(`haggle config set ${name} needs a value`)
    if (given.length > 1 && !flag.repeat) throw usage(`${name} takes one value, got ${given.length}`)
    for (const value of given) {
      const problem = problemOf(flag, value)
      if (problem !== undefined) throw usage(`${name} ${problem}, is "${value}"`)
      if (what === 'set') await checkExpression(name, value)
    }
    const paths = openHome(args.home)
    const { keepSettings } = await import('../settings_file.ts')
    keepSettings(paths.config, {
      [name]: what === 'unset' ? undefined : flag.kind === 'switch' ? given[0] === 'true' : flag.repeat ? given : given[0],
    })
    if (args.on('json')) printJson({ name, values: given, origin: what === 'unset' ? 'default' : 'file' })
    const took = await reloadAgent(paths)
    if (took && !args.on('json'))
      note('the running agent was told; what it joined the network with changes at its next start (haggle down)')
    return EXIT.ok
  },
}
