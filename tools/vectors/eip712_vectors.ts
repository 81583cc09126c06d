// Vectors of what is signed for the contracts of channels and registry: digests of every type, and signatures over them.

import { channelDigests, headDigest, walletSigner } from '@haggle/chain'
import { fromHex, toHex } from '@haggle/wire'
import type { Json } from './main.ts'

const bytes = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const SECRET = '0202020202020202020202020202020202020202020202020202020202020202'
const DOMAINS = [
  { chainId: 31_337, contract: bytes(0xc4, 20) },
  { chainId: 1, contract: bytes(0xc4, 20) },
  { chainId: 31_337, contract: bytes(0xc5, 20) },
]
const AMOUNTS = [0n, 1n, 1_234_567n, 2n ** 128n - 1n]
const HEADS = [
  { peerKey: bytes(7, 32), log: 0, size: 1, root: bytes(1, 32), prevSize: 0, prevRoot: bytes(0, 32) },
  { peerKey: bytes(7, 32), log: 3, size: 2 ** 40, root: bytes(2, 32), prevSize: 2 ** 40 - 1, prevRoot: bytes(1, 32) },
]

/** Called by `main.ts`. */
export function make(): Record<string, Json> {
  const wallet = walletSigner(fromHex(SECRET, 32))
  const signed = (digest: Uint8Array): Record<string, Json> => ({ digest: toHex(digest), signature: toHex(wallet.sign(digest)) })
  const at = ({ chainId, contract }: (typeof DOMAINS)[number]): Record<string, Json> => ({ chainId, contract: toHex(contract) })
  const channel = bytes(0xaa, 32)
  return {
    'eip712.json': {
      secret: SECRET,
      account: toHex(wallet.account),
      channels: DOMAINS.flatMap((domain) => {
        const digests = channelDigests(domain)
        return [
          ...AMOUNTS.map((cumulative) => ({
            ...at(domain),
            type: 'Voucher',
            channel: toHex(channel),
            cumulative: String(cumulative),
            ...signed(digests.voucher(channel, cumulative)),
          })),
          { ...at(domain), type: 'CoopClose', channel: toHex(channel), amount: '5000', ...signed(digests.coopClose(channel, 5000n)) },
          {
            ...at(domain),
            type: 'CancelClose',
            channel: toHex(channel),
            closesAt: 1_800_000_000,
            ...signed(digests.cancelClose(channel, 1_800_000_000)),
          },
        ]
      }),
      registry: DOMAINS.flatMap((domain) =>
        HEADS.map((head) => ({
          ...at(domain),
          type: 'Head',
          peerKey: toHex(head.peerKey),
          log: head.log,
          size: head.size,
          root: toHex(head.root),
          prevSize: head.prevSize,
          prevRoot: toHex(head.prevRoot),
          ...signed(headDigest(domain, head)),
        })),
      ),
    },
  }
}
