// Triangles for the shapes that are no spheres: knots and coins, with smooth normals.

import { cosTurn, sinTurn } from './exact_math.ts'

/** A growing list of triangles: positions and normals, nine numbers each a triangle, and a material each. */
export interface Triangles {
  readonly positions: number[]
  readonly normals: number[]
  readonly materials: number[]
}

type Vec = readonly [number, number, number]

const cross = (a: Vec, b: Vec): Vec => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
const normalize = (a: Vec): Vec => {
  const length = Math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) || 1
  return [a[0] / length, a[1] / length, a[2] / length]
}

function push(into: Triangles, material: number, corners: readonly (readonly [Vec, Vec])[]): void {
  for (const [position, normal] of corners) {
    into.positions.push(...position)
    into.normals.push(...normal)
  }
  into.materials.push(material)
}

/** How a shape stands in the scene. Turns, not degrees: 0.25 is a quarter. */
export interface Placement {
  readonly at: Vec
  readonly scale: number
  /** Turns about the vertical axis, after the tilt. */
  readonly spin?: number
  /** Turns about the x axis. */
  readonly tilt?: number
}

function place(point: Vec, { at, scale, spin = 0, tilt = 0 }: Placement, isNormal: boolean): Vec {
  const [ct, st, cs, ss] = [cosTurn(tilt), sinTurn(tilt), cosTurn(spin), sinTurn(spin)]
  const y = point[1] * ct - point[2] * st
  const z = point[1] * st + point[2] * ct
  const x = point[0] * cs + z * ss
  const turned: Vec = [x, y, z * cs - point[0] * ss]
  return isNormal ? turned : [at[0] + scale * turned[0], at[1] + scale * turned[1], at[2] + scale * turned[2]]
}

/** A (p, q) torus knot as a tube of radius `tube` (in units of the knot's own ring of radius 1). */
export function addKnot(
  into: Triangles,
  material: number,
  placement: Placement,
  shape: { p: number; q: number; tube: number; steps: number; sides: number },
): void {
  const { p, q, tube, steps, sides } = shape
  const centre = (t: number): Vec => {
    const r = 1 + 0.42 * cosTurn(q * t)
    return [r * cosTurn(p * t), r * sinTurn(p * t), 0.52 * sinTurn(q * t)]
  }
  const rings: (readonly [Vec, Vec])[][] = []
  for (let i = 0; i < steps; i++) {
    const [before, here, after] = [centre((i - 0.5) / steps), centre(i / steps), centre((i + 0.5) / steps)]
    const along = normalize([after[0] - before[0], after[1] - before[1], after[2] - before[2]])
    // The direction away from the knot's axis is never along the tube, so this frame never flips.
    const side = normalize(cross(along, [here[0], here[1], here[2] * 0.2]))
    const up = cross(side, along)
    rings.push(
      Array.from({ length: sides }, (_, j) => {
        const [c, s] = [cosTurn(j / sides), sinTurn(j / sides)]
        const normal: Vec = [c * side[0] + s * up[0], c * side[1] + s * up[1], c * side[2] + s * up[2]]
        const position: Vec = [here[0] + tube * normal[0], here[1] + tube * normal[1], here[2] + tube * normal[2]]
        return [place(position, placement, false), place(normal, placement, true)] as const
      }),
    )
  }
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < sides; j++) {
      const corner = (di: number, dj: number): readonly [Vec, Vec] => {
        const found = rings[(i + di) % steps]?.[(j + dj) % sides]
        if (!found) throw new RangeError('ring out of range')
        return found
      }
      push(into, material, [corner(0, 0), corner(1, 0), corner(1, 1)])
      push(into, material, [corner(0, 0), corner(1, 1), corner(0, 1)])
    }
  }
}

/** A coin: a flat cylinder of radius 1 and height `height` with a bevelled, raised rim. Its foot stands on `at`. */
export function addCoin(into: Triangles, material: number, placement: Placement, shape: { height: number; sides: number }): void {
  const { height, sides } = shape
  // Outline from the middle of the top to the middle of the bottom: radius, height, and the normal of the band that follows.
  const rim = 0.12 * height
  const outline: (readonly [r: number, y: number])[] = [
    [0, height - rim],
    [0.86, height - rim],
    [0.89, height],
    [0.975, height],
    [1, height - rim],
    [1, rim],
    [0.975, 0],
    [0, 0],
  ]
  for (let band = 0; band + 1 < outline.length; band++) {
    const [r0, y0] = outline[band] ?? [0, 0]
    const [r1, y1] = outline[band + 1] ?? [0, 0]
    const [dr, dy] = [r1 - r0, y1 - y0]
    const length = Math.sqrt(dr * dr + dy * dy)
    const [nr, ny] = [-dy / length, dr / length]
    const corner = (r: number, y: number, turn: number): readonly [Vec, Vec] => {
      const [c, s] = [cosTurn(turn), sinTurn(turn)]
      return [place([r * c, y, r * s], placement, false), place([nr * c, ny, nr * s], placement, true)]
    }
    for (let j = 0; j < sides; j++) {
      const [a, b] = [j / sides, (j + 1) / sides]
      if (r1 > 0) push(into, material, [corner(r0, y0, a), corner(r1, y1, b), corner(r1, y1, a)])
      if (r0 > 0) push(into, material, [corner(r0, y0, a), corner(r0, y0, b), corner(r1, y1, b)])
    }
  }
}
