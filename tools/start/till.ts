// The money of the demonstration: a chain on this machine with the contracts on it, and a wallet with test money for everybody.

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deployDevnet, type Deployment, fundAccount, startAnvil } from '@haggle/chain/testing'
import { walletFile } from '@haggle/chain/node'
import { type Books, type Holder, readBooks } from './books.ts'

/** Decimals of the test token, as of the larger stablecoins. */
export const DECIMALS = 6
/** Symbol of the test token. */
export const UNIT = 'TEST'
/** A payee has this long to claim when a payer closes: nobody here waits for a day. */
const CLOSE_DELAY_S = 60
/** Everybody here has one passphrase, and it is in a file: cheap to open is good enough. */
const SCRYPT_LOG_N = 14

/** The chain, the wallets, and the books. */
export interface Till extends AsyncDisposable {
  readonly deployment: Deployment
  readonly url: string
  /** What `haggle` and the renter take to pay and be paid here. */
  readonly flags: readonly string[]
  /** The same as variables. */
  readonly env: Readonly<Record<string, string>>
  /** Makes a wallet in a home and gives it base units of the token, and coin for gas. */
  addWallet(name: string, home: string, tokens: bigint): Promise<Holder>
  /** What the chain says of everybody. */
  books(): Promise<Books>
}

/** Starts the chain. `folder` takes the deployment's file and the passphrase. Throws `E_ANVIL` where no anvil can run. */
export async function openTill(folder: string): Promise<Till> {
  const anvil = await startAnvil()
  try {
    const deployment = await deployDevnet(anvil.url, { closeDelayS: CLOSE_DELAY_S, symbol: UNIT, decimals: DECIMALS })
    const deploymentFile = join(folder, 'deployment.json')
    writeFileSync(deploymentFile, `${JSON.stringify(deployment, null, 2)}\n`)
    const passphrase = randomBytes(16).toString('hex')
    const passphraseFile = join(folder, 'passphrase')
    writeFileSync(passphraseFile, passphrase, { mode: 0o600 })
    const holders: Holder[] = []
    const settings = { 'chain-rpc': anvil.url, 'chain-deployment': deploymentFile, 'wallet-passphrase-file': passphraseFile }
    return {
      deployment,
      url: anvil.url,
      flags: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      env: Object.fromEntries(
        Object.entries(settings).map(([name, value]) => [`HAGGLE_${name.replaceAll('-', '_').toUpperCase()}`, value]),
      ),
      async addWallet(name, home, tokens) {
        mkdirSync(home, { recursive: true, mode: 0o700 })
        const { address } = await walletFile(join(home, 'wallet'), { scryptLogN: SCRYPT_LOG_N }).create(passphrase)
        await fundAccount(anvil.url, deployment, address, { tokens })
        const holder = { name, address, given: tokens }
        holders.push(holder)
        return holder
      },
      books: () => readBooks((method, params) => anvil.rpc(method, params), deployment, holders),
      [Symbol.asyncDispose]: () => anvil.stop(),
    }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}
