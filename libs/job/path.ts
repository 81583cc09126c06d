// Paths of a job's folder: the only names under which files travel, and the only ones that a person is shown.

import { encode, errorCode, utf8 } from '@haggle/wire'

/** Octets of UTF-8 in one path. */
export const MAX_PATH_BYTES = 255

/**
 * True when `path` may travel: relative, `/`-separated, without `\`, no part empty, `.` or `..`, at most 255 octets, and a text of the dialect: NFC,
 * no control characters, no format characters (those that reverse or hide text). A job may leave files with other names; they stay where they are
 * (`E_JOB_PATH`), and a listing counts them.
 *
 * @example
 * ```ts
 * import { isSafePath } from "@haggle/job";
 * import { expect } from "vitest";
 *
 * expect(isSafePath("out/tile 1.png")).toBe(true);
 * expect(isSafePath("../key")).toBe(false);
 * expect(isSafePath("out/\u202egnp.exe")).toBe(false);
 * ```
 */
export function isSafePath(path: string): boolean {
  return pathProblem(path) === undefined
}

/** What is wrong with a path, to be read on from "the path …"; undefined when it may travel. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.startsWith('/')) return 'is not relative'
  if (path.includes('\\')) return 'holds a backslash'
  if (utf8(path).length > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`
  if (!path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return 'has a part that is empty, "." or ".."'
  return isPlainText(path) ? undefined : 'holds control or invisible characters, or is not in Unicode normal form C'
}

/** A text that the dialect carries. ASCII without controls is, and needs no trial. */
function isPlainText(text: string): boolean {
  if (/^[\x20-\x7e]*$/.test(text)) return true
  try {
    encode(text)
    return true
  } catch (error) {
    if (errorCode(error).startsWith('E_WIRE_')) return false
    throw error
  }
}
