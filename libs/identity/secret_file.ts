// A file with a secret: readable by its owner alone, there whole or not at all, and never replaced (spec/identity.md, Key file).

import { link, mkdir, open, realpath, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HaggleError, type Random, toHex } from '@haggle/wire'

/** What the secret is called, and the codes of its errors. */
export interface SecretKind {
  /** Such as `key`. */
  readonly name: string
  /** Others can reach it. */
  readonly mode: string
  /** It makes no sense. */
  readonly corrupt: string
  /** What the person can do about a file that makes no sense. */
  readonly next: string
}

/** A file with a secret is a few hundred bytes; more is something else. */
const MAX_FILE_BYTES = 4096

/**
 * The text of the file, or undefined when there is none. Throws the kind's `mode` code when anybody else may read file or folder (`next` is the chmod that
 * mends it), its `corrupt` code when it can't be such a file, and what the system throws.
 */
export async function readSecretFile(path: string, kind: SecretKind): Promise<string | undefined> {
  try {
    // The mode that counts is that of the folder where the file really is.
    const real = await realpath(path)
    await using file = await open(real, 'r')
    const status = await file.stat()
    if (!status.isFile()) throw corruptSecret(path, kind, 'it is not a file')
    refuseMode(real, { mode: status.mode, wanted: 0o600, what: 'file' }, kind)
    refuseMode(dirname(real), { mode: (await stat(dirname(real))).mode, wanted: 0o700, what: 'folder' }, kind)
    if (status.size > MAX_FILE_BYTES) throw corruptSecret(path, kind, `it has ${status.size} bytes`)
    return await file.readFile('utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Writes the file and syncs it: folder 0700, file 0600. Resolves with false when there is one already, which stays. Throws the kind's `mode` code before anything is
 * written when others can enter the folder, and what the system throws.
 */
export async function writeSecretFile(
  path: string,
  content: string,
  { kind, random }: { kind: SecretKind; random: Random },
): Promise<boolean> {
  const folder = await ownFolder(path, kind)
  const draft = join(folder, `.${basename(path)}.${toHex(random(8))}`)
  let made = true
  try {
    {
      await using file = await open(draft, 'wx', 0o600)
      await file.chmod(0o600)
      await file.writeFile(content)
      await file.sync()
    }
    // A link, unlike a rename, never replaces: whoever comes second reads the first one's secret.
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    made = false
  } finally {
    await unlink(draft).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  await using opened = await open(folder, 'r')
  // Some systems can't sync a folder; the file itself is synced.
  await opened.sync().catch(() => undefined)
  return made
}

/** The folder of `path`, made when it is not there. Throws the kind's `mode` code when others can enter it. */
export async function ownFolder(path: string, kind: SecretKind): Promise<string> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  refuseMode(folder, { mode: (await stat(folder)).mode, wanted: 0o700, what: 'folder' }, kind)
  return folder
}

/** The error of a file that makes no sense. */
export function corruptSecret(path: string, { name, corrupt, next }: SecretKind, why: string): HaggleError {
  return new HaggleError(corrupt, `Cannot read the ${name} ${path}: ${why}`, { details: { path }, next })
}

function refuseMode(
  path: string,
  { mode, wanted, what }: { readonly mode: number; readonly wanted: number; readonly what: 'file' | 'folder' },
  { name, mode: code }: SecretKind,
): void {
  // Windows has no such bits; a user's profile is private there.
  if (process.platform === 'win32' || (mode & 0o777 & ~wanted) === 0) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  throw new HaggleError(code, `Cannot use the ${name}: others can reach its ${what} ${path} (mode ${shown})`, {
    details: { path, mode: shown },
    next: `chmod ${wanted.toString(8)} ${quoted(path)}`,
  })
}

function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
