// How a verb gets the wallet's passphrase, or a key to import: from a private file or a terminal, never from arguments or the environment.

import { resolve } from 'node:path'
import { type Args, pathOf } from './args.ts'
import { askSecret } from './ask_secret.ts'
import { Failure } from './failure.ts'
import { readPassphrase, readSecret } from './secret_file.ts'

const FLAG = '--wallet-passphrase-file'

/** The passphrase: of the file that `--wallet-passphrase-file` names, or as typed; `twice` for a new one. */
export async function passphraseOf(args: Args, { twice }: { twice: boolean }): Promise<string> {
  const file = args.text('wallet-passphrase-file')
  if (file !== undefined) return await readPassphrase(resolve(pathOf(file, args.env['HOME'] ?? '/')), FLAG)
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new Failure('E_WALLET_PASSPHRASE', 'The wallet needs a passphrase, and there is no terminal to ask on', { next: `${FLAG} FILE` })
  }
  const typed = await askSecret(twice ? 'a passphrase for the new wallet?' : 'the wallet’s passphrase?')
  if (twice && (await askSecret('once more?')) !== typed)
    throw new Failure('E_WALLET_PASSPHRASE', 'The two passphrases differ; nothing was made', { next: 'haggle wallet new' })
  return typed
}

/** A private key of 64 hex digits from a file that only its owner can read, or from stdin for `-`. */
export async function importedKey(from: string | undefined): Promise<string> {
  if (from === undefined)
    throw new Failure('E_USAGE', 'haggle wallet import needs the key’s file: 64 hex digits', {
      next: 'haggle wallet import --from FILE, or --from - for stdin',
    })
  const bytes = from === '-' ? await allOf(process.stdin) : await readSecret(resolve(from), '--from')
  const text = bytes.toString('latin1').trim().replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new Failure('E_WALLET_SECRET', 'The key to import must be 64 hex digits', { next: 'check --from' })
  return text
}

async function allOf(stream: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}
