// Turns a command line into checked values by a verb's table; flags win over environment, file and default.

import { join, resolve as resolvePath } from 'node:path'
import { Failure, usage } from './failure.ts'
import { nearest } from './nearest.ts'
import { EVERYWHERE, type Flag, RANGES, rangeText, type Verb } from './table.ts'

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'file' | 'default'

/** What surrounds the command line. Given by main, so that tests can give another. */
export interface Outside {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The person's own folder, for `~`. */
  readonly userHome: string
  /** Reads the configuration file at a path; an empty object when there is none. Throws E_CONFIG_FILE. */
  load(path: string): Readonly<Record<string, unknown>>
}

/** Where settings come from, once the home is known. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Content of the home's config.json, or an empty object. */
  readonly file: Readonly<Record<string, unknown>>
  /** Its path, for messages. */
  readonly filePath: string
}

/** The values of one command line. Getters throw E_USAGE or E_CONFIG_VALUE for a value that does not fit its kind. */
export interface Args {
  readonly positionals: readonly string[]
  /** The command line after `--`, or undefined when there was none. */
  readonly command: readonly string[] | undefined
  /** Absolute path of the home. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Content and path of the configuration file. */
  readonly around: Surroundings
  /** True when the switch was given. */
  on(name: string): boolean
  text(name: string): string | undefined
  list(name: string): readonly string[]
  count(name: string): number | undefined
  durationMs(name: string): number | undefined
  origin(name: string): Origin
}

const MOST_PORT = 65_535
/** As an offer has it. */
const REGION = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `10m`, `1.5h` as milliseconds, or undefined when it is no duration. */
export function durationOf(text: string): number | undefined {
  const found = DURATION.exec(text)
  return found === null ? undefined : Math.round(Number(found[1]) * (DURATION_MS[found[2] ?? ''] ?? Number.NaN))
}

