// Vouchers a second on one core, beside the bare signature and the bare verification of the same library.

import { channelDigests, signatureCheck, walletSigner } from '@haggle/chain'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { alternate, type BenchRow, rates, rowOf } from './row.ts'

/** Vouchers that are checked in turn: a paying peer signs thousands. */
const VOUCHERS = 64

/** Digest + sign and digest + verify, as a rail does for every tick. */
export async function rows(): Promise<readonly BenchRow[]> {
  const secret = new Uint8Array(32).fill(7)
  const wallet = walletSigner(secret)
  const digests = channelDigests({ chainId: 31337, contract: new Uint8Array(20).fill(9) })
  const channel = new Uint8Array(32).fill(5)
  const vouchers = Array.from({ length: VOUCHERS }, (_, i) => {
    const cumulative = BigInt(i) * 1_000_003n
    return { cumulative, sig: wallet.sign(digests.voucher(channel, cumulative)) }
  })
  const digest = digests.voucher(channel, 1n)
  const bare = secp256k1.sign(digest, secret, { prehash: false })
  const publicKey = secp256k1.getPublicKey(secret, false)
  const check = signatureCheck()
  let cumulative = 0n
  const sign = await alternate(
    {
      subject: () => rates(() => wallet.sign(digests.voucher(channel, cumulative++))),
      floor: () => rates(() => secp256k1.sign(digest, secret, { prehash: false })),
    },
    0.05,
  )
  let turn = 0
  const verify = await alternate(
    {
      subject: () =>
        rates(() => {
          const voucher = vouchers[turn++ % VOUCHERS]
          if (!voucher || !check(digests.voucher(channel, voucher.cumulative), voucher.sig, wallet.account))
            throw new Error('a voucher is bad')
        }),
      floor: () => rates(() => secp256k1.verify(bare, digest, publicKey, { prehash: false })),
    },
    0.05,
  )
  return [
    rowOf('voucher-sign', '/s', sign, { aim: { atLeast: 0.8 }, note: 'EIP-712 digest and sign; floor: a bare secp256k1 signature' }),
    rowOf('voucher-verify', '/s', verify, {
      aim: { atLeast: 1 },
      note: 'EIP-712 digest and verify, signer seen before; floor: a bare secp256k1 verification, key known',
    }),
  ]
}
