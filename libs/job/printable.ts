// Text of others as it may be shown to a person: a job's arguments and file names come from strangers.

/** Control, format (bidi among them), line and paragraph separators, and halves of surrogate pairs: what a terminal or a page must not be given. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
/** Arguments that need no quotes. */
const PLAIN = /^[\p{L}\p{N}@%+=:,./_-]+$/u

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** `text` on one line, with everything that could move a cursor, hide or reverse text written as `\n`, `\t` or `\u{…}`. Backslashes are doubled. */
export function printable(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(UNPRINTABLE, escaped)
}

/**
 * A command line as a person reads it: arguments that need it in double quotes, on one line, of at most `max` characters.
 *
 * @param max Default 200. A longer line is cut and ends in `…`.
 *
 * @example
 * ```ts
 * import { printableCommand } from "@haggle/job";
 * import { expect } from "vitest";
 *
 * expect(printableCommand(["echo", "two words", "\u001b[31m\u202e"])).toBe('echo "two words" "\\u{1b}[31m\\u{202e}"');
 * ```
 */
export function printableCommand(args: readonly string[], max: number = 200): string {
  let line = ''
  for (const arg of args) {
    // One argument is cut before it is escaped: escaping makes text at most ten times as long.
    const short = arg.slice(0, max + 1)
    line += `${line === '' ? '' : ' '}${PLAIN.test(short) ? short : `"${printable(short).replaceAll('"', '\\"')}"`}`
    if (line.length > max) return `${cut(line, max - 1)}…`
  }
  return line
}

/** The first `length` UTF-16 units of `text`, without half of a pair at the end. */
function cut(text: string, length: number): string {
  const end = (text.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length
  return text.slice(0, end)
}
