// Before LevelDB opens a folder: takes damaged blocks out of its tables, so that it neither serves nor trips over them.

import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkTable } from './_table.ts'

/** Folder for table files that can't be read at all: kept, out of LevelDB's sight. */
const ASIDE = 'damaged'

/** Bytes of tables in `folder`, 0 when there is no such folder. */
export async function tableBytes(folder: string): Promise<number> {
  let sum = 0
  for (const name of await tableNames(folder)) sum += (await stat(join(folder, name))).size
  return sum
}

/** Verifies every table in `folder` and mends those that are damaged. Returns their names; the caller then repairs the database. */
export async function mendTables(folder: string): Promise<string[]> {
  const damaged: string[] = []
  for (const name of await tableNames(folder)) {
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
