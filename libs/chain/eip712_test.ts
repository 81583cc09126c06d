import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { toHex } from '@haggle/wire'
import { hashTypedData, type Hex } from 'viem'
import { channelDigests, headDigest } from './eip712.ts'

const hex = (bytes: Uint8Array): Hex => `0x${toHex(bytes)}`
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n })
const domain = { chainId: fc.integer({ min: 1, max: 2 ** 31 }), contract: bytes(20) }
const TYPES = {
  Voucher: [
    { name: 'channel', type: 'bytes32' },
    { name: 'cumulative', type: 'uint128' },
  ],
  CoopClose: [
    { name: 'channel', type: 'bytes32' },
    { name: 'amount', type: 'uint128' },
  ],
  CancelClose: [
    { name: 'channel', type: 'bytes32' },
    { name: 'closesAt', type: 'uint64' },
  ],
  Head: [
    { name: 'peerKey', type: 'bytes32' },
    { name: 'log', type: 'uint64' },
    { name: 'size', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
    { name: 'prevSize', type: 'uint64' },
    { name: 'prevRoot', type: 'bytes32' },
  ],
} as const

/** The digest as an independent implementation makes it. */
function reference(
  name: string,
  { chainId, contract }: { chainId: number; contract: Uint8Array },
  primaryType: keyof typeof TYPES,
  message: Record<string, unknown>,
): Hex {
  const typed = { domain: { name, version: '1', chainId, verifyingContract: hex(contract) }, types: TYPES, primaryType, message }
  return hashTypedData(typed as Parameters<typeof hashTypedData>[0])
}

describe('channelDigests', () => {
  it('makes the digests of EIP-712', () => {
    fc.assert(
      fc.property(fc.record(domain), bytes(32), uint(128n), fc.integer({ min: 0, max: 2 ** 40 }), (at, channel, amount, closesAt) => {
        const digests = channelDigests(at)
        const id = hex(channel)
        expect(hex(digests.voucher(channel, amount))).toBe(reference('Haggle Channels', at, 'Voucher', { channel: id, cumulative: amount }))
        expect(hex(digests.coopClose(channel, amount))).toBe(reference('Haggle Channels', at, 'CoopClose', { channel: id, amount }))
        expect(hex(digests.cancelClose(channel, closesAt))).toBe(
          reference('Haggle Channels', at, 'CancelClose', { channel: id, closesAt: BigInt(closesAt) }),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('makes another digest for another chain, contract or type', () => {
    const [channel, contract] = [new Uint8Array(32).fill(1), new Uint8Array(20).fill(2)]
    const one = channelDigests({ chainId: 1, contract })
    const all = [one, channelDigests({ chainId: 2, contract }), channelDigests({ chainId: 1, contract: new Uint8Array(20) })].map((at) =>
      hex(at.voucher(channel, 5n)),
    )
    expect(new Set([...all, hex(one.coopClose(channel, 5n)), hex(one.cancelClose(channel, 5))]).size).toBe(5)
  })
})

describe('headDigest', () => {
  it('makes the digest of EIP-712', () => {
    const count = fc.integer({ min: 0, max: 2 ** 31 })
    const head = fc.record({ peerKey: bytes(32), log: count, size: count, root: bytes(32), prevSize: count, prevRoot: bytes(32) })
    fc.assert(
      fc.property(fc.record(domain), head, (at, one) => {
        const message = {
          peerKey: hex(one.peerKey),
          log: BigInt(one.log),
          size: BigInt(one.size),
          root: hex(one.root),
          prevSize: BigInt(one.prevSize),
          prevRoot: hex(one.prevRoot),
        }
        expect(hex(headDigest(at, one))).toBe(reference('Haggle Registry', at, 'Head', message))
      }),
      { numRuns: 50 },
    )
  })
})
