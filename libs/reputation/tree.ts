// Which stored hashes a root or a proof is made of: addresses of complete subtrees, and how they fold into the tree of any size.

import { emptyRoot, HASH_BYTES, type Sha256 } from './rfc9162.ts'

/**
 * A complete subtree: the `2 ** level` leaves from `index * 2 ** level`. It is finished by leaf {@link finisher}, beside whose entry its
 * hash is stored: each append writes its leaf and the nodes that the leaf completes, one and a bit on average, and no other key.
 */
export interface Node {
  readonly level: number
  readonly index: number
}

/** The leaf whose append completes `node`. */
export function finisher(node: Node): number {
  return (node.index + 1) * 2 ** node.level - 1
}

/** How many inner nodes leaf `index` completes: the trailing one bits of `index`. */
export function nodesFinishedBy(index: number): number {
  let count = 0
  for (let i = index; i % 2 === 1; i = (i - 1) / 2) count++
  return count
}

/** The complete subtrees, left to right, that make up leaves `[from, to)`; `from` is a multiple of the largest of them. */
export function decompose(from: number, to: number): Node[] {
  const nodes: Node[] = []
  for (let at = from; at < to;) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++
    nodes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return nodes
}

/** The three hashes of the tree over one injected SHA-256, without an allocation for each: a log of a million entries takes three million. */
export class TreeHasher {
  /** The hash that everything is made of. */
  readonly sha256: Sha256
  readonly #leaf = new Uint8Array(1 + HASH_BYTES)
  readonly #node = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1)

  /** Hashes with `sha256`, which must not keep its argument. */
  constructor(sha256: Sha256) {
    this.sha256 = sha256
  }

  /** The leaf of an entry: `sha256(0x00 ‖ sha256(saltAndEntry))`. */
  leaf(saltAndEntry: Uint8Array): Uint8Array {
    this.#leaf.set(this.sha256(saltAndEntry), 1)
    return this.sha256(this.#leaf)
  }

  /** The node over two: `sha256(0x01 ‖ left ‖ right)`. */
  node(left: Uint8Array, right: Uint8Array): Uint8Array {
    this.#node.set(left, 1)
    this.#node.set(right, 1 + HASH_BYTES)
    return this.sha256(this.#node)
  }

  /** The hash over subtrees as {@link decompose} lists them, folded from the right. The empty list gives the empty tree's root. */
  fold(hashes: readonly Uint8Array[]): Uint8Array {
    let root: Uint8Array | undefined
    for (let i = hashes.length - 1; i >= 0; i--) root = root === undefined ? hashes[i]! : this.node(hashes[i]!, root)
    return root ?? emptyRoot(this.sha256)
  }
}

/** A run of leaves whose joint hash is one element of a proof. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** The spans, leaf first, of the inclusion proof of leaf `index` in the tree of `size` leaves: RFC 9162 section 2.1.3.1. */
export function inclusionSpans(index: number, size: number): Span[] {
  const spans: Span[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const split = from + largestPowerBelow(to - from)
    if (index < split) {
      spans.push({ from: split, to })
      to = split
    } else {
      spans.push({ from, to: split })
      from = split
    }
  }
  return spans.reverse()
}

/** The spans of the consistency proof between the trees of `older` and `newer` leaves: RFC 9162 section 2.1.4.1. */
export function consistencySpans(older: number, newer: number): Span[] {
  if (older === 0 || older === newer) return []
  const spans: Span[] = []
  let from = 0
  let to = newer
  // True while [from, to) began as a whole tree of the older size: then its root is known to the verifier and left out.
  let whole = true
  while (older !== to) {
    const split = from + largestPowerBelow(to - from)
    if (older <= split) {
      spans.push({ from: split, to })
      to = split
    } else {
      spans.push({ from, to: split })
      from = split
      whole = false
    }
  }
  if (!whole) spans.push({ from, to })
  return spans.reverse()
}

/** The largest power of two below `n`, for n >= 2. */
function largestPowerBelow(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1)
}

/** The right edge of a growing tree: the hashes of its complete subtrees, largest first, to which leaves are added. */
export class Frontier {
  readonly #hasher: TreeHasher
  readonly #hashes: Uint8Array[]
  #size: number

  /** Continues a tree of `size` leaves whose {@link decompose} hashes are `hashes`. */
  constructor(hasher: TreeHasher, size: number = 0, hashes: readonly Uint8Array[] = []) {
    this.#hasher = hasher
    this.#size = size
    this.#hashes = [...hashes]
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size
  }

  /** An independent copy: what a group of appends works on until it is on disk. */
  clone(): Frontier {
    return new Frontier(this.#hasher, this.#size, this.#hashes)
  }

  /** Adds a leaf. Returns its hash and those of the nodes that it completes, bottom up. */
  push(leaf: Uint8Array): Uint8Array[] {
    const made = [leaf]
    let hash = leaf
    for (let i = this.#size; i % 2 === 1; i = (i - 1) / 2) {
      hash = this.#hasher.node(this.#hashes.pop()!, hash)
      made.push(hash)
    }
    this.#hashes.push(hash)
    this.#size++
    return made
  }

  /** The root of the tree as it is now. */
  root(): Uint8Array {
    return this.#hasher.fold(this.#hashes)
  }
}
