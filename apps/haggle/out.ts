// Printing: data on stdout, JSON or lines.

/** Prints lines on stdout. */
export function print(...lines: readonly string[]): void {
  quietStdout().write(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
}

/** Prints one JSON value on stdout, as one line. */
export function printJson(value: unknown): void {
  quietStdout().write(`${JSON.stringify(value)}\n`)
}

/** Prints a line on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** stdout, where a reader that leaves early, such as `head`, is no error. */
function quietStdout(): NodeJS.WriteStream {
  const { stdout } = process
  if (stdout.listenerCount('error') === 0) {
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
  return stdout
}
