// The path tracer: follows light backwards from the camera, and asks the panels for their light at every matte point.

import { cameraFrame } from './camera.ts'
import { cosTurn, expMinus, pow5, sinTurn } from './exact_math.ts'
import { createIntersector, type Hit } from './intersect.ts'
import { createSampler, hash32 } from './sampler.ts'
import { GLASS, GLOSSY, LAMP, MATERIAL_STRIDE, METAL, PANEL_STRIDE, type Scene, TILES } from './scene.ts'
import { createTilePixels, type Rect, type TilePixels } from './tile.ts'

/** What one light path may bring at most after its first matte point: a few lucky paths would else stand out as white dots. */
const CLAMP = 6

/** Renders parts of one scene. */
export interface Tracer {
  /** All paths of every pixel of `rect`. The same bytes on every machine. */
  render(rect: Rect): TilePixels
}

/** Prepares a scene for rendering. */
export function createTracer(scene: Scene): Tracer {
  const { file, materials, panels } = scene
  const intersector = createIntersector(scene)
  const sampler = createSampler(file.seed)
  const hit: Hit = { t: 0, nx: 0, ny: 0, nz: 0, material: 0, panel: -1 }
  const panelCount = panels.length / PANEL_STRIDE
  const { camera, sky } = file
  const eye = cameraFrame(file)

  // Results of one path.
  let red = 0
  let green = 0
  let blue = 0
  let albedoR = 0
  let albedoG = 0
  let albedoB = 0
  let normalX = 0
  let normalY = 0
  let normalZ = 0
  // The surface colour at the point being shaded.
  let cr = 0
  let cg = 0
  let cb = 0

  const floorColour = (material: number, x: number, z: number): void => {
    const m = material * MATERIAL_STRIDE
    const a = ((x + z) * Math.SQRT1_2) / file.floor.size
    const b = ((x - z) * Math.SQRT1_2) / file.floor.size
    const ia = Math.floor(a)
    const ib = Math.floor(b)
    const da = Math.min(a - ia, 1 - (a - ia))
    const db = Math.min(b - ib, 1 - (b - ib))
    const shade = 0.55 + 0.6 * (hash32(Math.imul(ia, 73856093) ^ Math.imul(ib, 19349663)) / 4294967296)
    const dark = (ia + ib) % 2 === 0 ? 1 : 0.45
    const seam = Math.min(da, db) < 0.012 ? 0.3 : 1
    cr = materials[m + 1]! * shade * dark * seam
    cg = materials[m + 2]! * shade * dark * seam
    cb = materials[m + 3]! * shade * dark * seam
  }

  const trace = (px: number, py: number): void => {
    sampler.next2()
    const sx = ((px + sampler.u) / file.width) * 2 - 1
    const sy = 1 - ((py + sampler.v) / file.height) * 2
    let dx = eye.fx + sx * eye.rx + sy * eye.ux
    let dy = eye.fy + sx * eye.ry + sy * eye.uy
    let dz = eye.fz + sx * eye.rz + sy * eye.uz
    sampler.next2()
    const lens = Math.sqrt(sampler.u) * camera.aperture
    const la = lens * cosTurn(sampler.v)
    const lb = lens * sinTurn(sampler.v)
    let ox = camera.at[0] + la * eye.lrx + lb * eye.lux
    let oy = camera.at[1] + la * eye.lry + lb * eye.luy
    let oz = camera.at[2] + la * eye.lrz + lb * eye.luz
    dx = camera.at[0] + dx * camera.focus - ox
    dy = camera.at[1] + dy * camera.focus - oy
    dz = camera.at[2] + dz * camera.focus - oz
    let inverse = 1 / Math.sqrt(dx * dx + dy * dy + dz * dz)
    dx *= inverse
    dy *= inverse
    dz *= inverse

    red = green = blue = 0
    albedoR = albedoG = albedoB = 1
    normalX = normalY = normalZ = 0
    let tr = 1
    let tg = 1
    let tb = 1
    let specular = true // the last bounce had one way to go only
    let matte = false // a matte point lies behind us
    let featured = false
    let pdf = 0

    for (let bounce = 0; bounce < file.bounces; bounce++) {
      intersector.nearest(hit, ox, oy, oz, dx, dy, dz)
      if (hit.t === Infinity) {
        const up = dy > 0 ? dy : 0
        const low = pow5(1 - up)
        const glow = pow5(pow5(1 - (up < 1 ? up : 1))) // a thin band of light over the horizon
        let er = tr * (sky.zenith[0] + low * sky.horizon[0] + glow * sky.glow[0])
        let eg = tg * (sky.zenith[1] + low * sky.horizon[1] + glow * sky.glow[1])
        let eb = tb * (sky.zenith[2] + low * sky.horizon[2] + glow * sky.glow[2])
        if (matte) {
          const most = Math.max(er, eg, eb)
          const scale = most > CLAMP ? CLAMP / most : 1
          er *= scale
          eg *= scale
          eb *= scale
        }
        red += er
        green += eg
        blue += eb
        return
      }
      const t = hit.t
      if (hit.panel >= 0) {
        const p = hit.panel * PANEL_STRIDE
        let weight = 1
        if (!specular) {
          const facing = -(dx * panels[p + 9]! + dy * panels[p + 10]! + dz * panels[p + 11]!)
          const light = (t * t) / (facing * panels[p + 15]! * panelCount)
          weight = (pdf * pdf) / (pdf * pdf + light * light)
        }
        let er = tr * weight * panels[p + 12]!
        let eg = tg * weight * panels[p + 13]!
        let eb = tb * weight * panels[p + 14]!
        if (matte) {
          const most = Math.max(er, eg, eb)
          const scale = most > CLAMP ? CLAMP / most : 1
          er *= scale
          eg *= scale
          eb *= scale
        }
        red += er
        green += eg
        blue += eb
        return
      }

      const m = hit.material * MATERIAL_STRIDE
      const kind = materials[m]!
      const rough = materials[m + 4]!
      ox += t * dx
      oy += t * dy
      oz += t * dz
      let nx = hit.nx
      let ny = hit.ny
      let nz = hit.nz
      let cosine = -(dx * nx + dy * ny + dz * nz)
      const entering = cosine > 0
      if (!entering) {
        nx = -nx
        ny = -ny
        nz = -nz
        cosine = -cosine
      }
      if (kind === TILES) floorColour(hit.material, ox, oz)
      else {
        cr = materials[m + 1]!
        cg = materials[m + 2]!
        cb = materials[m + 3]!
      }
      if (kind === LAMP) {
        // Lamps are for the eye: they shine through glass and in mirrors, but a matte point does not see them, or they would be noise.
        if (!matte) {
          red += tr * cr
          green += tg * cg
          blue += tb * cb
        }
        return
      }
      if (!featured && (bounce === 3 || (kind !== GLASS && kind !== METAL))) {
        featured = true
        albedoR = cr
        albedoG = cg
        albedoB = cb
        normalX = nx
        normalY = ny
        normalZ = nz
      }

      let mirror = kind === METAL
      if (kind === GLASS) {
        const ior = materials[m + 5]!
        const eta = entering ? 1 / ior : ior
        const under = 1 - eta * eta * (1 - cosine * cosine)
        if (!entering) {
          tr *= expMinus(materials[m + 6]! * t)
          tg *= expMinus(materials[m + 7]! * t)
          tb *= expMinus(materials[m + 8]! * t)
        }
        let reflect = true
        if (under > 0) {
          const below = Math.sqrt(under)
          const base = (1 - ior) / (1 + ior)
          const f0 = base * base
          reflect = sampler.next1() < f0 + (1 - f0) * pow5(1 - (entering ? cosine : below))
          if (!reflect) {
            const k = eta * cosine - below
            dx = eta * dx + k * nx
            dy = eta * dy + k * ny
            dz = eta * dz + k * nz
          }
        }
        if (reflect) {
          dx += 2 * cosine * nx
          dy += 2 * cosine * ny
          dz += 2 * cosine * nz
        } else {
          tr *= cr
          tg *= cg
          tb *= cb
        }
        specular = true
      } else {
        let keep = 1
        if (kind === GLOSSY || kind === TILES) {
          const fresnel = 0.04 + 0.96 * pow5(1 - cosine)
          const lightness = 0.3 * cr + 0.5 * cg + 0.2 * cb
          const chance = Math.min(0.9, Math.max(0.1, fresnel / (fresnel + (1 - fresnel) * lightness)))
          mirror = sampler.next1() < chance
          keep = mirror ? fresnel / chance : (1 - fresnel) / (1 - chance)
        }
        if (mirror) {
          dx += 2 * cosine * nx
          dy += 2 * cosine * ny
          dz += 2 * cosine * nz
          if (rough > 0) {
            sampler.next2()
            const z = 1 - 2 * sampler.u
            const r = rough * Math.sqrt(1 - z * z)
            dx += r * cosTurn(sampler.v)
            dy += rough * z
            dz += r * sinTurn(sampler.v)
            if (dx * nx + dy * ny + dz * nz <= 0) return
          }
          if (kind === METAL) {
            // Metals pale at grazing angles.
            const pale = pow5(1 - cosine)
            tr *= cr + (1 - cr) * pale
            tg *= cg + (1 - cg) * pale
            tb *= cb + (1 - cb) * pale
          } else {
            tr *= keep
            tg *= keep
            tb *= keep
          }
          specular = true
        } else {
          tr *= keep * cr
          tg *= keep * cg
          tb *= keep * cb
          if (panelCount > 0) {
            sampler.next2()
            const scaled = sampler.u * panelCount
            const chosen = Math.min(panelCount - 1, Math.floor(scaled))
            const p = chosen * PANEL_STRIDE
            const a = scaled - chosen
            const b = sampler.v
            const lx = panels[p]! + a * panels[p + 3]! + b * panels[p + 6]! - ox
            const ly = panels[p + 1]! + a * panels[p + 4]! + b * panels[p + 7]! - oy
            const lz = panels[p + 2]! + a * panels[p + 5]! + b * panels[p + 8]! - oz
            const square = lx * lx + ly * ly + lz * lz
            const far = Math.sqrt(square)
            const here = (lx * nx + ly * ny + lz * nz) / far
            const there = -(lx * panels[p + 9]! + ly * panels[p + 10]! + lz * panels[p + 11]!) / far
            if (here > 0 && there > 0 && !intersector.blocked(ox, oy, oz, lx / far, ly / far, lz / far, far * 0.9999)) {
              const light = square / (there * panels[p + 15]! * panelCount)
              const other = here / Math.PI
              const weight = ((light / (light * light + other * other)) * here) / Math.PI // power heuristic over `light`
              let er = tr * weight * panels[p + 12]!
              let eg = tg * weight * panels[p + 13]!
              let eb = tb * weight * panels[p + 14]!
              if (matte) {
                const most = Math.max(er, eg, eb)
                const scale = most > CLAMP ? CLAMP / most : 1
                er *= scale
                eg *= scale
                eb *= scale
              }
              red += er
              green += eg
              blue += eb
            }
          }
          // A new direction, more often along the normal.
          sampler.next2()
          const radius = Math.sqrt(sampler.u)
          const height = Math.sqrt(1 - sampler.u)
          const c = radius * cosTurn(sampler.v)
          const s = radius * sinTurn(sampler.v)
          const sign = nz >= 0 ? 1 : -1
          const k = -1 / (sign + nz)
          const xy = nx * ny * k
          dx = c * (1 + sign * nx * nx * k) + s * xy + height * nx
          dy = c * sign * xy + s * (sign + ny * ny * k) + height * ny
          dz = -c * sign * nx - s * ny + height * nz
          pdf = height / Math.PI
          specular = false
          matte = true
        }
      }
      inverse = 1 / Math.sqrt(dx * dx + dy * dy + dz * dz)
      dx *= inverse
      dy *= inverse
      dz *= inverse
      if (bounce >= 3) {
        const live = Math.min(0.95, Math.max(tr, tg, tb))
        if (sampler.next1() >= live) return
        tr /= live
        tg /= live
        tb /= live
      }
    }
  }

  return {
    render(rect) {
      const pixels = createTilePixels(rect)
      const count = file.samples
      for (let y = 0; y < rect.height; y++) {
        for (let x = 0; x < rect.width; x++) {
          const at = y * rect.width + x
          const id = (rect.y + y) * file.width + rect.x + x
          let [sr, sg, sb, sum, squares] = [0, 0, 0, 0, 0]
          let [ar, ag, ab, bx, by, bz] = [0, 0, 0, 0, 0, 0]
          for (let i = 0; i < count; i++) {
            sampler.begin(id, i, count)
            trace(rect.x + x, rect.y + y)
            sr += red
            sg += green
            sb += blue
            const light = 0.25 * red + 0.5 * green + 0.25 * blue
            sum += light
            squares += light * light
            ar += albedoR
            ag += albedoG
            ab += albedoB
            bx += normalX
            by += normalY
            bz += normalZ
          }
          pixels.colour.set([sr / count, sg / count, sb / count], at * 3)
          pixels.variance[at] = Math.max(0, squares / count - (sum / count) * (sum / count)) / count
          pixels.albedo.set([ar / count, ag / count, ab / count], at * 3)
          pixels.normal.set([bx / count, by / count, bz / count], at * 3)
        }
      }
      return pixels
    },
  }
}
