// A secret is typed, never shown.

import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { askSecret } from './ask_secret.ts'
import { describe as describeError } from './failure.ts'

/** A terminal that types `keys` once it is read. */
function terminal(...keys: readonly string[]): { shown: string[]; raw: boolean[]; ask: (question: string) => Promise<string> } {
  const shown: string[] = []
  const raw: boolean[] = []
  const input = Object.assign(new EventEmitter(), {
    setRawMode: (on: boolean) => raw.push(on),
    setEncoding: () => input,
    pause: () => input,
    resume: () => {
      for (const key of keys) queueMicrotask(() => input.emit('data', key))
      return input
    },
  })
  const output = { write: (text: string) => shown.push(text) }
  return { shown, raw, ask: (question) => askSecret(question, { input: input as unknown as NodeJS.ReadStream, output }) }
}

test('askSecret() gives what was typed and shows none of it', async () => {
  const { shown, raw, ask } = terminal('cor', 'recX\u007f', 't horse\r')
  expect(await ask('passphrase?')).toBe('correct horse')
  expect(shown.join('')).toBe('  passphrase? \n')
  expect(raw).toEqual([true, false])
})

test('askSecret() begins again at Ctrl-U', async () => {
  expect(await terminal('wrong\u0015', 'right\n').ask('?')).toBe('right')
})

test('askSecret() rejects with E_CANCELLED at Ctrl-C and gives the terminal back', async () => {
  const { raw, ask } = terminal('abc\u0003')
  expect(describeError(await ask('?').catch((error: unknown) => error)).code).toBe('E_CANCELLED')
  expect(raw).toEqual([true, false])
})
