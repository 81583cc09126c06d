// The portable implementation is held to the same suites as the native one: see ed25519_test.ts. Here is what only it does.

import { describe, expect, it } from 'vitest'
import { portableEd25519 } from './mod.ts'

describe('portableEd25519', () => {
  it('verify() takes views into larger buffers when they hold the right bytes', () => {
    const seed = new Uint8Array(32).fill(5)
    const buffer = new Uint8Array(200)
    buffer.set(portableEd25519.publicKey(seed), 7)
    buffer.set(portableEd25519.sign(buffer.subarray(150), seed), 50)
    expect(portableEd25519.verify(buffer.subarray(50, 114), buffer.subarray(150), buffer.subarray(7, 39))).toBe(true)
  })
})
