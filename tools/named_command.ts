// What the named commands (`npm run bench`, `soak`, `sim:contract`, …) have in common: checked options, and one JSON object as the last line of stdout.

import { type ParseArgsConfig, parseArgs } from 'node:util'

/** An option of a command. `what` is a line of its help. */
export type Option = FlagOption | NumberOption | TextOption | ListOption

interface FlagOption {
  readonly kind: 'flag'
  readonly what: string
}

interface NumberOption {
  readonly kind: 'number'
  readonly what: string
  readonly default: number
  /** Both ends belong to the range. */
  readonly least: number
  readonly most: number
  readonly whole: boolean
}

interface TextOption {
  readonly kind: 'text'
  readonly what: string
  readonly default: string
  /** Empty: any text will do. */
  readonly choices: readonly string[]
}

interface ListOption {
  readonly kind: 'list'
  readonly what: string
  readonly choices: readonly string[]
}

export type Options = Readonly<Record<string, Option>>

type ValueOf<O extends Option> = O extends FlagOption
  ? boolean
  : O extends NumberOption
    ? number
    : O extends TextOption
      ? string
      : readonly string[]

/** The values of a command line, by option. */
export type Values<O extends Options> = { readonly [Name in keyof O]: ValueOf<O[Name]> }

/** What a command ends with: its figures. */
export interface CommandResult {
  readonly ok: boolean
}

/** How a command is called. */
export interface CommandLine<O extends Options> {
  /** As in `npm run NAME`. */
  readonly name: string
  /** What it does, in one sentence. */
  readonly what: string
  readonly options: O
}

/** A named command. */
export interface NamedCommand<O extends Options, R extends CommandResult> extends CommandLine<O> {
  /** Shows progress on stderr. What it throws is told, and is no success. */
  run(values: Values<O>): Promise<R> | R
}

/** A command line that doesn't fit. Its message is one sentence; `code` is `E_USAGE`. */
export class UsageError extends Error {
  readonly code = 'E_USAGE'
}

/** A switch. */
export function flag(what: string): FlagOption {
  return { kind: 'flag', what }
}

/** A whole number from `least` (default 1) to `most`. */
export function whole(what: string, preset: number, { least = 1, most = 1_000_000_000 } = {}): NumberOption {
  return { kind: 'number', what, default: preset, least, most, whole: true }
}

/** A number from `least` to `most`, with a fraction if need be. */
export function fraction(what: string, preset: number, { least, most }: { readonly least: number; readonly most: number }): NumberOption {
  return { kind: 'number', what, default: preset, least, most, whole: false }
}

/** With more choices than this, help doesn't name them; the error does. */
const SHOWN_CHOICES = 6

/** The seed of all chance: the same seed, the same run. */
export const SEED: NumberOption = whole('seed of all chance', 1, { least: 0, most: 0xffff_ffff })

/** A text, or one of `choices`. */
export function text(what: string, preset = '', choices: readonly string[] = []): TextOption {
  return { kind: 'text', what, default: preset, choices }
}

/** Texts, separated by commas or from repeating the option; each one of `choices` when there are any. */
export function list(what: string, choices: readonly string[] = []): ListOption {
  return { kind: 'list', what, choices }
}

/**
 * The values of a command line.
 *
 * @param args words after the name of the command
 * @throws UsageError for an option that there is not, a word that is no option, or a value that its option can't have
 */
export function optionsOf<O extends Options>(args: readonly string[], options: O): Values<O> {
  const given = parsed(args, options)
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, valueOf(name, option, given[name])])) as Values<O>
}

