// The compliance suite of anchors.

import type { ChainAnchor } from './anchor.ts'

/** How the suite makes what it tests, and the test runner's functions that it needs. */
export interface AnchorTestInit {
  readonly it: (title: string, run: () => Promise<void>) => void
  /** Deep equality. Throws when it does not hold. */
  readonly equal: (actual: unknown, expected: unknown) => void
  /** A fresh chain with two accounts that can pay for transactions. */
  readonly make: () => Promise<{ readonly mine: ChainAnchor; readonly other: ChainAnchor; stop?(): Promise<void> }>
}

/** Holds a {@link ChainAnchor} to its interface. */
export function testChainAnchor(name: string, { make, it, equal }: AnchorTestInit): void {
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
  const head = (size: number, log = 0) => ({ log, size, root: new Uint8Array(32).fill(size) })
  const test = (title: string, run: (made: { mine: ChainAnchor; other: ChainAnchor }) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const made = await make()
      try {
        await run(made)
      } finally {
        await made.stop?.()
      }
    })

  test('latest() gives null before, and then the newest anchor of each log', async ({ mine, other }) => {
    equal(await mine.latest(0), null)
    const first = await mine.anchor(head(3))
    equal({ log: first.log, size: first.size, root: first.root }, head(3))
    equal(await mine.latest(0), first)
    const second = await mine.anchor(head(9))
    equal(await mine.latest(0), second)
    equal(second.block >= first.block && second.transaction !== first.transaction, true)
    equal(await mine.latest(1), null)
    const next = await mine.anchor(head(1, 1))
    equal([await mine.latest(0), await mine.latest(1)], [second, next])
    equal(await other.latest(0), null)
  })

  test('anchor() rejects with E_ANCHOR a head that has not grown', async ({ mine }) => {
    await mine.anchor(head(5))
    for (const size of [5, 4, 0])
      equal(await mine.anchor({ ...head(5), size, root: new Uint8Array(32).fill(77) }).catch(codeOf), 'E_ANCHOR')
    equal((await mine.latest(0))?.root, head(5).root)
  })

  test('check() finds every anchor that ever was, of anybody, and nothing else', async ({ mine, other }) => {
    await mine.anchor(head(3))
    await mine.anchor(head(9))
    await other.anchor(head(4))
    const { account } = mine
    equal(await other.check({ account, ...head(3) }), 'anchored')
    equal(await mine.check({ account, ...head(9) }), 'anchored')
    equal(await mine.check({ account: other.account, ...head(4) }), 'anchored')
    for (const absent of [head(4), head(3, 1), { ...head(3), root: head(9).root }, { ...head(9), size: 10 }])
      equal(await mine.check({ account, ...absent }), 'absent')
    // The last bytes of the root count too.
    equal(await mine.check({ account, ...head(9), root: head(9).root.map((octet, at) => (at === 31 ? octet ^ 1 : octet)) }), 'absent')
  })

  test('anchor() rejects with the reason of a signal that is aborted', async ({ mine }) => {
    const signal = AbortSignal.abort(new Error('enough'))
    equal(await mine.anchor(head(1), { signal }).catch((error: Error) => error.message), 'enough')
    equal(await mine.latest(0), null)
  })
}
