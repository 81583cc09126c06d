// Sine, cosine and powers from + - * / and sqrt alone: IEEE gives these the same bits on every engine, which Math.sin does not promise.

const HALF_PI = 1.5707963267948966

/** sin(2πu) for any finite u, to about 1e-9. */
export function sinTurn(u: number): number {
  let t = u - Math.floor(u + 0.5) // [-0.5, 0.5) turns
  if (t > 0.25) t = 0.5 - t
  else if (t < -0.25) t = -0.5 - t
  const x = t * 4 * HALF_PI
  const y = x * x
  return x * (1 + y * (-1 / 6 + y * (1 / 120 + y * (-1 / 5040 + y * (1 / 362880 + y * (-1 / 39916800 + y / 6227020800))))))
}

/** cos(2πu) for any finite u. */
export function cosTurn(u: number): number {
  return sinTurn(u + 0.25)
}

/** e^-x for x >= 0: sixteen squarings of a short series. */
export function expMinus(x: number): number {
  if (x > 40) return 0
  const t = x / 65536
  let e = 1 - t * (1 - t * (0.5 - t / 6))
  for (let i = 0; i < 16; i++) e *= e
  return e
}

/** x^5, as Schlick's Fresnel term wants it. */
export function pow5(x: number): number {
  const y = x * x
  return y * y * x
}
