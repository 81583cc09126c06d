// The command's entry: finds the verb, parses by its table, runs it, and turns whatever goes wrong into one line and an exit code.

import { type Args, asksForJson, type Outside, parse } from './args.ts'
import { describe, EXIT, exitCodeOf, usage } from './failure.ts'
import { loadConfig } from './home.ts'
import type { Verb } from './table.ts'
import { VERBS } from './verbs/mod.ts'

/** Flags that may stand before the verb; they are moved behind it. */
const BEFORE_VERB = /^--(home|json)(=|$)/

/** The command line with its verb first. */
function verbFirst(argv: readonly string[]): readonly string[] {
  const before: string[] = []
  let at = 0
  while (at < argv.length && BEFORE_VERB.test(argv[at] ?? '')) {
    const word = argv[at++] as string
    before.push(word)
    if (word === '--home' && at < argv.length) before.push(argv[at++] as string)
  }
  const [verb, ...rest] = argv.slice(at)
  return verb === undefined ? before : [verb, ...before, ...rest]
}

/** What was found out of a command line by the time it failed. */
export interface Typed {
  verb?: Verb
  /** The command line behind the verb. */
  rest?: readonly string[]
  args?: Args
}

async function dispatch(argv: readonly string[], outside: Outside, typed: Typed): Promise<number> {
  const [name, ...rest] = verbFirst(argv)
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const { printHelp } = await import('./help.ts')
    return await printHelp(name === 'help' ? rest[0] : undefined, name === undefined)
  }
  if (name === '--version' || name === '-V') return await printVersion()
  const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (load === undefined) {
    const { nearest } = await import('./nearest.ts')
    const guess = nearest(name, Object.keys(VERBS))
    throw usage(
      name.startsWith('-') ? `Unknown flag ${name}` : `haggle has no verb "${name}"`,
      guess === undefined ? 'haggle --help lists what it can do' : `did you mean haggle ${guess}?`,
    )
  }
  const { verb } = await load()
  Object.assign(typed, { verb, rest })
  const args = parse(verb, rest, outside)
  typed.args = args
  if (args.on('help')) return await (await import('./help.ts')).printHelp(name, false)
  if (args.on('version')) return await printVersion()
  return await verb.run(args)
}

async function printVersion(): Promise<number> {
  const { VERSION } = await import('./version.ts')
  process.stdout.write(`haggle ${VERSION}\n`)
  return EXIT.ok
}

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  let code: number
  const typed: Typed = {}
  const outside = { env: process.env, userHome: process.getBuiltinModule('node:os').homedir(), load: loadConfig }
  try {
    code = await dispatch(argv, outside, typed)
  } catch (error) {
    const { complain, withOrigin } = await import('./complain.ts')
    const { verb, rest = [], args } = typed
    complain(verb !== undefined && args !== undefined ? withOrigin(error, verb, args) : error, {
      json: verb === undefined ? argv.includes('--json') : asksForJson(verb, rest),
    })
    code = exitCodeOf(describe(error).code)
  }
  process.exit(code)
}
