// Which of LevelDB's errors are the disk's.

/** What LevelDB says when files are damaged, locked by another process, or refused by the system; undefined for every other error. */
export function causeCode(error: unknown): 'LEVEL_CORRUPTION' | 'LEVEL_LOCKED' | 'LEVEL_IO_ERROR' | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = 'code' in e ? e.code : undefined
    if (code === 'LEVEL_LOCKED' || code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR') return code
  }
  return undefined
}
