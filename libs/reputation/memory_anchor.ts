// Anchors on a chain in memory, for tests of whatever anchors.

import { equalBytes, HaggleError, toHex } from '@haggle/wire'
import type { AnchorClaim, Anchored, ChainAnchor } from './anchor.ts'
import type { Head } from './checkpoint.ts'

/** A chain in memory that several accounts anchor on. */
export interface MemoryAnchors {
  /** The anchors of `account` (20 bytes). */
  of(account: Uint8Array): ChainAnchor
  /** True: every call rejects with `E_CHAIN_UNREACHABLE`. */
  down: boolean
}

/**
 * A chain in memory. Each anchor is a block.
 *
 * @example
 * ```ts
 * import { memoryAnchors } from "@haggle/reputation/testing";
 * import { expect } from "vitest";
 *
 * const mine = memoryAnchors().of(new Uint8Array(20).fill(1));
 * const head = { log: 0, size: 3, root: new Uint8Array(32).fill(7) };
 * await mine.anchor(head);
 * expect(await mine.check({ account: mine.account, ...head })).toBe("anchored");
 * ```
 */
export function memoryAnchors(): MemoryAnchors {
  const all: (Anchored & { readonly account: Uint8Array })[] = []
  const of = (account: Uint8Array, log: number): (Anchored & { readonly account: Uint8Array })[] =>
    all.filter((one) => equalBytes(one.account, account) && one.log === log)
  const chain: MemoryAnchors = {
    down: false,
    of: (account) => ({
      account,
      async latest(log) {
        reach(chain)
        const newest = of(account, log).at(-1)
        return newest ? plain(newest) : null
      },
      async anchor(head: Head, { signal } = {}) {
        signal?.throwIfAborted()
        reach(chain)
        const before = of(account, head.log).at(-1)
        if (head.size <= (before?.size ?? 0)) {
          throw new HaggleError('E_ANCHOR', `Cannot anchor ${head.size} entries: ${before?.size ?? 0} are anchored`, {
            details: { size: head.size },
          })
        }
        const block = all.length + 1
        const anchored = { ...head, account, block, transaction: `0x${toHex(head.root)}` }
        all.push(anchored)
        return plain(anchored)
      },
      async check({ account: by, log, size, root }: AnchorClaim) {
        reach(chain)
        return of(by, log).some((one) => one.size === size && equalBytes(one.root, root)) ? 'anchored' : 'absent'
      },
    }),
  }
  return chain
}

function plain({ log, size, root, block, transaction }: Anchored): Anchored {
  return { log, size, root, block, transaction }
}

function reach({ down }: { readonly down: boolean }): void {
  if (down) throw new HaggleError('E_CHAIN_UNREACHABLE', 'The chain does not answer')
}
