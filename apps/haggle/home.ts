// The home folder: what lies where in it, and the modes it must have.

import { dirname, join } from 'node:path'
import { Failure } from './failure.ts'

// An import of node:fs has Node collect all its exports, fs.promises among them: some 3 ms that every command would pay. This does not.
const { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } = process.getBuiltinModule('node:fs')

/** Longest path of a unix socket that every system takes: 104 bytes with the final zero on macOS, 108 on Linux. */
const SOCKET_PATH_BYTES = 103

/** Paths inside a home. */
export interface HomePaths {
  readonly home: string
  readonly key: string
  /** The wallet's file, when there is one. */
  readonly wallet: string
  readonly config: string
  readonly log: string
  readonly receipts: string
  /** Marks that this home's owner has read what a provider can see. */
  readonly told: string
  readonly socket: string
}

/** Where things lie in a home. Touches no file. */
export function pathsOf(home: string): HomePaths {
  const inside = join(home, 'agent.sock')
  // A socket's path is bounded by the system; a deep home gets one in a private folder of the temporary directory instead.
  const socket =
    Buffer.byteLength(inside) <= SOCKET_PATH_BYTES
      ? inside
      : join(
          process.getBuiltinModule('node:os').tmpdir(),
          `haggle-${process.getuid?.() ?? 0}`,
          `${process.getBuiltinModule('node:crypto').hash('sha256', home).slice(0, 24)}.sock`,
        )
  return {
    home,
    key: join(home, 'key'),
    wallet: join(home, 'wallet'),
    config: join(home, 'config.json'),
    log: join(home, 'agent.log'),
    receipts: join(home, 'receipts'),
    told: join(home, '.provider-can-read'),
    socket,
  }
}

/** Makes sure that a folder exists and that only its owner can enter it. Throws E_HOME_MODE, E_HOME_OWNER or E_HOME_CREATE. */
export function privateFolder(folder: string): void {
  try {
    makeFolders(folder)
  } catch (cause) {
    throw new Failure('E_HOME_CREATE', `Cannot make the folder ${folder}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      next: 'choose another with --home DIR',
      cause,
    })
  }
  const stat = lstatSync(folder)
  const uid = process.getuid?.()
  if (!stat.isDirectory()) throw new Failure('E_HOME_CREATE', `${folder} is not a folder`, { next: 'choose another with --home DIR' })
  if (uid !== undefined && stat.uid !== uid)
    throw new Failure('E_HOME_OWNER', `${folder} belongs to another user`, { next: 'choose another with --home DIR' })
  if (uid !== undefined && (stat.mode & 0o077) !== 0)
    throw new Failure('E_HOME_MODE', `${folder} can be read by others: its mode must be 700, is ${(stat.mode & 0o777).toString(8)}`, {
      next: `chmod 700 ${folder}`,
    })
}

/** Makes a folder with those above it. Node's own `recursive` goes round for ever where a file system answers that a folder in it is none, as /proc does. */
function makeFolders(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(folder) === folder || existsSync(dirname(folder))) throw error
    makeFolders(dirname(folder))
    mkdirSync(folder, { mode: 0o700 })
  }
}

/** Makes a home if there is none, and refuses one that others can read. */
export function openHome(home: string): HomePaths {
  const paths = pathsOf(home)
  privateFolder(home)
  if (!paths.socket.startsWith(home)) privateFolder(join(paths.socket, '..'))
  if (existsSync(paths.key)) {
    const mode = lstatSync(paths.key).mode & 0o777
    if (process.getuid !== undefined && (mode & 0o077) !== 0)
      throw new Failure('E_KEY_MODE', `${paths.key} can be read by others: its mode must be 600, is ${mode.toString(8)}`, {
        next: `chmod 600 ${paths.key}`,
      })
  }
  return paths
}

/** The content of a configuration file; an empty object when there is none. Throws E_CONFIG_FILE. */
export function loadConfig(path: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Failure('E_CONFIG_FILE', `Cannot read ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause })
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  } catch (cause) {
    throw new Failure('E_CONFIG_FILE', `${path} is not JSON: ${(cause as Error).message}`, { next: `mend or delete ${path}`, cause })
  }
  throw new Failure('E_CONFIG_FILE', `${path} must hold one JSON object`, { next: `mend or delete ${path}` })
}

/** Takes a file's group and world bits away. */
export function makePrivate(path: string): void {
  chmodSync(path, 0o600)
}
