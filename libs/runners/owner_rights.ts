// The owner's way into folders that a job closed to its own user. Root needs none of this; any other provider does.

import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'

/** Opens what is there without reading it, for which a folder of mode 0000 suffices. Linux has it on every processor that there is a filter for. */
const O_PATH = 0o10000000
const WAY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Rights of a folder's owner: to list it and go in, and to delete from it besides. */
export const MAY_LIST = 0o500
export const MAY_DELETE = 0o700

/**
 * Gives the owner of `folder`, and of each folder on the way from it to `parts`, these rights where they are missing. Each part is opened from the
 * folder before it and no link is followed, so that a job that swaps folders for links changes nothing but its own. Paths are octets as latin1.
 */
export function letOwnerIn(folder: string, parts: readonly string[], rights: number): void {
  if (process.platform !== 'linux') {
    const path = Buffer.from([folder, ...parts].join('/'), 'latin1')
    const { mode } = lstatSync(path)
    return chmodSync(path, (mode & 0o7777) | rights)
  }
  let at = openSync(Buffer.from(folder, 'latin1'), WAY)
  try {
    allow(at, rights)
    for (const part of parts) {
      const next = openSync(Buffer.from(`/proc/self/fd/${at}/${part}`, 'latin1'), WAY)
      closeSync(at)
      at = next
      allow(at, rights)
    }
  } finally {
    closeSync(at)
  }
}

function allow(fd: number, rights: number): void {
  const { mode } = fstatSync(fd)
  if ((mode & rights) !== rights) chmodSync(`/proc/self/fd/${fd}`, (mode & 0o7777) | rights)
}
