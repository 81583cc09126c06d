// Reads files with secrets, and refuses those that others can read.

import { readFile, stat } from 'node:fs/promises'
import { Failure } from './failure.ts'

/** The bytes of a secret's file. `flag` names it in errors. Throws E_CONFIG_SECRET when it can't be read, or when others can read it. */
export async function readSecret(path: string, flag: string): Promise<Buffer> {
  let mode: number
  let bytes: Buffer
  try {
    mode = (await stat(path)).mode & 0o777
    bytes = await readFile(path)
  } catch (cause) {
    throw new Failure('E_CONFIG_SECRET', `Cannot read ${path} (${flag}): ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      next: `check ${flag}`,
      cause,
    })
  }
  if (process.getuid !== undefined && (mode & 0o077) !== 0) {
    throw new Failure('E_CONFIG_SECRET', `${path} (${flag}) can be read by others: its mode must be 600, is ${mode.toString(8)}`, {
      next: `chmod 600 ${path}`,
    })
  }
  return bytes
}

/** A passphrase from its file: the content without the line's end. */
export async function readPassphrase(path: string, flag: string): Promise<string> {
  return (await readSecret(path, flag)).toString('utf8').replace(/\r?\n$/, '')
}
