// Many logs under one anchor (spec/proof.md, Anchor): an aggregator's tree of other people's signed heads. It only grows, so each anchor covers every head.

import type { Store, Write } from '@haggle/store'
import { concat, decode, encode, equalBytes, HaggleError, MESSAGE_LIMITS, type Suite, toHex, utf8, type Value } from '@haggle/wire'
import type { SignedHead } from './checkpoint.ts'
import { openHead } from './evidence.ts'
import { HASH_BYTES, leafHash, verifyInclusion } from './rfc9162.ts'
import { decompose, Frontier, inclusionSpans, TreeHasher } from './tree.ts'

/** Number under which an aggregator anchors its tree: its own logs count from 0 and never get there. */
export const AGGREGATE_LOG = 0xffff_ffff

/** First line of an anchor file. */
const MAGIC = /* @__PURE__ */ utf8('haggle-anchor/1\n')
/** Bytes of an account on a chain. */
const ACCOUNT_BYTES = 20
/** A path in a tree of 2^32 leaves. */
const MAX_PATH = 32

/** Where an aggregate is anchored. */
export interface AggregateAnchor {
  /** Chain id. */
  readonly chain: number
  /** The aggregator's account, 20 bytes. */
  readonly account: Uint8Array
  /** Heads in the tree at the anchor. */
  readonly size: number
  /** Root over them, 32 bytes. */
  readonly root: Uint8Array
}

/** What an anchor file says: true if and only if the chain has that anchor. */
export interface AnchorProof extends AggregateAnchor {
  /** Number that it is anchored under: {@link AGGREGATE_LOG}. */
  readonly log: number
  /** Place of the head in the aggregator's tree. */
  readonly index: number
  /** The head, signed by the owner of its log. */
  readonly head: SignedHead
}

/** An aggregator's tree. */
export interface Aggregate {
  /** Heads in it. */
  readonly size: number
  /** Logs of which it has a head. */
  readonly logs: number
  /** Root over them. */
  root(): Uint8Array
  /** Adds the heads that are newer than what went in of their log before, at `atS` in unix seconds. Returns how many were. */
  add(heads: Iterable<SignedHead>, atS: number): Promise<number>
  /** When a head went in, unix seconds; null when there is none at that place. */
  addedAtS(index: number): Promise<number | null>
  /** The newest head of a log that is in it. */
  newest(owner: Uint8Array, log: number): Promise<SignedHead | undefined>
  /** Place of the head of an owner that went in last among the first `size`. */
  placeOf(owner: Uint8Array, size: number): Promise<number | undefined>
  /** The anchor file of the newest head of an owner that was in the tree at that anchor; null when there was none, or the anchor is of another tree. */
  prove(owner: Uint8Array, anchor: AggregateAnchor): Promise<Uint8Array | null>
}

/** Opens the tree that is kept in `store`, a store or sub-store of its own. One writer at a time. */
export async function openAggregate({ store, suite }: { readonly store: Store; readonly suite: Suite }): Promise<Aggregate> {
  const hasher = new TreeHasher(suite.sha256)
  let [size, logs] = await pairAt(store, 'size')
  const hash = async (level: number, index: number): Promise<Uint8Array> => {
    const found = await store.get(nodeKey(level, index))
    if (found === undefined) throw new HaggleError('E_AGGREGATE', `The aggregate lacks node ${index} of level ${level}`)
    return found
  }
  const nodes = async (from: number, to: number): Promise<Uint8Array[]> =>
    await Promise.all(decompose(from, to).map(({ level, index }) => hash(level, index)))
  const leaf = async (index: number): Promise<readonly [atS: number, envelope: Uint8Array]> => {
    const found = await store.get(leafKey(index))
    if (found === undefined) throw new HaggleError('E_AGGREGATE', `The aggregate lacks head ${index}`)
    return decode(found) as readonly [number, Uint8Array]
  }
  const placeOf = async (owner: Uint8Array, before: number): Promise<number | undefined> => {
    const range = { gte: placeKey(owner, 0), lt: placeKey(owner, before), reverse: true, limit: 1 }
    for await (const [key] of store.range(range)) return Number.parseInt(key.slice(-8), 16)
    return undefined
  }
  let tree = new Frontier(hasher, size, await nodes(0, size))
  return {
    get size() {
      return size
    },
    get logs() {
      return logs
    },
    root: () => tree.root(),
    async add(heads, atS) {
      const next = tree.clone()
      const writes: Write[] = []
      const newest = new Map<string, number>()
      let more = 0
      for (const { signer, body, bytes } of heads) {
        const key = logKey(signer, body.log)
        const known = newest.get(key) ?? (await pairAt(store, key))[1]
        if (body.size <= known) continue
        if (known === 0) more++
        newest.set(key, body.size)
        const at = next.size
        const made = next.push(leafHash(bytes, suite.sha256))
        made.forEach((value, level) => writes.push({ key: nodeKey(level, Math.floor(at / 2 ** level)), value }))
        writes.push(
          { key: leafKey(at), value: encode([atS, bytes]) },
          { key, value: encode([at, body.size]) },
          { key: placeKey(signer, at), value: encode(body.log) },
        )
      }
      if (writes.length === 0) return 0
      const added = next.size - size
      await store.write([...writes, { key: 'size', value: encode([next.size, logs + more]) }], { sync: true })
      tree = next
      size = next.size
      logs += more
      return added
    },
    addedAtS: async (index) => (index >= 0 && index < size ? (await leaf(index))[0] : null),
    async newest(owner, log) {
      const [index, known] = await pairAt(store, logKey(owner, log))
      return known === 0 ? undefined : openHead((await leaf(index))[1], suite)
    },
    placeOf,
    async prove(owner, { chain, account, size: at, root }) {
      const index = at > size ? undefined : await placeOf(owner, at)
      if (index === undefined || !equalBytes(hasher.fold(await nodes(0, at)), root)) return null
      const path = await Promise.all(inclusionSpans(index, at).map(async ({ from, to }) => hasher.fold(await nodes(from, to))))
      const [, envelope] = await leaf(index)
      return concat(MAGIC, encode([chain, account, AGGREGATE_LOG, at, root, index, path, envelope]))
    },
  }
}

