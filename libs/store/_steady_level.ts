// A LevelDB that goes on after its disk refused a write. LevelDB leaves the refused record half written in its log and puts later ones behind it; whoever
// replays that log at the next opening stops there and loses all of them, synced or not. So nothing follows a refused write: the database is opened anew first.

import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HaggleError } from '@haggle/wire'
import type { Level } from 'level'
import { sealAll } from './_checked_value.ts'
import { causeCode } from './_level_errors.ts'
import type { Write } from './store.ts'

/** LevelDB as the store uses it. */
export type Database = Level<string, Uint8Array>

/** Octets that an opening needs besides a table of what the log holds: a manifest, and some to go on with. */
const SPARE_BYTES = 256 * 1024
/** Written to see whether there is room, and taken away again. */
const PROBE_FILE = 'probe'

type PutWrite = Write & { readonly value: Uint8Array }

/** See the file's first lines. */
export class SteadyLevel {
  readonly #db: Database
  readonly #path: string
  #refused = false
  #reopening: Promise<void> | undefined
  #generation = 0

  /** Takes over an open database in folder `path`. */
  constructor(db: Database, path: string) {
    this.#db = db
    this.#path = path
  }

  /** How often it was opened anew: iterators from before that are closed. */
  get generation(): number {
    return this.#generation
  }

  /** The database, open. Throws `E_STORE_WRITE` while it could not be opened again. */
  async reading(): Promise<Database> {
    await this.#reopening?.catch(() => undefined)
    if (this.#refused && this.#db.status === 'closed') await this.#openAnew()
    return this.#db
  }

  /** Writes `batch` as one. Throws `E_STORE_WRITE` when the disk refuses. One call at a time. */
  async commit(batch: readonly Write[], sync: boolean): Promise<void> {
    if (this.#refused) await this.#openAnew()
    const sealed = sealAll(batch.filter((write): write is PutWrite => write.value !== null))
    // A chained batch costs two thirds of an array of operations, each of which is copied and checked again.
    const chained = this.#db.batch()
    let next = 0
    for (const { key, value } of batch) {
      if (value === null) chained.del(key)
      else chained.put(key, sealed[next++]!)
    }
    try {
      await chained.write({ sync })
    } catch (error) {
      if (causeCode(error) === undefined) throw error
      this.#refused = true
      throw refusedError(this.#path, error)
    }
  }

  async close(): Promise<void> {
    await this.#reopening?.catch(() => undefined)
    await this.#db.close()
  }

  #openAnew(): Promise<void> {
    this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined))
    return this.#reopening
  }

  /** Only once the disk takes what an opening writes: until then the open one can still be read. */
  async #reopen(): Promise<void> {
    try {
      await probe(this.#path)
      await this.#db.close()
      this.#generation++
      await this.#db.open()
      this.#refused = false
    } catch (cause) {
      throw refusedError(this.#path, cause)
    }
  }
}

/** Writes as much as opening the database in `path` does, syncs it, and takes it away again. */
async function probe(path: string): Promise<void> {
  const logs = (await readdir(path)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(logs.map(async (name) => (await stat(join(path, name))).size))
  const file = join(path, PROBE_FILE)
  try {
    const handle = await open(file, 'w', 0o600)
    try {
      await handle.writeFile(new Uint8Array(SPARE_BYTES + sizes.reduce((sum, size) => sum + size, 0)).fill(1))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } finally {
    await rm(file, { force: true })
  }
}

function refusedError(path: string, cause: unknown): HaggleError {
  if (cause instanceof HaggleError) return cause
  const why = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause)
  return new HaggleError('E_STORE_WRITE', `Cannot write to ${path}: ${why}`, {
    cause,
    details: { path },
    next: 'make room or check the disk; the next write tries again',
  })
}
