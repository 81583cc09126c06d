// A wallet's file in memory, for tests. Its "encryption" is a comparison.

import { walletSigner } from '@haggle/chain'
import type { Keystore } from '../agent/wallet.ts'
import { Failure } from '../failure.ts'

/** An empty keystore. */
export function memoryKeystore(): Keystore {
  let held: { secret: Uint8Array; passphrase: string } | undefined
  return {
    path: 'memory',
    peek: async () => {
      if (held === undefined) return undefined
      const { account, address } = walletSigner(held.secret)
      return { account, address }
    },
    create: async (passphrase, secret = new Uint8Array(32).fill(9)) => {
      held = { secret, passphrase }
      return walletSigner(secret)
    },
    open: async (passphrase) => {
      if (held === undefined || held.passphrase !== passphrase) throw new Failure('E_WALLET_PASSPHRASE', 'The passphrase does not fit')
      return walletSigner(held.secret)
    },
  }
}
