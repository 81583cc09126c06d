// Reading a range many entries at a time, whether or not the store can do so by itself.

import type { Range, Store } from './store.ts'

/** Entries of one chunk where the store gives them one by one. */
const CHUNK = 512

/** The entries of `range` in key order, in chunks: the store's own, or gathered. Empty chunks are not given. */
export async function* chunksOf(store: Store, range: Range = {}): AsyncGenerator<readonly (readonly [key: string, value: Uint8Array])[]> {
  if (store.chunks) {
    yield* store.chunks(range)
    return
  }
  let chunk: (readonly [key: string, value: Uint8Array])[] = []
  for await (const entry of store.range(range)) {
    chunk.push(entry)
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

/** The keys of `range` in order, in chunks: without their values where the store can do that. */
export async function* keysOf(store: Store, range: Range = {}): AsyncGenerator<readonly string[]> {
  if (store.keys) yield* store.keys(range)
  else for await (const chunk of chunksOf(store, range)) yield chunk.map(([key]) => key)
}
