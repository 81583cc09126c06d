// One tile of the picture: where it lies, what its pixels are, and the bytes in which it travels.

/** A rectangle of pixels. */
export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Averages over the paths of each pixel, row by row. */
export interface TilePixels {
  readonly rect: Rect
  /** Linear light, three a pixel. */
  readonly colour: Float32Array
  /** Variance of the mean of the light, one a pixel. */
  readonly variance: Float32Array
  /** Colour of the first rough surface, three a pixel. */
  readonly albedo: Float32Array
  /** Its normal, three a pixel; short where paths disagree. */
  readonly normal: Float32Array
}

/** Octets a pixel: four half floats, three for albedo, three for the normal. */
const PIXEL_BYTES = 14
const HEADER_BYTES = 20
const MAGIC = 0x68_74_69_31 // "hti1"

/** Tile `index` of a picture cut into tiles of `tile`, row by row. */
export function tileRect(
  index: number,
  { width, height, tile }: { readonly width: number; readonly height: number; readonly tile: readonly [number, number] },
): Rect {
  const across = Math.ceil(width / tile[0])
  const [x, y] = [(index % across) * tile[0], Math.floor(index / across) * tile[1]]
  return { x, y, width: Math.min(tile[0], width - x), height: Math.min(tile[1], height - y) }
}

/** How many tiles a picture has. */
export function tileCount({
  width,
  height,
  tile,
}: {
  readonly width: number
  readonly height: number
  readonly tile: readonly [number, number]
}): number {
  return Math.ceil(width / tile[0]) * Math.ceil(height / tile[1])
}

/** An empty tile. */
export function createTilePixels(rect: Rect): TilePixels {
  const pixels = rect.width * rect.height
  return {
    rect,
    colour: new Float32Array(pixels * 3),
    variance: new Float32Array(pixels),
    albedo: new Float32Array(pixels * 3),
    normal: new Float32Array(pixels * 3),
  }
}

/** The tile as bytes: the same pixels give the same bytes. */
export function encodeTile({ rect, colour, variance, albedo, normal }: TilePixels): Uint8Array<ArrayBuffer> {
  const pixels = rect.width * rect.height
  const bytes = new Uint8Array(HEADER_BYTES + pixels * PIXEL_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of [MAGIC, rect.x, rect.y, rect.width, rect.height].entries()) view.setUint32(i * 4, value)
  for (let i = 0; i < pixels; i++) {
    const at = HEADER_BYTES + i * PIXEL_BYTES
    for (let c = 0; c < 3; c++) {
      setHalf(view, at + c * 2, colour[i * 3 + c] ?? 0)
      view.setUint8(at + 8 + c, Math.round(Math.min(1, Math.max(0, albedo[i * 3 + c] ?? 0)) * 255))
      view.setInt8(at + 11 + c, Math.round(Math.min(1, Math.max(-1, normal[i * 3 + c] ?? 0)) * 127))
    }
    setHalf(view, at + 6, Math.sqrt(variance[i] ?? 0)) // the deviation: variances leave the range of a half float
  }
  return bytes
}

/** Reads a tile. Throws when the bytes are no tile. */
export function decodeTile(bytes: Uint8Array): TilePixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES || view.getUint32(0) !== MAGIC) throw new Error('not a tile')
  const [x, y, width, height] = [4, 8, 12, 16].map((at) => view.getUint32(at)) as [number, number, number, number]
  if (bytes.length !== HEADER_BYTES + width * height * PIXEL_BYTES)
    throw new Error(`a tile of ${width} x ${height} has another length than ${bytes.length}`)
  const tile = createTilePixels({ x, y, width, height })
  for (let i = 0; i < width * height; i++) {
    const at = HEADER_BYTES + i * PIXEL_BYTES
    for (let c = 0; c < 3; c++) {
      tile.colour[i * 3 + c] = getHalf(view, at + c * 2)
      tile.albedo[i * 3 + c] = view.getUint8(at + 8 + c) / 255
      tile.normal[i * 3 + c] = view.getInt8(at + 11 + c) / 127
    }
    tile.variance[i] = getHalf(view, at + 6) ** 2
  }
  return tile
}

/** IEEE half float, rounded to nearest, capped at the largest. Written out: not every engine has setFloat16. */
function setHalf(view: DataView, at: number, value: number): void {
  const x = Math.min(65504, Math.max(0, value))
  if (x < 6.103515625e-5) {
    view.setUint16(at, Math.round(x * 16777216))
    return
  }
  let exponent = 0
  let scaled = x
  while (scaled >= 2) {
    scaled /= 2
    exponent += 1
  }
  while (scaled < 1) {
    scaled *= 2
    exponent -= 1
  }
  view.setUint16(at, Math.min(0x7bff, ((exponent + 15) << 10) + Math.round((scaled - 1) * 1024)))
}

function getHalf(view: DataView, at: number): number {
  const bits = view.getUint16(at)
  const exponent = bits >> 10
  if (exponent === 0) return bits / 16777216
  let value = 1 + (bits & 1023) / 1024
  for (let i = exponent; i < 15; i++) value /= 2
  for (let i = 15; i < exponent; i++) value *= 2
  return value
}
