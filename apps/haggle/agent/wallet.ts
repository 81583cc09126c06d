// The home's wallet: its file, and the signer behind it once somebody has given the passphrase. The secret never leaves this process.

import { existsSync } from 'node:fs'
import type { WalletSigner } from '@haggle/chain'
import type { WalletAccount, WalletFile } from '@haggle/chain/node'
import { Failure } from '../failure.ts'

/** Fewest characters of a passphrase: the file may fall into other hands, and then it is all there is. */
export const PASSPHRASE_CHARS = 8

/** The wallet's file: what the wallet needs of `walletFile` of `@haggle/chain/node`. */
export type Keystore = Pick<WalletFile, 'path' | 'peek' | 'create' | 'open'>

/** The wallet's file at `path`. What reads it is loaded with the first use: a home without a wallet never pays for that. */
export function keystoreAt(path: string): Keystore {
  const file = async (): Promise<WalletFile> => (await import('@haggle/chain/node')).walletFile(path)
  return {
    path,
    peek: async () => (existsSync(path) ? await (await file()).peek() : undefined),
    create: async (passphrase, secret) => await (await file()).create(passphrase, secret),
    open: async (passphrase) => await (await file()).open(passphrase),
  }
}

/** Locked: knows its account and signs nothing. */
export type WalletState = 'none' | 'locked' | 'open'

/** The wallet of one home. */
export class Wallet {
  readonly #keystore: Keystore
  #account: WalletAccount | undefined
  #open: WalletSigner | undefined

  private constructor(keystore: Keystore, account: WalletAccount | undefined) {
    this.#keystore = keystore
    this.#account = account
  }

  /** The wallet of a keystore: locked, or none. Throws `E_WALLET_MODE`. */
  static async of(keystore: Keystore): Promise<Wallet> {
    return new Wallet(keystore, await keystore.peek())
  }

  get path(): string {
    return this.#keystore.path
  }

  get state(): WalletState {
    return this.#open !== undefined ? 'open' : this.#account === undefined ? 'none' : 'locked'
  }

  /** `0x` and 40 hex digits with checksum, or null without a wallet. */
  get address(): string | null {
    return this.#account?.address ?? null
  }

  /** A signer that stays the same while the wallet is locked and unlocked. Undefined without a wallet. */
  get signer(): WalletSigner | undefined {
    if (this.#account === undefined) return undefined
    const { account, address } = this.#account
    return { account, address, sign: (digest) => this.#opened().sign(digest) }
  }

  /** Makes a wallet, of a new key or of `secret`. It is open then. Throws `E_WALLET_EXISTS` and `E_WALLET_PASSPHRASE`. */
  async create(passphrase: string, secret?: Uint8Array): Promise<void> {
    if (this.#account !== undefined)
      throw new Failure('E_WALLET_EXISTS', `There is a wallet already: ${this.path}`, {
        next: 'haggle wallet show; to begin another, move the file away',
      })
    if ([...passphrase].length < PASSPHRASE_CHARS)
      throw new Failure('E_WALLET_PASSPHRASE', `The passphrase must have at least ${PASSPHRASE_CHARS} characters`, {
        next: 'choose a longer one',
      })
    const signer = await this.#keystore.create(passphrase, secret)
    this.#account = { account: signer.account, address: signer.address }
    this.#open = signer
  }

  /** Opens the wallet for signing. Throws `E_WALLET_NONE` and `E_WALLET_PASSPHRASE`. */
  async unlock(passphrase: string): Promise<void> {
    this.required()
    this.#open = await this.#keystore.open(passphrase)
  }

  /** Forgets the key. What waits for a signature fails with `E_WALLET_LOCKED`. */
  lock(): void {
    this.required()
    this.#open = undefined
  }

  /** The account's address. Throws `E_WALLET_NONE`. */
  required(): string {
    if (this.#account === undefined) throw new Failure('E_WALLET_NONE', 'This home has no wallet', { next: 'haggle wallet new' })
    return this.#account.address
  }

  /** Throws E_WALLET_LOCKED unless the wallet can sign. */
  requireOpen(): void {
    this.#opened()
  }

  #opened(): WalletSigner {
    if (this.#open === undefined)
      throw new Failure('E_WALLET_LOCKED', 'The wallet is locked: nothing can be signed', { next: 'haggle wallet unlock' })
    return this.#open
  }
}