/** `127.0.0.1:9464`, `[::1]:9464`, or a port alone, which is one of this machine only; undefined when it is none of them. */
export function hostPortOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:(\[[0-9a-f:]+\]|[^:[\]\s]+):)?(\d{1,5})$/i.exec(text)
  const port = Number(found?.[2] ?? Number.NaN)
  return found === null || port > MOST_PORT ? undefined : { host: (found[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

/** What is wrong with a number that lies outside its flag's range. */
function outOfRange(flag: Flag, value: string, measure: (text: string) => number): string | undefined {
  const [least, most] = RANGES[flag.name] ?? []
  const found = measure(value)
  const fits = (least === undefined || found >= measure(least)) && (most === undefined || found <= measure(most))
  return fits ? undefined : `must be ${rangeText(flag.name)}`
}

/** What is wrong with a value, or undefined when it fits its flag. */
export function problemOf(flag: Flag, value: string): string | undefined {
  switch (flag.kind) {
    case 'amount':
      return /^\d{1,12}(\.\d{1,6})?$/.test(value)
        ? outOfRange(flag, value, Number)
        : 'must be an amount such as 0.25, with at most 6 decimals'
    case 'duration':
      return durationOf(value) === undefined
        ? 'must be a duration such as 90s, 10m or 2h'
        : outOfRange(flag, value, (text) => durationOf(text) ?? Number.NaN)
    case 'count':
      return /^\d{1,9}$/.test(value) ? outOfRange(flag, value, Number) : 'must be a whole number'
    case 'host-port':
      return hostPortOf(value) === undefined ? 'must be HOST:PORT such as 127.0.0.1:9464' : undefined
    case 'region':
      return REGION.test(value) ? undefined : 'must be an ISO 3166 code such as DE or US-CA'
    case 'choice':
      return flag.choices?.includes(value) ? undefined : `must be one of ${flag.choices?.join(', ')}`
    case 'address':
      return /^(\/[a-z0-9-]+\/.+|12D3Koo[1-9A-HJ-NP-Za-km-z]{44,46})$/.test(value)
        ? undefined
        : 'must be an address such as /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…, or a PeerId'
    case 'listen':
      return value === 'none' || value.startsWith('/') ? undefined : 'must be an address such as /ip4/0.0.0.0/tcp/4001, or none'
    case 'url':
      return /^https?:\/\/[^\s/?#]+\S*$/.test(value) ? undefined : 'must be an address such as http://127.0.0.1:8545'
    case 'account':
      return /^0x[0-9a-fA-F]{40}$/.test(value) ? undefined : 'must be an address such as 0x, then 40 hex digits'
    case 'rate':
      return /^\d{1,12}(\.\d{1,12})? [A-Z]{3}$/.test(value) ? undefined : 'must be a price and a currency such as "0.90 EUR"'
    case 'key':
      return /^12D3Koo[1-9A-HJ-NP-Za-km-z]{44,46}$/.test(value) ? undefined : 'must be a PeerId such as 12D3Koo…'
    case 'text':
    case 'file':
    case 'folder':
      return value === '' ? 'must not be empty' : undefined
    case 'switch':
      return value === 'true' || value === 'false' ? undefined : 'must be true or false'
  }
}

/** An absolute path; `~/` is the person's own folder. */
export function pathOf(typed: string, userHome: string): string {
  return resolvePath(typed === '~' ? userHome : typed.startsWith('~/') ? join(userHome, typed.slice(2)) : typed)
}

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `HAGGLE_${name.replaceAll('-', '_').toUpperCase()}`
}

interface Raw {
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
  readonly command: readonly string[] | undefined
}

/** True when a command line asks for JSON, also one that does not parse: a verb that takes a command has no say in its words. */
export function asksForJson(verb: Verb, argv: readonly string[]): boolean {
  const flags = [...EVERYWHERE, ...verb.flags]
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if (word === '--') return false
    if (word === '--json') return true
    if (!word.startsWith('-')) {
      if (verb.command) return false
      continue
    }
    const flag = flags.find(({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`))
    if (flag !== undefined && flag.kind !== 'switch') at++
  }
  return false
}

function split(verb: Verb, argv: readonly string[]): Raw {
  const flags = [...EVERYWHERE, ...verb.flags]
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if (word === '--')
      return verb.command
        ? { values, positionals, command: argv.slice(at + 1) }
        : { values, positionals: [...positionals, ...argv.slice(at + 1)], command: undefined }
    if (word === '-' || !word.startsWith('-')) {
      if (verb.command) return { values, positionals, command: argv.slice(at) }
      positionals.push(word)
      continue
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const typed = equals < 0 ? word : word.slice(0, equals)
    const flag = flags.find((known) => typed === `--${known.name}` || (known.short !== undefined && typed === `-${known.short}`))
    if (flag === undefined) {
      const guess = nearest(
        typed,
        flags.map((known) => `--${known.name}`),
      )
      throw usage(
        `Unknown flag ${typed} of haggle ${verb.name}`,
        guess === undefined ? `haggle ${verb.name} --help lists them` : `did you mean ${guess}?`,
      )
    }
    let value = equals < 0 ? undefined : word.slice(equals + 1)
    if (flag.kind === 'switch') {
      if (value !== undefined) throw usage(`--${flag.name} takes no value, got "${value}"`)
      value = 'true'
    } else if (value === undefined) {
      value = argv[++at]
      if (value === undefined || value === '--')
        throw usage(`--${flag.name} needs a value: ${flag.value ?? flag.choices?.join('|') ?? 'VALUE'}`, `haggle ${verb.name} --help`)
    }
    const before = values.get(flag.name)
    if (before !== undefined && !flag.repeat && flag.kind !== 'switch') throw usage(`--${flag.name} was given twice`)
    const problem = problemOf(flag, value)
    if (problem !== undefined) throw usage(`--${flag.name} ${problem}, is "${value}"`)
    if (before === undefined) values.set(flag.name, [value])
    else before.push(value)
  }
  return { values, positionals, command: undefined }
}

function fromFile(flag: Flag, around: Surroundings): readonly string[] | undefined {
  const found = around.file[flag.name]
  if (found === undefined || found === null) return undefined
  const list = Array.isArray(found) ? found : [found]
  return list.map((item: unknown) => {
    const value = typeof item === 'string' ? item : typeof item === 'number' || typeof item === 'boolean' ? String(item) : ''
    const problem = problemOf(flag, value)
    if (problem !== undefined)
      throw new Failure('E_CONFIG_VALUE', `"${flag.name}" in ${around.filePath} ${problem}, is ${JSON.stringify(item)}`, {
        next: `haggle config set ${flag.name} VALUE`,
      })
    return value
  })
}

function fromEnvironment(flag: Flag, around: Surroundings): readonly string[] | undefined {
  const variable = variableOf(flag.name)
  const found = around.env[variable]
  if (found === undefined || found === '') return undefined
  const list = flag.repeat ? found.split(/[\s,]+/).filter((part) => part !== '') : [found]
  for (const value of list) {
    const problem = problemOf(flag, value)
    if (problem !== undefined) throw new Failure('E_CONFIG_VALUE', `${variable} ${problem}, is "${value}"`)
  }
  return list
}

/** The values of a setting, and where they came from. */
export function resolve(
  flag: Flag,
  given: readonly string[] | undefined,
  around: Surroundings,
): { values: readonly string[]; origin: Origin } {
  if (given !== undefined) return { values: given, origin: 'flag' }
  if (flag.setting) {
    const environment = fromEnvironment(flag, around)
    if (environment !== undefined) return { values: environment, origin: 'environment' }
    const file = fromFile(flag, around)
    if (file !== undefined) return { values: file, origin: 'file' }
  }
  return { values: flag.fallback === undefined ? [] : [flag.fallback], origin: 'default' }
}

/** Checks `argv` (without the verb) against the verb's table. Throws E_USAGE with the nearest known flag. */
export function parse(verb: Verb, argv: readonly string[], outside: Outside): Args {
  const raw = split(verb, argv)
  const home = pathOf(raw.values.get('home')?.[0] ?? (outside.env['HAGGLE_HOME'] || '~/.haggle'), outside.userHome)
  const filePath = join(home, 'config.json')
  let file: Readonly<Record<string, unknown>> | undefined
  const around: Surroundings = {
    env: outside.env,
    filePath,
    get file() {
      return (file ??= outside.load(filePath))
    },
  }
  const asking = raw.values.has('help') || raw.values.has('version')
  const places = verb.positionals ?? []
  if (!asking) {
    const missing = places[raw.positionals.length]
    if (missing !== undefined && !missing.optional)
      throw usage(`haggle ${verb.name} needs ${missing.name}: ${missing.help}`, `haggle ${verb.name} --help`)
    const extra = raw.positionals[places.length]
    if (extra !== undefined && !places.at(-1)?.repeat)
      throw usage(`haggle ${verb.name} does not take "${extra}"`, `haggle ${verb.name} --help`)
    places.forEach((place, at) => {
      const value = raw.positionals[at]
      if (value === undefined || place.choices === undefined || place.choices.includes(value)) return
      const guess = nearest(value, place.choices)
      throw usage(
        `${place.name} must be one of ${place.choices.join(', ')}, is "${value}"`,
        guess === undefined ? undefined : `did you mean ${guess}?`,
      )
    })
  }
  const table = new Map([...EVERYWHERE, ...verb.flags].map((flag) => [flag.name, flag]))
  const known = (name: string): Flag => {
    const flag = table.get(name)
    if (flag === undefined) throw new TypeError(`haggle ${verb.name} has no flag --${name} in its table`)
    return flag
  }
  const found = (name: string): { values: readonly string[]; origin: Origin } => resolve(known(name), raw.values.get(name), around)
  const first = (name: string): string | undefined => found(name).values[0]
  return {
    positionals: raw.positionals,
    command: raw.command,
    home,
    env: outside.env,
    around,
    on: (name) => first(name) === 'true',
    text: first,
    list: (name) => found(name).values,
    count: (name) => (first(name) === undefined ? undefined : Number(first(name))),
    durationMs: (name) => durationOf(first(name) ?? ''),
    origin: (name) => found(name).origin,
  }
}
