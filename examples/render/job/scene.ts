// From the scene file that people edit to the flat arrays that the tracer reads, on the CPU and on the GPU alike.

import { type Bvh, buildBvh } from './bvh.ts'
import { addCoin, addKnot, type Placement, type Triangles } from './mesh.ts'
import { hash32 } from './sampler.ts'

type Vec = readonly [number, number, number]
type Span = readonly [number, number]

/** Kinds of surface, as numbers because the GPU has no strings. */
export const MATTE = 0
export const GLOSSY = 1
export const METAL = 2
export const GLASS = 3
export const LAMP = 4
export const TILES = 5

const KINDS = { matte: MATTE, glossy: GLOSSY, metal: METAL, glass: GLASS, lamp: LAMP, tiles: TILES } as const

/** One material of the scene file. Colours are linear, 0..1; `rough` is 0..1; `absorb` is per unit of length. */
export interface MaterialFile {
  readonly kind: keyof typeof KINDS
  readonly colour: Vec
  readonly rough?: number
  readonly ior?: number
  readonly absorb?: Vec
}

/** The scene file. Lengths in metres, angles in turns. */
export interface SceneFile {
  readonly width: number
  readonly height: number
  readonly tile: Span
  /** Paths a pixel: a power of two. */
  readonly samples: number
  readonly bounces: number
  readonly seed: number
  readonly camera: { readonly at: Vec; readonly look: Vec; readonly fov: number; readonly aperture: number; readonly focus: number }
  readonly sky: { readonly zenith: Vec; readonly horizon: Vec; readonly glow: Vec }
  readonly floor: { readonly material: string; readonly size: number }
  readonly materials: Readonly<Record<string, MaterialFile>>
  readonly spheres: readonly { readonly at: Vec; readonly radius: number; readonly material: string }[]
  readonly knots: readonly (Placement & {
    readonly p: number
    readonly q: number
    readonly tube: number
    readonly steps: number
    readonly sides: number
    readonly material: string
  })[]
  /** Stacks of coins: each a little off the one below. */
  readonly stacks: readonly {
    readonly at: Vec
    readonly radius: number
    readonly height: number
    readonly coins: number
    readonly sides: number
    readonly material: string
  }[]
  /** Rectangles that light the scene, seen from the side that `u × v` points to. */
  readonly panels: readonly { readonly at: Vec; readonly u: Vec; readonly v: Vec; readonly emit: Vec }[]
  /** Balls scattered over the floor, none touching another thing. */
  readonly scatter: readonly {
    readonly count: number
    readonly seed: number
    readonly x: Span
    readonly y: Span
    readonly z: Span
    readonly radius: Span
    readonly materials: readonly string[]
    readonly apart: boolean
  }[]
}

/** Numbers a material, in this order: kind, r, g, b, rough, ior, absorb r, g, b, (three free). */
export const MATERIAL_STRIDE = 12
/** Numbers a sphere: x, y, z, radius, material. */
export const SPHERE_STRIDE = 5
/** Numbers a panel: corner xyz, u xyz, v xyz, normal xyz, emit rgb, area. */
export const PANEL_STRIDE = 16

/** What the tracer reads. */
export interface Scene {
  readonly file: SceneFile
  readonly materials: Float64Array
  readonly spheres: Float64Array
  /** Nine numbers a triangle. */
  readonly positions: Float64Array
  readonly normals: Float64Array
  readonly triangleMaterials: Int32Array
  readonly panels: Float64Array
  readonly floorMaterial: number
  /** Items: spheres first, then triangles. */
  readonly bvh: Bvh
}