/** What `--help` prints. */
export function helpOf({ name, what, options }: CommandLine<Options>): string {
  const rows = Object.entries(options).map(([option, one]): [string, string] => [synopsis(option, one), `${one.what}${presetOf(one)}`])
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 3
  return [`npm run ${name} -- [options]: ${what}`, '', ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`), ''].join('\n')
}

/** The options of this process; or null when there is nothing to run: help was asked for, or the command line doesn't fit, which is told (exit code 2). */
export function optionsOfProcess<const O extends Options>(command: CommandLine<O>): Values<O> | null {
  const args = process.argv.slice(2)
  if (args.includes('--help')) {
    process.stdout.write(helpOf(command))
    return null
  }
  try {
    return optionsOf(args, command.options)
  } catch (error) {
    process.stderr.write(`${command.name}: ${messageOf(error)}\n\n${helpOf(command)}`)
    endWith({ ok: false, error: messageOf(error), code: codeOf(error) }, 2)
    return null
  }
}

/**
 * Runs a command as its process: reads its options, runs it, prints its result as the last line of stdout and sets the exit code: 0 when ok, 1 when not, 2 for a
 * command line that doesn't fit. Each command has `--json`: without it, a terminal shows the result spread over lines.
 */
export async function namedCommand<const O extends Options, R extends CommandResult>(command: NamedCommand<O, R>): Promise<void> {
  const json = flag('the result on one line, also on a terminal')
  const values = optionsOfProcess({ ...command, options: { ...command.options, json } })
  if (values === null) return
  try {
    const result = await command.run(values as unknown as Values<O>)
    endWith(result, result.ok ? 0 : 1)
  } catch (error) {
    // A usage that only the command itself can judge is told without the way to it.
    const isUsage = error instanceof UsageError
    process.stderr.write(`${command.name}: ${isUsage ? error.message : traceOf(error)}\n`)
    endWith({ ok: false, error: messageOf(error), code: codeOf(error) }, isUsage ? 2 : 1)
  }
}

function endWith(result: object, code: number): void {
  const isSpread = process.stdout.isTTY && !process.argv.includes('--json')
  process.stdout.write(`${JSON.stringify(result, undefined, isSpread ? 2 : undefined)}\n`)
  process.exitCode = code
}

function parsed(args: readonly string[], options: Options): Readonly<Record<string, unknown>> {
  const config: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { kind }] of Object.entries(options))
    config[name] = kind === 'flag' ? { type: 'boolean' } : { type: 'string', multiple: kind === 'list' }
  try {
    return parseArgs({ args: [...args], options: config }).values
  } catch (error) {
    // The rest of Node's message is advice for commands that take other words than options.
    throw new UsageError(messageOf(error).split(/\. |\n/)[0] ?? '')
  }
}

function valueOf(name: string, option: Option, given: unknown): unknown {
  const refuse = (why: string): never => {
    throw new UsageError(`--${name} ${why}, not ${JSON.stringify(given)}`)
  }
  switch (option.kind) {
    case 'flag':
      return given === true
    case 'number': {
      if (given === undefined) return option.default
      const value = /^-?\d+(\.\d+)?$/.test(String(given)) ? Number(given) : Number.NaN
      const fits = value >= option.least && value <= option.most && (!option.whole || Number.isSafeInteger(value))
      return fits ? value : refuse(`takes a ${option.whole ? 'whole ' : ''}number from ${option.least} to ${option.most}`)
    }
    case 'text': {
      const value = given === undefined ? option.default : String(given)
      return option.choices.length === 0 || option.choices.includes(value) ? value : refuse(`takes ${option.choices.join(', ')}`)
    }
    case 'list': {
      const values = (given === undefined ? [] : (given as readonly string[])).flatMap((one) => one.split(',')).filter(Boolean)
      const isKnown = (value: string): boolean => option.choices.length === 0 || option.choices.includes(value)
      return values.every(isKnown) ? values : refuse(`takes some of ${option.choices.join(', ')}`)
    }
  }
}

function synopsis(name: string, option: Option): string {
  if (option.kind === 'flag') return `--${name}`
  if (option.kind === 'number') return `--${name} N`
  const { choices } = option
  return `--${name} ${choices.length > 0 && choices.length <= SHOWN_CHOICES ? choices.join('|') : 'TEXT'}`
}

function presetOf(option: Option): string {
  if (option.kind === 'number' || (option.kind === 'text' && option.default !== '')) return ` (default ${option.default})`
  return ''
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const traceOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'E_UNEXPECTED'
}
