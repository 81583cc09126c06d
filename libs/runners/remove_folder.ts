// Deletes what a job left, also what it left so that it can't be deleted the plain way: closed folders, and trees deeper than a path may be long.

import { lstatSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { letOwnerIn, MAY_DELETE } from './owner_rights.ts'

/** Folders whose path is longer, in octets, are moved up first: half of what Linux takes, so that any name fits behind it. */
const DEEP_BYTES = 2048

/**
 * Deletes a folder and all below it, links not followed. To be called when no process is left that uses it.
 *
 * @throws What the file system says when something stays; what is gone then stays gone, and it may be tried again.
 */
export function removeFolder(folder: string): void {
  try {
    return rmSync(folder, { recursive: true, force: true })
  } catch {
    // The owner has no right to a folder in it, or its paths are too long: below, and what else it is will be thrown there.
  }
  const root = Buffer.from(folder).toString('latin1')
  let moved = 0
  const empty = (at: string): void => {
    letOwnerIn(at, [], MAY_DELETE)
    for (const entry of readdirSync(octets(at), { withFileTypes: true, encoding: 'latin1' })) {
      const path = `${at}/${entry.name}`
      // Not every file system tells the kind with the name.
      if (!entry.isDirectory() && !lstatSync(octets(path)).isDirectory()) unlinkSync(octets(path))
      else if (path.length > root.length + DEEP_BYTES) {
        letOwnerIn(path, [], MAY_DELETE)
        while (lstatSync(octets(`${root}/deep-${moved}`), { throwIfNoEntry: false }) !== undefined) moved++
        renameSync(octets(path), octets(`${root}/deep-${moved}`))
      } else {
        empty(path)
        rmdirSync(octets(path))
      }
    }
  }
  // What was moved up while its parent was emptied is found in the next round.
  while (lstatSync(folder, { throwIfNoEntry: false }) !== undefined && readdirSync(folder).length > 0) empty(root)
  rmSync(folder, { recursive: true, force: true })
}

/** A path of octets as latin1: a job may give files names that are no text. */
function octets(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}
