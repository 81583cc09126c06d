// Before LevelDB opens a folder: takes damaged blocks out of its tables, so that it neither serves nor trips over them.

import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { liveTables } from './_manifest.ts'
import { checkTable } from './_table.ts'

/** Folder for table files that can't be read at all: kept, out of LevelDB's sight. */
const ASIDE = 'damaged'

/** Bytes of tables in `folder`, 0 when there is no such folder. */
export async function tableBytes(folder: string): Promise<number> {
  let sum = 0
  for (const name of await tableNames(folder)) sum += (await stat(join(folder, name))).size
  return sum
}

/**
 * Verifies the tables in use in `folder` and mends those that are damaged. Returns their names; the caller then repairs the database. Tables in
 * use are whole and never change, whoever has the folder open; others may be half written, and are left alone.
 */
export async function mendTables(folder: string): Promise<string[]> {
  const damaged: string[] = []
  const live = await liveTables(folder)
  for (const name of await tableNames(folder)) {
    if (live && !live.has(Number.parseInt(name, 10))) continue
    const path = join(folder, name)
    const table = checkTable(await readFile(path))
    if (table.state === 'sound') continue
    damaged.push(name)
    await mkdir(join(folder, ASIDE), { recursive: true })
    await rename(path, join(folder, ASIDE, name))
    if (table.state === 'mended') await writeFile(path, table.mended, { flush: true })
  }
  return damaged
}

async function tableNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.ldb') || name.endsWith('.sst'))
}
