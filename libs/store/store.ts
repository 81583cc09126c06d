// The Store seam: an ordered map from short strings to bytes, with atomic batches that are synced before they resolve.

/** One write of a batch. `value: null` deletes the key. */
export interface Write {
  /** Non-empty and well-formed; keys are ordered by their UTF-8 bytes. */
  readonly key: string
  /** The bytes to keep, or null to delete. */
  readonly value: Uint8Array | null
}

/** Bounds of a range read, over keys in byte order. */
export interface Range {
  /** First key, itself included. */
  readonly gte?: string
  /** First key, itself left out. */
  readonly gt?: string
  /** Last key, itself left out. */
  readonly lt?: string
  /** Last key, itself included. */
  readonly lte?: string
  /** True: from the last key to the first. */
  readonly reverse?: boolean
  /** Most entries that are given. */
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
  /** The same as `range`, many entries at a time: for reading a million of them. `chunksOf` stands in where a store lacks it. */
  chunks?(range?: Range): AsyncIterable<readonly (readonly [key: string, value: Uint8Array])[]>
  /** The keys of `range` alone, many at a time. `keysOf` stands in where a store lacks it. */
  keys?(range?: Range): AsyncIterable<readonly string[]>
  /** The same store under a prefix: `sub("a")` sees key `k` where this store sees `a!k`. */
  sub(prefix: string): Store
  /** Releases it; later calls reject with `E_STORE_CLOSED`. Closing a `sub` does nothing. */
  close(): Promise<void>
}
