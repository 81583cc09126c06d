// The golden bytes of the control stream, as another implementation would check them.

import { readFileSync } from 'node:fs'
import { portableSuite } from '@haggle/identity'
import { errorCode, fromHex, toHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { checkGrant, type ControlFrame, decodeFrame, encodeFrame } from './mod.ts'

interface Vectors {
  frames: { name: string; frame: Record<string, string | number>; hex: string }[]
  badFrames: { name: string; hex: string; code: string }[]
  grantOf: { network: string; contract: string; thread: string; renter: string; provider: string }
  grants: { name: string; capability: string; right: 'read' | 'control'; remoteKey: string; nowS: number; code: string | null }[]
}
const vectors = JSON.parse(readFileSync(new URL('../../spec/vectors/control.json', import.meta.url), 'utf8')) as Vectors
const WORDS = new Set(['kind', 'channel'])

describe('spec/vectors/control.json', () => {
  it.each(vectors.frames)('encodeFrame() and decodeFrame() agree with "$name"', ({ frame, hex }) => {
    const fields = Object.entries(frame).map(([key, value]) => [key, typeof value === 'string' && !WORDS.has(key) ? fromHex(value) : value])
    const given = Object.fromEntries(fields) as ControlFrame
    expect(toHex(encodeFrame(given))).toBe(hex)
    expect(decodeFrame(fromHex(hex).subarray(4))).toEqual(given)
  })

  it.each(vectors.badFrames)('decodeFrame() refuses "$name"', ({ hex, code }) => {
    expect(() => decodeFrame(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })

  it.each(vectors.grants)('checkGrant() agrees with "$name"', ({ capability, right, remoteKey, nowS, code }) => {
    const { network, ...parties } = vectors.grantOf
    const [contract, thread, renter, provider] = [parties.contract, parties.thread, parties.renter, parties.provider].map((hex) =>
      fromHex(hex),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const request = {
      networkId: fromHex(network),
      suite: portableSuite(),
      contract,
      thread,
      renter,
      provider,
      remoteKey: fromHex(remoteKey),
      right,
      nowS,
    }
    let got: string | null = null
    try {
      checkGrant(fromHex(capability), request)
    } catch (error) {
      got = errorCode(error)
    }
    expect(got).toBe(code)
  })
})
