// Where a ray meets the scene first: floor, lamps' panels, and the spheres and triangles of the tree.

import { PANEL_STRIDE, type Scene, SPHERE_STRIDE } from './scene.ts'

/** What a ray hit. Reused from ray to ray, so that the tracer makes no garbage. */
export interface Hit {
  /** Distance along the ray; Infinity when it met nothing. */
  t: number
  /** Outward normal, normalised, not turned to the ray. */
  nx: number
  ny: number
  nz: number
  material: number
  /** Index of the panel hit, or -1. */
  panel: number
}

/** Finds hits in one scene. */
export interface Intersector {
  /** Nearest hit of the ray from `o` along the unit vector `d`, into `hit`. */
  nearest(hit: Hit, ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): void
  /** True when something other than a panel stands between `o` and the point `limit` ahead. */
  blocked(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, limit: number): boolean
}

/** Closer than this is the surface that the ray left. */
const EPSILON = 1e-6

/** Prepares a scene for rays. */
export function createIntersector(scene: Scene): Intersector {
  const { spheres, positions, normals, triangleMaterials, panels, floorMaterial } = scene
  const { bounds, first, count, order } = scene.bvh
  const balls = spheres.length / SPHERE_STRIDE
  const panelCount = panels.length / PANEL_STRIDE
  const stack = new Int32Array(64)
  let bestItem = -1
  let bestU = 0
  let bestV = 0

  /** Distance to the nearest item of the tree nearer than `limit`; the item itself in `bestItem`. */
  const walk = (ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, limit: number, any: boolean): number => {
    const ix = 1 / dx
    const iy = 1 / dy
    const iz = 1 / dz
    let best = limit
    bestItem = -1
    let depth = 0
    stack[depth++] = 0
    while (depth > 0) {
      const node = stack[--depth]!
      const b = node * 6
      const x0 = (bounds[b]! - ox) * ix
      const x1 = (bounds[b + 3]! - ox) * ix
      const y0 = (bounds[b + 1]! - oy) * iy
      const y1 = (bounds[b + 4]! - oy) * iy
      const z0 = (bounds[b + 2]! - oz) * iz
      const z1 = (bounds[b + 5]! - oz) * iz
      const enter = Math.max(x0 < x1 ? x0 : x1, y0 < y1 ? y0 : y1, z0 < z1 ? z0 : z1, 0)
      const leave = Math.min(x0 > x1 ? x0 : x1, y0 > y1 ? y0 : y1, z0 > z1 ? z0 : z1, best)
      if (!(enter <= leave)) continue
      const items = count[node]!
      const start = first[node]!
      if (items === 0) {
        // The nearer child is looked at first: it often makes the other one too far.
        const l = start * 6
        const r = l + 6
        const toLeft = (bounds[l]! + bounds[l + 3]!) * dx + (bounds[l + 1]! + bounds[l + 4]!) * dy + (bounds[l + 2]! + bounds[l + 5]!) * dz
        const toRight = (bounds[r]! + bounds[r + 3]!) * dx + (bounds[r + 1]! + bounds[r + 4]!) * dy + (bounds[r + 2]! + bounds[r + 5]!) * dz
        if (toLeft < toRight) {
          stack[depth++] = start + 1
          stack[depth++] = start
        } else {
          stack[depth++] = start
          stack[depth++] = start + 1
        }
        continue
      }
      for (let i = start; i < start + items; i++) {
        const item = order[i]!
        if (item < balls) {
          const s = item * SPHERE_STRIDE
          const cx = spheres[s]! - ox
          const cy = spheres[s + 1]! - oy
          const cz = spheres[s + 2]! - oz
          const r = spheres[s + 3]!
          const along = cx * dx + cy * dy + cz * dz
          const px = cx - along * dx
          const py = cy - along * dy
          const pz = cz - along * dz
          const inside = r * r - (px * px + py * py + pz * pz)
          if (inside <= 0) continue
          const half = Math.sqrt(inside)
          const t = along - half > EPSILON ? along - half : along + half
          if (t > EPSILON && t < best) {
            best = t
            bestItem = item
            if (any) return best
          }
          continue
        }
        const p = (item - balls) * 9
        const ax = positions[p]!
        const ay = positions[p + 1]!
        const az = positions[p + 2]!
        const e1x = positions[p + 3]! - ax
        const e1y = positions[p + 4]! - ay
        const e1z = positions[p + 5]! - az
        const e2x = positions[p + 6]! - ax
        const e2y = positions[p + 7]! - ay
        const e2z = positions[p + 8]! - az
        const hx = dy * e2z - dz * e2y
        const hy = dz * e2x - dx * e2z
        const hz = dx * e2y - dy * e2x
        const det = e1x * hx + e1y * hy + e1z * hz
        if (det > -1e-14 && det < 1e-14) continue
        const inverse = 1 / det
        const sx = ox - ax
        const sy = oy - ay
        const sz = oz - az
        const u = (sx * hx + sy * hy + sz * hz) * inverse
        if (u < 0 || u > 1) continue
        const qx = sy * e1z - sz * e1y
        const qy = sz * e1x - sx * e1z
        const qz = sx * e1y - sy * e1x
        const v = (dx * qx + dy * qy + dz * qz) * inverse
        if (v < 0 || u + v > 1) continue
        const t = (e2x * qx + e2y * qy + e2z * qz) * inverse
        if (t > EPSILON && t < best) {
          best = t
          bestItem = item
          bestU = u
          bestV = v
          if (any) return best
        }
      }
    }
    return best
  }

  return {
    nearest(hit, ox, oy, oz, dx, dy, dz) {
      hit.panel = -1
      let t = Infinity
      if (dy < 0 && oy > EPSILON) {
        t = -oy / dy
        hit.nx = 0
        hit.ny = 1
        hit.nz = 0
        hit.material = floorMaterial
      }
      for (let i = 0; i < panelCount; i++) {
        const p = i * PANEL_STRIDE
        const nx = panels[p + 9]!
        const ny = panels[p + 10]!
        const nz = panels[p + 11]!
        const facing = dx * nx + dy * ny + dz * nz
        if (facing > -1e-9) continue // from behind a panel is not there
        const rx = panels[p]! - ox
        const ry = panels[p + 1]! - oy
        const rz = panels[p + 2]! - oz
        const at = (rx * nx + ry * ny + rz * nz) / facing
        if (at <= EPSILON || at >= t) continue
        const qx = dx * at - rx
        const qy = dy * at - ry
        const qz = dz * at - rz
        const ux = panels[p + 3]!
        const uy = panels[p + 4]!
        const uz = panels[p + 5]!
        const vx = panels[p + 6]!
        const vy = panels[p + 7]!
        const vz = panels[p + 8]!
        const a = (qx * ux + qy * uy + qz * uz) / (ux * ux + uy * uy + uz * uz)
        const b = (qx * vx + qy * vy + qz * vz) / (vx * vx + vy * vy + vz * vz)
        if (a < 0 || a > 1 || b < 0 || b > 1) continue
        t = at
        hit.panel = i
      }
      const near = walk(ox, oy, oz, dx, dy, dz, t, false)
      hit.t = near
      if (bestItem < 0) return
      hit.panel = -1
      if (bestItem < balls) {
        const s = bestItem * SPHERE_STRIDE
        const inverse = 1 / spheres[s + 3]!
        hit.nx = (ox + near * dx - spheres[s]!) * inverse
        hit.ny = (oy + near * dy - spheres[s + 1]!) * inverse
        hit.nz = (oz + near * dz - spheres[s + 2]!) * inverse
        hit.material = spheres[s + 4]!
        return
      }
      const n = (bestItem - balls) * 9
      const w = 1 - bestU - bestV
      const nx = w * normals[n]! + bestU * normals[n + 3]! + bestV * normals[n + 6]!
      const ny = w * normals[n + 1]! + bestU * normals[n + 4]! + bestV * normals[n + 7]!
      const nz = w * normals[n + 2]! + bestU * normals[n + 5]! + bestV * normals[n + 8]!
      const inverse = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz)
      hit.nx = nx * inverse
      hit.ny = ny * inverse
      hit.nz = nz * inverse
      hit.material = triangleMaterials[bestItem - balls]!
    },
    blocked(ox, oy, oz, dx, dy, dz, limit) {
      if (dy < 0 && oy > EPSILON && -oy / dy < limit) return true
      walk(ox, oy, oz, dx, dy, dz, limit, true)
      return bestItem >= 0
    },
  }
}
