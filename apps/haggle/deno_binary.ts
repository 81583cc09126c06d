// Where the Deno that runs jobs is: the one that came with this package, else the one in the PATH.

import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there or not ours to run: the next candidate may be.
    return false
  }
}

/** The path of the Deno binary, or undefined when there is none: then there is no deno runner. */
export function denoBinary(path: string = process.env['PATH'] ?? ''): string | undefined {
  const name = process.platform === 'win32' ? 'deno.exe' : 'deno'
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  let shipped: string[] = []
  try {
    shipped = [join(dirname(fileURLToPath(import.meta.resolve('deno/package.json'))), name)]
  } catch {
    // The package was left out at installation.
  }
  return [...shipped, ...folders.map((folder) => join(folder, name))].find(executable)
}
