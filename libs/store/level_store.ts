// The Store over LevelDB: opened once per real path, because a second open in one process fails and drops the file lock with it.

import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HaggleError } from '@haggle/wire'
import { Level } from 'level'
import { checkBatch, checkKey, closedError } from './_bounds.ts'
import { corruptError, unseal } from './_checked_value.ts'
import { GroupCommit } from './_group_commit.ts'
import { causeCode } from './_level_errors.ts'
import { mendTables, tableBytes } from './_mend_tables.ts'
import { type Database, SteadyLevel } from './_steady_level.ts'
import type { Range, Store, Write, WriteOptions } from './store.ts'
import { subStore } from './sub_store.ts'

/** How {@link openLevelStore} opens. */
export interface OpenLevelOptions {
  /** True (the default): a database whose own files are damaged is repaired, keeping every record that can still be read. */
  readonly repair?: boolean
  /**
   * Octets of writes that LevelDB gathers in memory before it makes a table of them; it holds twice as many while it does. Default 4 MiB, which is best for a
   * home that is written to all the time. Only the first of several opens of one folder decides.
   */
  readonly writeBufferBytes?: number
  /** Octets of tables that LevelDB keeps in memory once it has read them. Default 8 MiB. The system's page cache holds the files anyway. As above, the first open decides. */
  readonly cacheBytes?: number
}

/**
 * Sizes for a node that writes a few KiB now and then and lives for months: with LevelDB's own, writes of half an hour pile up in memory, and tables that were read
 * once stay for good.
 */
export const SMALL_HOME: OpenLevelOptions = { writeBufferBytes: 1024 * 1024, cacheBytes: 1024 * 1024 }

/** A {@link Store} on disk. */
export interface LevelStore extends Store {
  /** The folder, with symbolic links resolved. */
  readonly path: string
  /** True when this process had to repair the database while opening it: what it holds may be incomplete. */
  readonly repaired: boolean
}

/** On Node `Level` is classic-level's class, whose `repair` the types of `level` leave out because browsers have none. */
const repairing = Level as unknown as { repair(path: string): Promise<void> }

/** One open database and the number of handles on it. */
interface Shared {
  readonly path: string
  readonly db: SteadyLevel
  readonly group: GroupCommit
  readonly repaired: boolean
  handles: number
  /** Set when the last handle closes: settles when the folder is free again. */
  closing?: Promise<void>
}

/** Beside LevelDB's own files, which ignore it: the number of the process that has the folder open, gone once it closed it. */
const PID_FILE = 'pid'

/** Bytes of tables that are verified at every opening: about 30 ms. Larger databases are when the last process didn't close them. */
const VERIFY_ALWAYS_BYTES = 16 * 1024 * 1024

/** Entries fetched from LevelDB at a time while a range is read. */
const RANGE_CHUNK = 512

/**
 * Bytes read at a time. The database's own limit of 16 KiB ends a chunk after some sixteen ledger entries, and each chunk is a turn of another thread. An
 * option of classic-level that its common interface has no name for.
 */
const READ_BYTES: object = { highWaterMarkBytes: 512 * 1024 }

/**
 * The databases that this process has open, or is opening or closing. It has to be one for the whole process: LevelDB's lock is the
 * process's too, and a second open would lose it to any other process.
 */
const opened = new Map<string, Promise<Shared>>()

/**
 * Opens the LevelDB in folder `path`, creating it when there is none. In one process every open of one folder shares one database,
 * which closes with the last handle.
 *
 * Throws `E_HOME_BUSY` (details `pid` when known) when another process has it open, `E_STORE_CORRUPT` when its files are damaged and
 * `repair` is off or fails, `E_STORE_OPEN` otherwise.
 */
export async function openLevelStore(path: string, options: OpenLevelOptions = {}): Promise<LevelStore> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new HaggleError('E_STORE_OPEN', `Cannot create the folder ${path}`, { cause, next: `check that ${dirname(path)} can be written` })
  })
  const real = await realpath(path)
  for (;;) {
    const pending = (opened.get(real) ?? remember(real, openShared(real, options))).catch((error: unknown) => {
      opened.delete(real)
      throw error
    })
    const shared = await pending
    // Closed by its last handle between our look-up and now: open it anew.
    if (shared.closing) {
      await shared.closing
      continue
    }
    shared.handles++
    return levelStore(shared)
  }
}

