// A stock of named pipes: Node can't make pipes for children, and its socket pairs can't be opened again as /dev/stdout.

import { execFile } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Pipes made by one `mkfifo`. */
const BATCH = 24
/** A new batch is made in the background when fewer are left: enough for two jobs. */
const LOW = 8

/** Both ends of one pipe, as file descriptors. The pipe has no name any more. */
export interface Fifo {
  readonly read: number
  readonly write: number
}

/** Makes pipes in a folder of its own. */
export class Fifos {
  readonly #folder: string
  readonly #names: string[] = []
  #made = 0
  #making: Promise<void> | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Removes what an earlier process left. Called once, before the first pipe is taken. */
  reset(): void {
    rmSync(this.#folder, { recursive: true, force: true })
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  /** A pipe whose read end does not block. `blockingWrite` says how this process wants the write end when it writes itself. */
  async take({ blockingWrite }: { blockingWrite: boolean }): Promise<Fifo> {
    while (this.#names.length === 0) await this.#refill()
    if (this.#names.length < LOW) void this.#refill()
    const path = this.#names.shift() ?? ''
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return { read, write: openSync(path, blockingWrite ? constants.O_WRONLY : constants.O_WRONLY | constants.O_NONBLOCK) }
    } catch (error) {
      closeSync(read)
      throw error
    } finally {
      unlinkSync(path)
    }
  }

  #refill(): Promise<void> {
    this.#making ??= (async () => {
      try {
        const names = Array.from({ length: BATCH }, () => join(this.#folder, String(this.#made++)))
        await run('mkfifo', ['-m', '600', ...names], { env: { PATH: '/usr/bin:/bin' } })
        this.#names.push(...names)
      } finally {
        this.#making = null
      }
    })()
    return this.#making
  }
}
