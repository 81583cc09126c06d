// Network ids: one per name and key, by the formula of the page.

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { networkId, networkTag, PUBLIC_NETWORK, toHex, utf8 } from './mod.ts'

const sha = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()

describe('networkId()', () => {
  it('is the hash of the page, with and without a key', () => {
    expect(toHex(networkId(PUBLIC_NETWORK))).toBe(sha('haggle-network/1\0haggle').toString('hex'))
    const psk = utf8('our own swarm')
    const wanted = sha(Buffer.concat([Buffer.from('haggle-network/1\0friends\0'), sha(Buffer.from(psk))]))
    expect(toHex(networkId('friends', psk))).toBe(wanted.toString('hex'))
  })

  it('differs when the key is there but empty', () => {
    expect(networkId('a', new Uint8Array(0))).not.toEqual(networkId('a'))
  })
})

describe('networkTag()', () => {
  it('is the first 8 bytes in hex', () => {
    expect(networkTag(networkId('haggle'))).toBe(toHex(networkId('haggle')).slice(0, 16))
  })
})