function remember(real: string, pending: Promise<Shared>): Promise<Shared> {
  opened.set(real, pending)
  return pending
}

async function openShared(path: string, options: OpenLevelOptions): Promise<Shared> {
  const verified = await verify(path, options)
  let repaired = verified.mended > 0
  let db: Database
  try {
    if (repaired) await repairing.repair(path)
    db = await openDatabase(path, options)
  } catch (error) {
    const code = causeCode(error)
    if (code === 'LEVEL_LOCKED') throw await busyError(path, error)
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') throw openError(path, error)
    if (options.repair === false) throw damagedError(path, error)
    try {
      if (!verified.done) await mendTables(path)
      await repairing.repair(path)
      db = await openDatabase(path, options)
    } catch (cause) {
      throw damagedError(path, cause)
    }
    repaired = true
  }
  await writeFile(join(path, PID_FILE), `${process.pid}\n`, { mode: 0o600 })
  const steady = new SteadyLevel(db, path)
  const group = new GroupCommit((batch, sync) => steady.commit(batch, sync))
  return { path, db: steady, group, repaired, handles: 0 }
}

/**
 * Reads the tables before LevelDB does: always when that takes no time worth mentioning, and when the last process ended without closing,
 * because damage in a table may be just what ended it. Another process may have the folder open: then its tables are left alone.
 */
async function verify(path: string, options: OpenLevelOptions): Promise<{ done: boolean; mended: number }> {
  const pid = await pidOf(path)
  if (options.repair === false || (pid !== undefined && pid !== process.pid && isAlive(pid))) return { done: false, mended: 0 }
  if (pid === undefined && (await tableBytes(path)) > VERIFY_ALWAYS_BYTES) return { done: false, mended: 0 }
  return { done: true, mended: (await mendTables(path)).length }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function openDatabase(path: string, { writeBufferBytes, cacheBytes }: OpenLevelOptions): Promise<Database> {
  const sizes = {
    ...(writeBufferBytes === undefined ? {} : { writeBufferSize: writeBufferBytes }),
    ...(cacheBytes === undefined ? {} : { cacheSize: cacheBytes }),
  }
  const db = new Level<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view', ...sizes })
  await db.open()
  return db
}

function levelStore(shared: Shared): LevelStore {
  const { db, path, repaired, group } = shared
  let open = true
  const check = (): void => {
    if (!open) throw closedError()
  }
  const readChunks = (range: Range = {}): AsyncGenerator<readonly (readonly [key: string, value: Uint8Array])[]> => {
    const unsealed = (chunk: readonly [string, Uint8Array][]): (readonly [string, Uint8Array])[] =>
      chunk.map(([key, sealed]) => [key, unseal(key, sealed)] as const)
    return readAhead(db, range, { open: (level, bounds) => level.iterator(bounds), keyOf: ([key]) => key, check, map: unsealed })
  }
  const readKeys = (range: Range = {}): AsyncGenerator<readonly string[]> =>
    readAhead(db, range, {
      open: (level, bounds) => level.keys(bounds),
      keyOf: (key: string) => key,
      check,
      map: (keys: readonly string[]) => keys,
    })
  return {
    path,
    repaired,
    async get(key: string): Promise<Uint8Array | undefined> {
      check()
      checkKey(key)
      const sealed = await damageAs(key, (await db.reading()).get(key))
      return sealed === undefined ? undefined : unseal(key, sealed)
    },
    async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
      check()
      for (const key of keys) checkKey(key)
      const sealed = await damageAs(keys[0] ?? '', (await db.reading()).getMany([...keys]))
      return sealed.map((value, i) => (value === undefined ? undefined : unseal(keys[i]!, value)))
    },
    async write(batch: readonly Write[], { sync = true }: WriteOptions = {}): Promise<void> {
      check()
      checkBatch(batch)
      if (batch.length > 0) await group.write(batch, sync)
    },
    async *range(range: Range = {}): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
      for await (const chunk of readChunks(range)) {
        for (const entry of chunk) {
          check()
          yield entry
        }
      }
    },
    chunks: readChunks,
    keys: readKeys,
    sub(prefix: string): Store {
      return subStore(this, prefix)
    },
    async close(): Promise<void> {
      if (!open) return
      open = false
      shared.handles--
      if (shared.handles > 0) return
      shared.closing = closeShared(shared)
      await shared.closing
    },
  }
}

