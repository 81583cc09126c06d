// The Store seam: an ordered map from short strings to bytes, with atomic batches that are synced before they resolve.

/** One write of a batch. `value: null` deletes the key. */
export interface Write {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Bounds of a range read, over keys in byte order. */
export interface Range {
  readonly gte?: string
  readonly gt?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  readonly limit?: number
}

/** Options of {@link Store.write}. */
export interface WriteOptions {
  /** True (the default): the batch is on disk when the promise resolves. False: it may be lost with the power, never torn. */
  readonly sync?: boolean
}

/** An ordered key-value store. Every implementation passes `testStore` of `@haggle/store/testing`. */
export interface Store {
  /** The value of `key`, or undefined. */
  get(key: string): Promise<Uint8Array | undefined>
  /** The values of `keys`, in their order. */
  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>
  /** Writes all of `batch` or nothing. Concurrent synced writes may share one sync (group commit). */
  write(batch: readonly Write[], options?: WriteOptions): Promise<void>
  /** The entries of `range` in key order. */
  range(range?: Range): AsyncIterable<readonly [key: string, value: Uint8Array]>
  /** The same store under a prefix: `sub("a")` sees key `k` where this store sees `a!k`. */
  sub(prefix: string): Store
  /** Releases it; later calls reject with `E_STORE_CLOSED`. Closing a `sub` does nothing. */
  close(): Promise<void>
}
