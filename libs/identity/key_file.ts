// The key file: a node's seed on disk, readable by its owner alone, encrypted when there is a passphrase (spec/identity.md, Key file).

import { randomBytes } from 'node:crypto'
import { concat, fromHex, HaggleError, type Random, toHex, utf8 } from '@haggle/wire'
import { createIdentity, type Identity } from './identity.ts'
import { nodeEd25519 } from './node_suite.ts'
import { publicKeyOf } from './peer_id.ts'
import { corruptSecret, ownFolder, readSecretFile, type SecretKind, writeSecretFile } from './secret_file.ts'
import { SCRYPT_LOG_N, type Sealed, sealSecret, unsealSecret } from './secret_seal.ts'

/** How {@link openKeyFile} opens. */
export interface KeyFileOptions {
  /** True: makes a new key when there is no file. Default false. */
  readonly create?: boolean
  /** Encrypts a new key and opens an encrypted one. */
  readonly passphrase?: string
  /** Where a new seed, salt and nonce come from. Default: the system's. */
  readonly random?: Random
  /** log2 of scrypt's N for a new encrypted key, 14 to 20. Default 17: 128 MiB and about half a second. */
  readonly scryptLogN?: number
}

/** The file's content: JSON, one line. */
interface KeyFile {
  readonly haggleKey: 1
  readonly peerId: string
  /** Hex, when there is no passphrase. */
  readonly seed?: string
  readonly sealed?: Sealed
}

const KEY: SecretKind = {
  name: 'key',
  mode: 'E_KEY_MODE',
  corrupt: 'E_KEY_CORRUPT',
  next: 'restore the file from a backup, or begin in another home: --home DIR',
}

/**
 * Opens a node's key, or makes one with `create`. The folder must be 0700 and the file 0600; both are made so. A new file appears whole and synced, or not
 * at all, and two processes that create at once get the same key.
 *
 * Throws `E_KEY_MISSING`, `E_KEY_MODE` (its `next` is the chmod that mends it), `E_KEY_PASSPHRASE`, `E_KEY_CORRUPT`, and `E_KEY_FILE` for what the
 * system refuses, such as a disk that is full.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { openKeyFile } from "@haggle/identity/node";
 * import { expect } from "vitest";
 *
 * const home = await mkdtemp(join(tmpdir(), "haggle-"));
 * const made = await openKeyFile(join(home, "key"), { create: true });
 * const again = await openKeyFile(join(home, "key"));
 * expect(again.peerId).toBe(made.peerId);
 * await rm(home, { recursive: true });
 * ```
 */
export async function openKeyFile(path: string, options: KeyFileOptions = {}): Promise<Identity> {
  try {
    return await openOrCreate(path, options)
  } catch (error) {
    if (error instanceof HaggleError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new HaggleError('E_KEY_FILE', `Cannot use the key ${path}: ${reason}`, { cause: error, details: { path } })
  }
}

async function openOrCreate(path: string, options: KeyFileOptions): Promise<Identity> {
  const held = await readSecretFile(path, KEY)
  if (held !== undefined) return await identityOf(path, held, options.passphrase)
  if (!options.create) {
    throw new HaggleError('E_KEY_MISSING', `Cannot open the key: there is no file ${path}`, { details: { path }, next: 'haggle init' })
  }
  await createKeyFile(path, options)
  const created = await readSecretFile(path, KEY)
  if (created === undefined) throw corruptSecret(path, KEY, 'it vanished while it was made')
  return await identityOf(path, created, options.passphrase)
}

async function identityOf(path: string, text: string, passphrase: string | undefined): Promise<Identity> {
  const file = parse(path, text)
  let seed: Uint8Array
  if (file.sealed !== undefined) {
    if (passphrase === undefined) {
      throw new HaggleError('E_KEY_PASSPHRASE', `Cannot open the key ${path}: it needs its passphrase`, {
        details: { path },
        next: 'give the passphrase',
      })
    }
    const opened = await unsealSecret(file.sealed, { passphrase, context: contextOf(publicKeyOf(file.peerId)) })
    if (opened === undefined) {
      throw new HaggleError('E_KEY_PASSPHRASE', `Cannot open the key ${path}: the passphrase does not fit, or the file is damaged`, {
        details: { path },
        next: 'try the passphrase again, or restore the file from a backup',
      })
    }
    seed = opened
  } else if (passphrase !== undefined) {
    throw new HaggleError('E_KEY_PASSPHRASE', `Cannot open the key ${path}: a passphrase was given, but the key is not encrypted`, {
      details: { path },
      next: 'leave the passphrase out',
    })
  } else seed = fromHex(file.seed ?? '', 32)
  const identity = createIdentity(seed, nodeEd25519())
  if (identity.peerId !== file.peerId) throw corruptSecret(path, KEY, 'its secret and its peer id do not belong together')
  return identity
}

function parse(path: string, text: string): KeyFile {
  try {
    const { haggleKey, peerId, seed, sealed } = JSON.parse(text) as Partial<KeyFile>
    if (haggleKey !== 1) throw corruptSecret(path, KEY, 'it is not a version 1 key file')
    if (typeof peerId !== 'string') throw corruptSecret(path, KEY, 'it names no peer id')
    publicKeyOf(peerId)
    if (typeof sealed === 'object' && sealed !== null) return { haggleKey, peerId, sealed }
    return { haggleKey, peerId, seed: toHex(fromHex(String(seed), 32)) }
  } catch (error) {
    if (error instanceof HaggleError && error.code === 'E_KEY_CORRUPT') throw error
    // The cause could quote the secret: only its absence of sense is told.
    throw corruptSecret(path, KEY, 'its content makes no sense')
  }
}

async function createKeyFile(path: string, options: KeyFileOptions): Promise<void> {
  const random: Random = options.random ?? ((length) => randomBytes(length))
  await ownFolder(path, KEY)
  const seed = random(32)
  const { peerId, publicKey } = createIdentity(seed, nodeEd25519())
  const content: KeyFile =
    options.passphrase === undefined
      ? { haggleKey: 1, peerId, seed: toHex(seed) }
      : {
          haggleKey: 1,
          peerId,
          sealed: await sealSecret(seed, {
            passphrase: options.passphrase,
            context: contextOf(publicKey),
            random,
            logN: options.scryptLogN ?? SCRYPT_LOG_N,
          }),
        }
  await writeSecretFile(path, `${JSON.stringify(content)}\n`, { kind: KEY, random })
}

function contextOf(publicKey: Uint8Array): Uint8Array {
  return concat(utf8('haggle-key/1\0'), publicKey)
}
