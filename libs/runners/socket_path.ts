// A unix socket's path may have 107 bytes; homes may be deeper than that.

import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** `sun_path` of unix(7) without its final NUL; macOS has 103. */
const MAX_SOCKET_PATH_BYTES = 103

/** A path for `listen` or `connect` that means the same socket, through an open folder where it would be too long. Call `close` once it is used. */
export function shortSocketPath(path: string): { readonly path: string; close(): void } {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES || process.platform !== 'linux') return { path, close: () => {} }
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, close: () => closeSync(fd) }
}