/**
 * Checks an anchor file from its bytes alone: that the head is under the root which it says is anchored. Whether it is, the chain knows. Throws
 * `E_ANCHOR_FORMAT`, `E_ANCHOR_PATH`, and what `open` throws for a bad head.
 */
export function verifyAnchorProof(file: Uint8Array, suite: Suite): AnchorProof {
  if (!equalBytes(file.subarray(0, MAGIC.length), MAGIC)) throw malformed('it does not begin with "haggle-anchor/1"')
  const { envelope, path, ...proof } = parts(decode(file.subarray(MAGIC.length), MESSAGE_LIMITS))
  const head = openHead(envelope, suite)
  const { index, size, root } = proof
  if (!verifyInclusion({ leaf: leafHash(envelope, suite.sha256), index, size, proof: path, root }, suite.sha256))
    throw new HaggleError('E_ANCHOR_PATH', `Cannot accept the anchor: head ${index} is not under the root of ${size} heads`)
  return { ...proof, head }
}

function parts(value: Value): Omit<AnchorProof, 'head'> & { readonly path: Uint8Array[]; readonly envelope: Uint8Array } {
  if (!Array.isArray(value) || value.length !== 8) throw malformed('it must hold eight values')
  const [chain, account, log, size, root, index, path, envelope] = value as readonly Value[]
  if (typeof chain !== 'number' || typeof log !== 'number' || typeof size !== 'number' || typeof index !== 'number')
    throw malformed('chain, log, size and index must be numbers')
  if (!isBytes(account, ACCOUNT_BYTES) || !isBytes(root, HASH_BYTES) || !(envelope instanceof Uint8Array))
    throw malformed('account, root and head must be bytes')
  if (!Array.isArray(path) || path.length > MAX_PATH || !path.every((hash: Value) => isBytes(hash, HASH_BYTES)))
    throw malformed('its path must be hashes')
  return { chain, account, log, size, root, index, path: path as Uint8Array[], envelope }
}

function isBytes(value: Value | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length
}

function malformed(why: string): HaggleError {
  return new HaggleError('E_ANCHOR_FORMAT', `Cannot read the anchor: ${why}`)
}

const hex8 = (value: number): string => value.toString(16).padStart(8, '0')
const nodeKey = (level: number, index: number): string => `n${level.toString(16).padStart(2, '0')}${hex8(index)}`
const leafKey = (index: number): string => `h${hex8(index)}`
const logKey = (owner: Uint8Array, log: number): string => `o${toHex(owner)}${hex8(log)}`
const placeKey = (owner: Uint8Array, index: number): string => `p${toHex(owner)}${hex8(index)}`

/** Two numbers that are kept under a key; zeros when there are none. */
async function pairAt(store: Store, key: string): Promise<readonly [number, number]> {
  const found = await store.get(key)
  return found === undefined ? [0, 0] : (decode(found) as readonly [number, number])
}