/** An iterator of LevelDB, over entries or over keys. */
interface Iterating<T> {
  nextv(size: number): Promise<T[]>
  close(): Promise<void>
}

/** How {@link readAhead} reads: `T` is what an iterator gives, `R` what a chunk of it becomes. */
interface Reading<T, R> {
  readonly open: (db: Database, bounds: Range & typeof READ_BYTES) => Iterating<T>
  readonly keyOf: (item: T) => string
  readonly check: () => void
  readonly map: (chunk: T[]) => R
}

/**
 * Reads a range in chunks. Whoever reads more than one gets the next while it works on this: LevelDB reads in another thread. When the database is opened
 * anew meanwhile, reading goes on behind the last key.
 */
async function* readAhead<T, R>(db: SteadyLevel, range: Range, { open, keyOf, check, map }: Reading<T, R>): AsyncGenerator<R> {
  let bounds = range
  for (;;) {
    check()
    const iterator = open(await db.reading(), { ...bounds, ...READ_BYTES })
    const { generation } = db
    let ahead: Promise<T[]> | undefined
    try {
      for (let read = 0; ; read++) {
        const chunk = await damageAs(range.gte ?? range.gt ?? '', ahead ?? iterator.nextv(RANGE_CHUNK))
        check()
        if (chunk.length === 0) return
        ahead = read === 0 ? undefined : quietly(iterator.nextv(RANGE_CHUNK))
        bounds = behind(bounds, keyOf(chunk.at(-1) as T), chunk.length)
        yield map(chunk)
      }
    } catch (error) {
      if (db.generation === generation || !(error instanceof Error && 'code' in error && error.code === 'LEVEL_ITERATOR_NOT_OPEN'))
        throw error
    } finally {
      await ahead?.catch(() => undefined)
      await iterator.close()
    }
  }
}

/** What is left of a range once so many entries, up to this key, were read. */
function behind({ gte, gt, lt, lte, limit, ...rest }: Range, key: string, count: number): Range {
  const left = limit === undefined || limit < 0 ? {} : { limit: limit - count }
  const low = { ...(gte === undefined ? {} : { gte }), ...(gt === undefined ? {} : { gt }) }
  const high = { ...(lt === undefined ? {} : { lt }), ...(lte === undefined ? {} : { lte }) }
  return rest.reverse === true ? { ...rest, ...left, ...low, lt: key } : { ...rest, ...left, ...high, gt: key }
}

/** The same promise; that nobody awaits its rejection is no fault of the process, for whoever awaits it later sees it. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

async function closeShared(shared: Shared): Promise<void> {
  try {
    await shared.group.idle()
    await shared.db.close()
    await rm(join(shared.path, PID_FILE), { force: true })
  } finally {
    opened.delete(shared.path)
  }
}

/** Awaits a read, turning LevelDB's own finding of damage into ours. */
async function damageAs<T>(key: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    const code = causeCode(error)
    throw code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR' ? corruptError(key, error) : error
  }
}

/** The process that has, or had, the folder open; undefined when the last one closed it, or the file can't be read. */
async function pidOf(path: string): Promise<number | undefined> {
  const text = await readFile(join(path, PID_FILE), 'utf8').catch(() => '')
  return /^[1-9][0-9]{0,9}\n$/.test(text) ? Number(text) : undefined
}

async function busyError(path: string, cause: unknown): Promise<HaggleError> {
  const pid = await pidOf(path)
  return new HaggleError('E_HOME_BUSY', `Cannot open ${path}: ${pid === undefined ? 'another process' : `process ${pid}`} has it open`, {
    cause,
    details: pid === undefined ? { path } : { path, pid },
    next: 'use that process, or stop it first',
  })
}

function openError(path: string, cause: unknown): HaggleError {
  return new HaggleError('E_STORE_OPEN', `Cannot open the database in ${path}`, {
    cause,
    details: { path },
    next: 'check the folder and its permissions',
  })
}

function damagedError(path: string, cause: unknown): HaggleError {
  return new HaggleError('E_STORE_CORRUPT', `Cannot open the database in ${path}: its files are damaged`, {
    cause,
    details: { path },
    next: 'move the folder away and start again: the ledger is rebuilt from its journal',
  })
}
