// Asks for a secret on the terminal, without showing it.

import { Failure } from './failure.ts'

/** What a key means while a secret is typed. */
const KEY = { enter: '\r', newline: '\n', interrupt: '\u0003', end: '\u0004', erase: '\u007f', backspace: '\b', line: '\u0015' } as const

/** The parts of a terminal that asking needs: stdin in raw mode, and where the question goes. */
export interface Asking {
  readonly input: NodeJS.ReadStream
  readonly output: { write(text: string): unknown }
}

/** Asks `question`; what is typed is not echoed. Throws E_CANCELLED at Ctrl-C and Ctrl-D. */
export async function askSecret(
  question: string,
  { input, output }: Asking = { input: process.stdin, output: process.stderr },
): Promise<string> {
  output.write(`  ${question} `)
  const answer = Promise.withResolvers<string>()
  let typed: string[] = []
  const take = (chunk: Buffer | string): void => {
    for (const key of chunk.toString()) {
      if (key === KEY.enter || key === KEY.newline) return answer.resolve(typed.join(''))
      if (key === KEY.interrupt || key === KEY.end) return answer.reject(new Failure('E_CANCELLED', 'Nothing was changed'))
      if (key === KEY.line) typed = []
      else if (key === KEY.erase || key === KEY.backspace) typed.pop()
      else if (key >= ' ') typed.push(key)
    }
  }
  input.setRawMode(true)
  input.setEncoding('utf8').on('data', take).resume()
  try {
    return await answer.promise
  } finally {
    input.off('data', take).pause()
    input.setRawMode(false)
    output.write('\n')
  }
}
