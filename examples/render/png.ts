// PNG, as little of it as a picture of 8-bit RGB needs (W3C PNG third edition): header, one compressed block, end.

import { crc32, deflateSync } from 'node:zlib'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Encodes `rgb` (three octets a pixel, row by row) as a PNG file. */
export function encodePng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8) // bits a sample, colour type RGB
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filtered(rgb, width, height), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Each row with the filter that leaves the smallest numbers: 0 none, 1 left, 2 up, 4 Paeth. */
function filtered(rgb: Uint8Array, width: number, height: number): Buffer {
  const stride = width * 3
  const out = Buffer.alloc((stride + 1) * height)
  const candidate = new Uint8Array(stride)
  for (let y = 0; y < height; y++) {
    let least = Infinity
    for (const filter of [0, 1, 2, 4]) {
      let size = 0
      for (let i = 0; i < stride; i++) {
        const here = rgb[y * stride + i]!
        const left = i >= 3 ? rgb[y * stride + i - 3]! : 0
        const up = y > 0 ? rgb[(y - 1) * stride + i]! : 0
        const corner = i >= 3 && y > 0 ? rgb[(y - 1) * stride + i - 3]! : 0
        const guess = filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : paeth(left, up, corner)
        const value = (here - guess) & 0xff
        candidate[i] = value
        size += value < 128 ? value : 256 - value
      }
      if (size >= least) continue
      least = size
      out[y * (stride + 1)] = filter
      out.set(candidate, y * (stride + 1) + 1)
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [l, u, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return l <= u && l <= c ? left : u <= c ? up : corner
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length)
  out.writeUInt32BE(data.length, 0)
  out.write(type, 4, 'latin1')
  out.set(data, 8)
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length)
  return out
}
