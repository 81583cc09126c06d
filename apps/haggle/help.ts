// Help, made from the verbs' tables.

import { EXIT, usage } from './failure.ts'
import { nearest } from './nearest.ts'
import { EVERYWHERE, type Flag, rangeText, type Verb } from './table.ts'
import { pad, painter, type Paint, type Screen, screenOf } from './term.ts'
import { VERSION } from './version.ts'
import { allVerbs, VERBS } from './verbs/mod.ts'

/** How a flag is typed: `-e, --env K`. */
export function flagText(flag: Flag): string {
  const value = flag.kind === 'switch' ? '' : ` ${flag.choices === undefined ? (flag.value ?? 'VALUE') : flag.choices.join('|')}`
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${flag.name}${value}`
}

/** The one line that shows how a verb is typed. */
export function usageLine(verb: Verb): string {
  const places = (verb.positionals ?? []).map((place) => {
    const name = `${place.name}${place.repeat ? '…' : ''}`
    return place.optional ? `[${name}]` : name
  })
  return ['haggle', verb.name, '[flags]', ...places, ...(verb.command ? ['[-- command…]'] : [])].join(' ')
}

function flagLines(flags: readonly Flag[], paint: Paint): string[] {
  const width = Math.max(...flags.map((flag) => flagText(flag).length))
  return flags.map((flag) => {
    const notes = [
      rangeText(flag.name) ?? '',
      flag.fallback === undefined ? '' : `default ${flag.fallback}`,
      flag.repeat ? 'may be repeated' : '',
      flag.setting ? 'setting' : '',
    ].filter((note) => note !== '')
    return `  ${pad(flagText(flag), width)}  ${flag.help}${notes.length === 0 ? '' : paint('dim', `  (${notes.join(', ')})`)}`
  })
}

/** Text in lines of at most `width` columns, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Verbs whose help tells of further flags that this one takes. */
function elsewhere({ flags }: Verb): readonly string[] {
  return [...new Set(flags.flatMap(({ aside }) => aside ?? []))]
}

/** The help page of one verb. */
export function verbHelp(verb: Verb, screen: Screen): string[] {
  const paint = painter(screen)
  const places = verb.positionals ?? []
  const width = Math.max(0, ...places.map((place) => place.name.length))
  return [
    verb.summary,
    '',
    `${paint('bold', 'usage')}   ${usageLine(verb)}`,
    ...(verb.notes === undefined ? [] : ['', ...verb.notes.flatMap((note) => wrap(note, Math.min(screen.columns, 100)))]),
    ...(places.length === 0 ? [] : ['', ...places.map((place) => `  ${pad(place.name, width)}  ${place.help}`)]),
    '',
    paint('bold', 'flags'),
    ...flagLines([...verb.flags.filter(({ aside }) => aside === undefined), ...EVERYWHERE], paint),
    ...elsewhere(verb).map((name) => paint('dim', `  and more settings: haggle help ${name}`)),
    ...(verb.examples === undefined ? [] : ['', paint('bold', 'examples'), ...verb.examples.map((example) => `  ${example}`)]),
  ]
}

/** The page of the whole command. */
export function mainHelp(verbs: readonly Verb[], paint: Paint): string[] {
  const width = Math.max(...verbs.map((verb) => verb.name.length))
  return [
    `haggle ${VERSION}: rent a stranger's machine, or earn with yours`,
    '',
    ...verbs.map((verb) => `  ${paint('bold', pad(verb.name, width))}  ${verb.summary}`),
    '',
    'haggle VERB --help tells more.',
    'Settings: flags, then HAGGLE_… variables, then the file (haggle config), then defaults.',
    'Exit codes: the job’s own; 2 usage, 3 configuration, 4 nothing fits, 6 network,',
    '  124 timeout, 125 provider lost, 130 cancelled.',
  ]
}

/** Prints help and resolves with the exit code: 2 when nothing was typed at all. */
export async function printHelp(name: string | undefined, bare: boolean): Promise<number> {
  const stream = bare ? process.stderr : process.stdout
  const screen = screenOf(stream, process.env)
  let lines: string[]
  if (name === undefined) lines = mainHelp(await allVerbs(), painter(screen))
  else {
    const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
    if (load === undefined) {
      const guess = nearest(name, Object.keys(VERBS))
      throw usage(`haggle has no verb "${name}"`, guess === undefined ? 'haggle --help' : `did you mean haggle help ${guess}?`)
    }
    lines = verbHelp((await load()).verb, screen)
  }
  stream.write(`${lines.join('\n')}\n`)
  return bare ? EXIT.usage : EXIT.ok
}
