// Completions offer what the tables have, in a real shell.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { haggle, temporary } from './testing/command.ts'
import { allVerbs, VERBS } from './verbs/mod.ts'

const place = temporary()
const script = join(place.folder, 'haggle.bash')
beforeAll(async () => writeFileSync(script, (await haggle(['completions', 'bash'])).stdout))
afterAll(() => place[Symbol.dispose]())

/** What bash offers for a line whose last word is being typed. */
function offered(...words: readonly string[]): string[] {
  const line = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _haggle; printf "%s\\n" "${COMPREPLY[@]}"'
  return execFileSync('bash', ['-c', line, script, ...words], { encoding: 'utf8' })
    .trim()
    .split('\n')
}

test('bash completes verbs, flags, choices and positionals', () => {
  expect(offered('haggle', 'ru')).toEqual(['run'])
  expect(offered('haggle', '').sort()).toEqual(Object.keys(VERBS).sort())
  expect(offered('haggle', 'run', '--max')).toEqual(['--max-price'])
  expect(offered('haggle', 'up', '--for', '')).toEqual(['anyone', 'friends'])
  expect(offered('haggle', 'config', 'un')).toEqual(['unset'])
})

test.each(['bash', 'zsh', 'fish'])('%s completions name every verb and every flag', async (shell) => {
  const text = (await haggle(['completions', shell])).stdout.toString()
  for (const verb of await allVerbs()) {
    expect(text).toContain(verb.name)
    for (const flag of verb.flags) expect(text).toContain(flag.name)
  }
})

test('every verb is filed under its name and its flags have one meaning', async () => {
  const kinds = new Map<string, string>()
  for (const [name, load] of Object.entries(VERBS)) {
    const { verb } = await load()
    expect(verb.name).toBe(name)
    for (const flag of verb.flags.filter(({ setting }) => setting)) {
      expect(kinds.get(flag.name) ?? flag.kind).toBe(flag.kind)
      kinds.set(flag.name, flag.kind)
    }
  }
})
