// The camera's axes, scaled so that a ray's direction is one sum.

import { cosTurn, sinTurn } from './exact_math.ts'
import type { SceneFile } from './scene.ts'

/** Forward, and the half width and half height of the picture, at distance 1. */
export function cameraFrame({
  camera,
  width,
  height,
}: SceneFile): Record<
  'fx' | 'fy' | 'fz' | 'rx' | 'ry' | 'rz' | 'ux' | 'uy' | 'uz' | 'lrx' | 'lry' | 'lrz' | 'lux' | 'luy' | 'luz',
  number
> {
  const [ax, ay, az] = [camera.look[0] - camera.at[0], camera.look[1] - camera.at[1], camera.look[2] - camera.at[2]]
  const far = Math.sqrt(ax * ax + ay * ay + az * az)
  const [fx, fy, fz] = [ax / far, ay / far, az / far]
  const flat = Math.sqrt(fx * fx + fz * fz)
  const [rx, rz] = [-fz / flat, fx / flat]
  const [ux, uy, uz] = [-rz * fy, rz * fx - rx * fz, rx * fy]
  const half = sinTurn(camera.fov / 2) / cosTurn(camera.fov / 2)
  const wide = (half * width) / height
  return {
    fx,
    fy,
    fz,
    rx: rx * wide,
    ry: 0,
    rz: rz * wide,
    ux: ux * half,
    uy: uy * half,
    uz: uz * half,
    lrx: rx,
    lry: 0,
    lrz: rz,
    lux: ux,
    luy: uy,
    luz: uz,
  }
}
