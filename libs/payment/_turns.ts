// One thing after another, for each key.

/** Runs work of one key in the order in which it was asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const done = before.then(work, work)
    const quiet = done.catch(() => undefined)
    this.#last.set(key, quiet)
    void quiet.then(() => {
      if (this.#last.get(key) === quiet) this.#last.delete(key)
    })
    return done
  }
}
