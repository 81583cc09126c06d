// The chain of a devnet: an EVM on loopback with the contracts on it, and wallets with test money.

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { walletFile } from '@haggle/chain/node'
import { deployDevnet, type Deployment, fundAccount, startAnvil } from '@haggle/chain/testing'
import { describe, Failure } from './failure.ts'

/** A payee has this long to claim when a payer closes: nobody here waits for a day. */
const CLOSE_DELAY_S = 60
/** All wallets of a devnet have one passphrase, in a file beside them: cheap to open is good enough. */
const SCRYPT_LOG_N = 14

/** A devnet's chain. */
export interface DevnetChain extends AsyncDisposable {
  readonly url: string
  readonly deployment: Deployment
  /** What the token is called. */
  readonly unit: string
  /** Flags for `haggle`, and the same as variables. */
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Makes a wallet in a home and gives it base units of the token and coin for gas. Resolves with its address. */
  addWallet(home: string, tokens: bigint): Promise<string>
}

/** Starts it; `folder` takes the deployment's file and the passphrase. Throws E_ANVIL where no EVM can run. */
export async function openDevnetChain(folder: string): Promise<DevnetChain> {
  const anvil = await startAnvil().catch((error: unknown) => {
    const { code, message } = describe(error)
    throw new Failure(code, message, { next: 'haggle devnet --free runs without a chain', cause: error })
  })
  try {
    const unit = 'TEST'
    const deployment = await deployDevnet(anvil.url, { closeDelayS: CLOSE_DELAY_S, symbol: unit })
    const deploymentFile = join(folder, 'deployment.json')
    writeFileSync(deploymentFile, `${JSON.stringify(deployment, null, 2)}\n`)
    const passphrase = randomBytes(16).toString('hex')
    const passphraseFile = join(folder, 'passphrase')
    writeFileSync(passphraseFile, passphrase, { mode: 0o600 })
    const settings = { 'chain-rpc': anvil.url, 'chain-deployment': deploymentFile, 'wallet-passphrase-file': passphraseFile }
    return {
      url: anvil.url,
      deployment,
      unit,
      flags: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      env: {
        HAGGLE_CHAIN_RPC: anvil.url,
        HAGGLE_CHAIN_DEPLOYMENT: deploymentFile,
        HAGGLE_WALLET_PASSPHRASE_FILE: passphraseFile,
      },
      async addWallet(home, tokens) {
        mkdirSync(home, { recursive: true, mode: 0o700 })
        const file = walletFile(join(home, 'wallet'), { scryptLogN: SCRYPT_LOG_N })
        const address = (await file.peek())?.address ?? (await file.create(passphrase)).address
        await fundAccount(anvil.url, deployment, address, { tokens })
        return address
      },
      [Symbol.asyncDispose]: () => anvil.stop(),
    }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}
