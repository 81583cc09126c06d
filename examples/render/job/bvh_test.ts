import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildBvh } from './bvh.ts'

describe('buildBvh()', () => {
  it('holds every box exactly once, inside the bounds of every node above it', () => {
    const box = fc.tuple(
      ...[0, 1, 2].map(() => fc.double({ min: -10, max: 10, noNaN: true })),
      ...[0, 1, 2].map(() => fc.double({ min: 0, max: 2, noNaN: true })),
    )
    fc.assert(
      fc.property(fc.array(box, { minLength: 1, maxLength: 60 }), (list) => {
        const boxes = Float64Array.from(list.flatMap(([x = 0, y = 0, z = 0, w = 0, h = 0, d = 0]) => [x, y, z, x + w, y + h, z + d]))
        const tree = buildBvh(boxes)
        const seen: number[] = []
        const visit = (node: number): void => {
          const [first = 0, count = 0] = [tree.first[node], tree.count[node]]
          const children = count > 0 ? [] : [first, first + 1]
          const inside =
            count > 0
              ? Array.from(tree.order.slice(first, first + count), (item) => boxes.subarray(item * 6, item * 6 + 6))
              : children.map((child) => tree.bounds.subarray(child * 6, child * 6 + 6))
          for (const one of inside) {
            for (let axis = 0; axis < 3; axis++) {
              expect(one[axis]!).toBeGreaterThanOrEqual(tree.bounds[node * 6 + axis]!)
              expect(one[axis + 3]!).toBeLessThanOrEqual(tree.bounds[node * 6 + axis + 3]!)
            }
          }
          if (count > 0) seen.push(...tree.order.slice(first, first + count))
          for (const child of children) visit(child)
        }
        visit(0)
        expect(seen.sort((a, b) => a - b)).toEqual(list.map((_, i) => i))
      }),
    )
  })
})
