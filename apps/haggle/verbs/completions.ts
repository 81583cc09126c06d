// haggle completions: what the shell may offer, made from the verbs' tables.

import { EXIT } from '../failure.ts'
import { print } from '../out.ts'
import { EVERYWHERE, type Flag, type Verb } from '../table.ts'

const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** How a flag's value is completed: files, folders, a choice, or nothing. */
function valueOf(flag: Flag): 'file' | 'folder' | readonly string[] | undefined {
  if (flag.kind === 'file' || flag.kind === 'folder') return flag.kind
  return flag.choices
}

function bash(verbs: readonly Verb[]): string[] {
  const flagsOf = (verb: Verb): readonly Flag[] => [...verb.flags, ...EVERYWHERE]
  return [
    '_haggle() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} at',
    '  for ((at = 1; at < COMP_CWORD; at++)); do [[ ${COMP_WORDS[at]} == -- ]] && { COMPREPLY=($(compgen -c -- "$word")); return; }; done',
    `  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W ${shellQuote(verbs.map((verb) => verb.name).join(' '))} -- "$word")); return; fi`,
    '  case $verb:$before in',
    ...verbs.flatMap((verb) =>
      flagsOf(verb).flatMap((flag) => {
        const value = valueOf(flag)
        if (value === undefined) return []
        const how = value === 'file' ? '-f' : value === 'folder' ? '-d' : `-W ${shellQuote(value.join(' '))}`
        return [`    ${verb.name}:--${flag.name}) COMPREPLY=($(compgen ${how} -- "$word")); return ;;`]
      }),
    ),
    '  esac',
    '  case $verb in',
    ...verbs.map((verb) => {
      const words = [...flagsOf(verb).map((flag) => `--${flag.name}`), ...(verb.positionals ?? []).flatMap((place) => place.choices ?? [])]
      const files = (verb.positionals ?? []).some((place) => place.kind === 'file') ? ' $(compgen -f -- "$word")' : ''
      return `    ${verb.name}) COMPREPLY=($(compgen -W ${shellQuote(words.join(' '))} -- "$word")${files}) ;;`
    }),
    '  esac',
    '}',
    'complete -F _haggle haggle',
  ]
}

function zsh(verbs: readonly Verb[]): string[] {
  const text = (words: string): string => words.replace(/[[\]:\\]/g, (found) => `\\${found}`)
  const flag = (one: Flag): string => {
    const value = valueOf(one)
    const action =
      one.kind === 'switch'
        ? ''
        : `:${text(one.value ?? 'value')}:${value === 'file' ? '_files' : value === 'folder' ? '_files -/' : value === undefined ? '' : `(${value.join(' ')})`}`
    return `      ${shellQuote(`${one.repeat ? '*' : ''}--${one.name}[${text(one.help)}]${action}`)} \\`
  }
  const place = (verb: Verb): string[] =>
    verb.command
      ? ["      '*:: :_normal'"]
      : [
          ...(verb.positionals ?? []).map(
            (one) =>
              `      ${shellQuote(`${one.repeat ? '*' : ''}:${text(one.name)}:${one.kind === 'file' ? '_files' : one.choices === undefined ? '' : `(${one.choices.join(' ')})`}`)} \\`,
          ),
          '      && return',
        ]
  return [
    '#compdef haggle',
    '_haggle() {',
    '  local -a verbs',
    `  verbs=(${verbs.map((verb) => shellQuote(`${verb.name}:${text(verb.summary)}`)).join(' ')})`,
    "  if ((CURRENT == 2)); then _describe 'verb' verbs; return; fi",
    '  local verb=$words[2]',
    '  shift words; ((CURRENT--))',
    '  case $verb in',
    ...verbs.flatMap((verb) => [
      `    ${verb.name}) _arguments -S \\`,
      ...[...verb.flags, ...EVERYWHERE].map(flag),
      ...place(verb),
      '      ;;',
    ]),
    '  esac',
    '}',
    'compdef _haggle haggle',
  ]
}

function fish(verbs: readonly Verb[]): string[] {
  const bare = '__fish_use_subcommand'
  return [
    'complete -c haggle -f',
    ...verbs.map((verb) => `complete -c haggle -n ${bare} -a ${verb.name} -d ${shellQuote(verb.summary)}`),
    ...verbs.flatMap((verb) => {
      const seen = shellQuote(`__fish_seen_subcommand_from ${verb.name}`)
      const words = (verb.positionals ?? []).flatMap((place) => place.choices ?? [])
      const files = (verb.positionals ?? []).some((place) => place.kind === 'file')
      return [
        ...[...verb.flags, ...EVERYWHERE].map((flag) => {
          const value = valueOf(flag)
          const needs =
            flag.kind === 'switch'
              ? ''
              : value === 'file' || value === 'folder'
                ? ' -r -F'
                : value === undefined
                  ? ' -x'
                  : ` -x -a ${shellQuote(value.join(' '))}`
          return `complete -c haggle -n ${seen} -l ${flag.name}${flag.short === undefined ? '' : ` -s ${flag.short}`}${needs} -d ${shellQuote(flag.help)}`
        }),
        ...(words.length > 0 ? [`complete -c haggle -n ${seen} -a ${shellQuote(words.join(' '))}`] : []),
        ...(files ? [`complete -c haggle -n ${seen} -F`] : []),
      ]
    }),
  ]
}

const SHELLS: Readonly<Record<string, (verbs: readonly Verb[]) => string[]>> = { bash, zsh, fish }

export const verb: Verb = {
  name: 'completions',
  summary: 'print completions for your shell',
  positionals: [{ name: 'SHELL', help: 'bash, zsh or fish', kind: 'choice', choices: ['bash', 'zsh', 'fish'] }],
  flags: [],
  examples: [
    'source <(haggle completions bash)',
    'haggle completions zsh > ~/.zfunc/_haggle',
    'haggle completions fish > ~/.config/fish/completions/haggle.fish',
  ],
  async run(args) {
    const { allVerbs } = await import('./mod.ts')
    print(...(SHELLS[args.positionals[0] ?? 'bash'] ?? bash)(await allVerbs()))
    return EXIT.ok
  },
}
