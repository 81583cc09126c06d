import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BlockQueue } from './_block_queue.ts'

it('BlockQueue gives the marked blocks by their first number, then the second', () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(Infinity))
  const block = fc.record({ isMarked: fc.boolean(), first: number, tie: fc.integer({ min: 0, max: 3 }) })
  fc.assert(
    fc.property(fc.array(block, { maxLength: 100 }), (blocks) => {
      const bits = new Uint32Array(4)
      for (const [at, { isMarked }] of blocks.entries()) if (isMarked) bits[at >>> 5]! |= 1 << (at & 31)
      const queue = new BlockQueue(100)
      // What was left of an earlier search is gone.
      queue.fill(Uint32Array.of(7), new Float64Array(32), new Float64Array(32))
      queue.fill(
        bits,
        Float64Array.from(blocks, ({ first }) => first),
        Float64Array.from(blocks, ({ tie }) => tie),
      )
      const given: number[] = []
      for (let at = queue.next(); at >= 0; at = queue.next()) given.push(at)
      const sorts = (at: number): number[] => [blocks[at]!.first, blocks[at]!.tie]
      const marked = blocks.flatMap(({ isMarked }, at) => (isMarked ? [at] : []))
      expect([...given].sort((a, b) => a - b)).toEqual(marked)
      expect(given.map(sorts)).toEqual(marked.map(sorts).sort((a, b) => (a[0]! === b[0]! ? a[1]! - b[1]! : a[0]! < b[0]! ? -1 : 1)))
    }),
  )
})
