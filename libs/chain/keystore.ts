// The wallet's key file: always encrypted, readable by its owner alone, never replaced (spec/wallet.md).

import { randomBytes } from 'node:crypto'
import {
  corruptSecret,
  readSecretFile,
  SCRYPT_LOG_N,
  type Sealed,
  sealSecret,
  type SecretKind,
  unsealSecret,
  writeSecretFile,
} from '@haggle/identity/node'
import { concat, equalBytes, fromHex, HaggleError, type Random, utf8 } from '@haggle/wire'
import { type Address, getAddress } from 'viem'
import { newWalletSecret, type WalletSigner, walletSigner } from './wallet.ts'

/** How {@link walletFile} makes and opens. */
export interface WalletFileOptions {
  /** Where a new key, salt and nonce come from. Default: the system's. */
  readonly random?: Random
  /** log2 of scrypt's N for a new file, 14 to 20. Default 17: 128 MiB and about half a second. */
  readonly scryptLogN?: number
}

/** An account without its key. */
export interface WalletAccount {
  /** 20 bytes. */
  readonly account: Uint8Array
  /** The same as text with its checksum. */
  readonly address: Address
}

/** A wallet's file. Its key leaves it only as a signer. */
export interface WalletFile {
  readonly path: string
  /** The account in the file, which needs no passphrase; undefined: there is no file. Throws `E_WALLET_MODE`, `E_WALLET_CORRUPT`, `E_WALLET_FILE`. */
  peek(): Promise<WalletAccount | undefined>
  /**
   * Makes the file: of `secret` (32 bytes, which are zeroed), or of a new key. Folder 0700, file 0600. Throws `E_WALLET_EXISTS`, `E_WALLET_SECRET`,
   * `E_WALLET_PASSPHRASE` for an empty one, `E_WALLET_MODE` and `E_WALLET_FILE`.
   */
  create(passphrase: string, secret?: Uint8Array): Promise<WalletSigner>
  /** The signer. Throws `E_WALLET_NONE`, `E_WALLET_PASSPHRASE` and what {@link WalletFile.peek} throws. */
  open(passphrase: string): Promise<WalletSigner>
}

const WALLET: SecretKind = {
  name: 'wallet',
  mode: 'E_WALLET_MODE',
  corrupt: 'E_WALLET_CORRUPT',
  next: 'restore the file from a backup, or move it away and run haggle wallet new',
}

/**
 * The wallet file at `path`. Touches nothing before it is used.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { walletFile } from "@haggle/chain/node";
 * import { expect } from "vitest";
 *
 * const home = await mkdtemp(join(tmpdir(), "haggle-"));
 * const file = walletFile(join(home, "wallet"), { scryptLogN: 14 });
 * const made = await file.create("correct horse");
 * expect((await file.open("correct horse")).address).toBe(made.address);
 * await rm(home, { recursive: true });
 * ```
 */
export function walletFile(path: string, options: WalletFileOptions = {}): WalletFile {
  const random: Random = options.random ?? ((length) => new Uint8Array(randomBytes(length)))

  async function read(): Promise<(WalletAccount & { readonly sealed: Sealed }) | undefined> {
    const text = await told(path, () => readSecretFile(path, WALLET))
    return text === undefined ? undefined : parse(path, text)
  }

  return {
    path,
    peek: async () => {
      const file = await read()
      return file && { account: file.account, address: file.address }
    },
    async create(passphrase, secret) {
      if (passphrase === '') throw new HaggleError('E_WALLET_PASSPHRASE', 'Cannot make a wallet: its passphrase is empty')
      const own = secret ?? newWalletSecret(random)
      try {
        const signer = walletSigner(own)
        const sealed = await sealSecret(own, {
          passphrase,
          context: contextOf(signer.account),
          random,
          logN: options.scryptLogN ?? SCRYPT_LOG_N,
        })
        const content = `${JSON.stringify({ haggleWallet: 1, address: signer.address, sealed })}\n`
        if (await told(path, () => writeSecretFile(path, content, { kind: WALLET, random }))) return signer
      } finally {
        own.fill(0)
      }
      throw new HaggleError('E_WALLET_EXISTS', `Cannot make a wallet: there is one in ${path}`, {
        details: { path },
        next: 'haggle wallet show; to begin another, move the file away',
      })
    },
    async open(passphrase) {
      const file = await read()
      if (file === undefined) {
        throw new HaggleError('E_WALLET_NONE', `Cannot open the wallet: there is no file ${path}`, {
          details: { path },
          next: 'haggle wallet new',
        })
      }
      const secret = await unsealSecret(file.sealed, { passphrase, context: contextOf(file.account) })
      if (secret === undefined) {
        throw new HaggleError(
          'E_WALLET_PASSPHRASE',
          `Cannot open the wallet ${path}: the passphrase does not fit, or the file is damaged`,
          {
            details: { path },
            next: 'try the passphrase again, or restore the file from a backup',
          },
        )
      }
      try {
        const signer = walletSigner(secret)
        if (!equalBytes(signer.account, file.account)) throw corruptSecret(path, WALLET, 'its key and its address do not belong together')
        return signer
      } finally {
        secret.fill(0)
      }
    },
  }
}

/**
 * The secret in `text` as other wallets write it: 64 hex digits, with or without `0x`, space around it ignored. Throws `E_WALLET_SECRET`, whose sentence does
 * not repeat it.
 */
export function parseWalletSecret(text: string): Uint8Array {
  const digits = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)?.[1]
  if (digits === undefined) {
    throw new HaggleError('E_WALLET_SECRET', 'Cannot read the wallet key: it must be 64 hex digits and nothing else', {
      next: 'export the private key from the other wallet as hex',
    })
  }
  return fromHex(digits, 32)
}

/** Runs what touches the disk; what the system refuses becomes `E_WALLET_FILE`. */
async function told<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof HaggleError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new HaggleError('E_WALLET_FILE', `Cannot use the wallet ${path}: ${reason}`, { cause: error, details: { path } })
  }
}

function parse(path: string, text: string): WalletAccount & { readonly sealed: Sealed } {
  let value: { haggleWallet?: unknown; address?: unknown; sealed?: unknown } | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    // The cause could quote the file.
    throw corruptSecret(path, WALLET, 'it is not JSON')
  }
  if (typeof value !== 'object' || value?.haggleWallet !== 1) throw corruptSecret(path, WALLET, 'it is not a version 1 wallet')
  const { address, sealed } = value
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) throw corruptSecret(path, WALLET, 'it names no address')
  if (typeof sealed !== 'object' || sealed === null) throw corruptSecret(path, WALLET, 'it holds no sealed key')
  return { account: fromHex(address.slice(2), 20), address: getAddress(address.toLowerCase()), sealed: sealed as Sealed }
}

function contextOf(account: Uint8Array): Uint8Array {
  return concat(utf8('haggle-wallet/1\0'), account)
}