/** Parses and compiles a scene file. Throws a plain Error that names what is wrong. */
export function compileScene(text: string): Scene {
  const file = JSON.parse(text) as SceneFile
  if ((file.samples & (file.samples - 1)) !== 0) throw new Error(`samples must be a power of two, is ${file.samples}`)
  const names = Object.keys(file.materials)
  const material = (name: string): number => {
    const index = names.indexOf(name)
    if (index < 0) throw new Error(`the scene has no material "${name}"`)
    return index
  }
  const materials = new Float64Array(names.length * MATERIAL_STRIDE)
  for (const [i, { kind, colour, rough = 0, ior = 1.5, absorb = [0, 0, 0] }] of Object.values(file.materials).entries()) {
    materials.set([KINDS[kind], ...colour, rough, ior, ...absorb], i * MATERIAL_STRIDE)
  }

  const triangles: Triangles = { positions: [], normals: [], materials: [] }
  for (const knot of file.knots) addKnot(triangles, material(knot.material), knot, knot)
  for (const [s, stack] of file.stacks.entries()) {
    for (let i = 0; i < stack.coins; i++) {
      const [a, b, c] = [0, 1, 2].map((j) => hash32(s * 1000 + i * 10 + j) / 4294967296 - 0.5) as [number, number, number]
      const at: Vec = [stack.at[0] + a * stack.radius * 0.12, stack.at[1] + i * stack.height, stack.at[2] + b * stack.radius * 0.12]
      addCoin(
        triangles,
        material(stack.material),
        { at, scale: stack.radius, spin: c },
        { height: stack.height / stack.radius, sides: stack.sides },
      )
    }
  }

  const spheres = file.spheres.flatMap(({ at, radius, material: name }) => [...at, radius, material(name)])
  for (const rule of file.scatter) scatterInto(spheres, rule, file, material)

  const positions = Float64Array.from(triangles.positions)
  return {
    file,
    materials,
    spheres: Float64Array.from(spheres),
    positions,
    normals: Float64Array.from(triangles.normals),
    triangleMaterials: Int32Array.from(triangles.materials),
    panels: Float64Array.from(file.panels.flatMap(panelNumbers)),
    floorMaterial: material(file.floor.material),
    bvh: buildBvh(itemBoxes(spheres, positions)),
  }
}

function panelNumbers({ at, u, v, emit }: SceneFile['panels'][number]): number[] {
  const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]] as const
  const area = Math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
  return [...at, ...u, ...v, n[0] / area, n[1] / area, n[2] / area, ...emit, area]
}

/** Puts balls of a rule where there is room: on the floor when `y` is [0, 0], else in the air. */
function scatterInto(spheres: number[], rule: SceneFile['scatter'][number], file: SceneFile, material: (name: string) => number): void {
  let draws = hash32(rule.seed)
  const draw = (low: number, high: number): number => {
    draws = hash32(draws)
    return low + ((high - low) * draws) / 4294967296
  }
  const keepOff = [
    ...file.knots.map(({ at, scale }) => [at[0], at[2], scale * 1.15] as const),
    ...file.stacks.map(({ at, radius }) => [at[0], at[2], radius * 1.2] as const),
  ]
  for (let made = 0, tries = 0; made < rule.count && tries < rule.count * 40; tries++) {
    const radius = draw(rule.radius[0], rule.radius[1])
    const [x, z] = [draw(rule.x[0], rule.x[1]), draw(rule.z[0], rule.z[1])]
    const y = rule.y[1] === 0 ? radius : draw(rule.y[0], rule.y[1])
    const name = rule.materials[Math.floor(draw(0, rule.materials.length))] ?? rule.materials[0] ?? ''
    if (rule.apart) {
      const near = (px: number, pz: number, r: number): boolean => (px - x) * (px - x) + (pz - z) * (pz - z) < (r + radius) * (r + radius)
      if (keepOff.some(([px, pz, r]) => near(px, pz, r))) continue
      let touches = false
      for (let i = 0; i < spheres.length; i += SPHERE_STRIDE)
        touches ||= near(spheres[i] ?? 0, spheres[i + 2] ?? 0, (spheres[i + 3] ?? 0) * 1.02)
      if (touches) continue
    }
    spheres.push(x, y, z, radius, material(name))
    made += 1
  }
}

function itemBoxes(spheres: readonly number[], positions: Float64Array): Float64Array {
  const ballCount = spheres.length / SPHERE_STRIDE
  const boxes = new Float64Array((ballCount + positions.length / 9) * 6)
  for (let i = 0; i < ballCount; i++) {
    const [x = 0, y = 0, z = 0, r = 0] = spheres.slice(i * SPHERE_STRIDE, i * SPHERE_STRIDE + 4)
    boxes.set([x - r, y - r, z - r, x + r, y + r, z + r], i * 6)
  }
  for (let i = 0; i < positions.length / 9; i++) {
    for (let axis = 0; axis < 3; axis++) {
      const [a = 0, b = 0, c = 0] = [positions[i * 9 + axis], positions[i * 9 + 3 + axis], positions[i * 9 + 6 + axis]]
      boxes[(ballCount + i) * 6 + axis] = Math.min(a, b, c)
      boxes[(ballCount + i) * 6 + 3 + axis] = Math.max(a, b, c)
    }
  }
  return boxes
}
