// The key file: a node's seed on disk, readable by its owner alone, encrypted when there is a passphrase (spec/identity.md, Key file).

import { randomBytes } from 'node:crypto'
import { link, mkdir, open, realpath, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fromHex, HaggleError, type Random, toHex } from '@haggle/wire'
import { createIdentity, type Identity } from './identity.ts'
import { type Sealed, sealSeed, unsealSeed } from './_key_seal.ts'
import { nodeEd25519 } from './node_suite.ts'
import { publicKeyOf } from './peer_id.ts'

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

/** A key file is a few hundred bytes; more is something else. */
const MAX_FILE_BYTES = 4096

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
  const held = await readKeyFile(path)
  if (held !== undefined) return identityOf(path, held, options.passphrase)
  if (!options.create) {
    throw new HaggleError('E_KEY_MISSING', `Cannot open the key: there is no file ${path}`, { details: { path }, next: 'haggle init' })
  }
  await createKeyFile(path, options)
  const created = await readKeyFile(path)
  if (created === undefined) throw corrupt(path, 'it vanished while it was made')
  return identityOf(path, created, options.passphrase)
}

async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    // The mode that counts is that of the folder where the file really is.
    const real = await realpath(path)
    await using file = await open(real, 'r')
    const status = await file.stat()
    if (!status.isFile()) throw corrupt(path, 'it is not a file')
    refuseMode(real, status.mode, 0o600, 'file')
    refuseMode(dirname(real), (await stat(dirname(real))).mode, 0o700, 'folder')
    if (status.size > MAX_FILE_BYTES) throw corrupt(path, `it has ${status.size} bytes`)
    return await file.readFile('utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function refuseMode(path: string, mode: number, wanted: number, what: 'file' | 'folder'): void {
  // Windows has no such bits; a user's profile is private there.
  if (process.platform === 'win32' || (mode & 0o777 & ~wanted) === 0) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  throw new HaggleError('E_KEY_MODE', `Cannot use the key: others can reach its ${what} ${path} (mode ${shown})`, {
    details: { path, mode: shown },
    next: `chmod ${wanted.toString(8)} ${quoted(path)}`,
  })
}

function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function identityOf(path: string, text: string, passphrase: string | undefined): Identity {
  const file = parse(path, text)
  let seed: Uint8Array
  if (file.sealed !== undefined) {
    if (passphrase === undefined) {
      throw new HaggleError('E_KEY_PASSPHRASE', `Cannot open the key ${path}: it needs its passphrase`, {
        details: { path },
        next: 'give the passphrase',
      })
    }
    const opened = unsealSeed(file.sealed, publicKeyOf(file.peerId), passphrase)
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
  if (identity.peerId !== file.peerId) throw corrupt(path, 'its secret and its peer id do not belong together')
  return identity
}

function parse(path: string, text: string): KeyFile {
  try {
    const { haggleKey, peerId, seed, sealed } = JSON.parse(text) as Partial<KeyFile>
    if (haggleKey !== 1) throw corrupt(path, 'it is not a version 1 key file')
    if (typeof peerId !== 'string') throw corrupt(path, 'it names no peer id')
    publicKeyOf(peerId)
    if (typeof sealed === 'object' && sealed !== null) return { haggleKey, peerId, sealed }
    return { haggleKey, peerId, seed: toHex(fromHex(String(seed), 32)) }
  } catch (error) {
    if (error instanceof HaggleError && error.code === 'E_KEY_CORRUPT') throw error
    // The cause could quote the secret: only its absence of sense is told.
    throw corrupt(path, 'its content makes no sense')
  }
}

async function createKeyFile(path: string, options: KeyFileOptions): Promise<void> {
  const random: Random = options.random ?? ((length) => randomBytes(length))
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  refuseMode(folder, (await stat(folder)).mode, 0o700, 'folder')
  const seed = random(32)
  const { peerId, publicKey } = createIdentity(seed, nodeEd25519())
  const content: KeyFile =
    options.passphrase === undefined
      ? { haggleKey: 1, peerId, seed: toHex(seed) }
      : {
          haggleKey: 1,
          peerId,
          sealed: sealSeed(seed, publicKey, { passphrase: options.passphrase, random, logN: options.scryptLogN ?? 17 }),
        }
  const draft = join(folder, `.${basename(path)}.${toHex(random(8))}`)
  try {
    {
      await using file = await open(draft, 'wx', 0o600)
      await file.chmod(0o600)
      await file.writeFile(`${JSON.stringify(content)}\n`)
      await file.sync()
    }
    // A link, unlike a rename, never replaces: whoever comes second reads the first one's key.
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  await using opened = await open(folder, 'r')
  // Some systems can't sync a folder; the file itself is synced.
  await opened.sync().catch(() => undefined)
}

function corrupt(path: string, why: string): HaggleError {
  return new HaggleError('E_KEY_CORRUPT', `Cannot read the key ${path}: ${why}`, {
    details: { path },
    next: 'restore the file from a backup, or move it away and run haggle init',
  })
}
