// The wallet file on a real disk: modes, passphrases, damage, and no secret anywhere but inside.

import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@haggle/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseWalletSecret, walletFile } from './node.ts'
import { walletSigner } from './wallet.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'haggle-wallet-'))
})
afterEach(() => rm(root, { recursive: true }))

const fails = (code: string, more: object = {}): object => expect.objectContaining({ code, ...more })
const FAST = { scryptLogN: 14 }
const secret = (): Uint8Array => new Uint8Array(32).fill(7)

describe('walletFile()', () => {
  it('makes folder 0700 and file 0600, shows the account without passphrase, and opens with the right one only', async () => {
    const path = join(root, 'home', 'wallet')
    const file = walletFile(path, FAST)
    expect(await file.peek()).toBe(undefined)
    const made = await file.create('correct horse')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'home'))).mode & 0o777).toBe(0o700)
    expect(await walletFile(path).peek()).toEqual({ account: made.account, address: made.address })
    const again = await walletFile(path).open('correct horse')
    const digest = new Uint8Array(32).fill(3)
    expect(again.sign(digest)).toEqual(made.sign(digest))
    await expect(walletFile(path).open('correct hors')).rejects.toEqual(fails('E_WALLET_PASSPHRASE'))
    expect(await readdir(join(root, 'home'))).toEqual(['wallet'])
  })

  it('takes a secret from elsewhere, forgets the caller’s copy, and writes it only encrypted', async () => {
    const path = join(root, 'wallet')
    const given = secret()
    const made = await walletFile(path, FAST).create('x', given)
    expect(made.address).toBe(walletSigner(secret()).address)
    expect(given).toEqual(new Uint8Array(32))
    expect(await readFile(path, 'utf8')).not.toContain(toHex(secret()))
  })

  it('never replaces a wallet', async () => {
    const file = walletFile(join(root, 'wallet'), FAST)
    const made = await file.create('x')
    await expect(file.create('y')).rejects.toEqual(fails('E_WALLET_EXISTS'))
    expect((await file.open('x')).address).toBe(made.address)
    expect(await readdir(root)).toEqual(['wallet'])
  })

  it.each([
    ['file', 0o640, 'chmod 600'],
    ['folder', 0o750, 'chmod 700'],
  ])('throws E_WALLET_MODE with the chmod when others can reach its %s', async (what, mode, next) => {
    const file = walletFile(join(root, 'wallet'), FAST)
    await file.create('x')
    await chmod(what === 'file' ? file.path : root, mode)
    for (const call of [() => file.peek(), () => file.open('x')])
      await expect(call()).rejects.toEqual(fails('E_WALLET_MODE', { next: expect.stringContaining(next) }))
  })

  it('throws E_WALLET_MODE and writes nothing when the folder is open before there is a wallet', async () => {
    await chmod(root, 0o755)
    await expect(walletFile(join(root, 'wallet'), FAST).create('x')).rejects.toEqual(fails('E_WALLET_MODE'))
    expect(await readdir(root)).toEqual([])
  })

  it('does not open a file whose address was exchanged', async () => {
    const file = walletFile(join(root, 'wallet'), FAST)
    await file.create('x')
    const other = { ...JSON.parse(await readFile(file.path, 'utf8')), address: walletSigner(secret()).address }
    await writeFile(file.path, JSON.stringify(other))
    await expect(file.open('x')).rejects.toEqual(fails('E_WALLET_PASSPHRASE'))
  })

  it.each([
    ['not JSON', 'secret 07'],
    ['null', 'null'],
    ['another version', '{"haggleWallet":2}'],
    ['no address', '{"haggleWallet":1,"sealed":{}}'],
    ['no seal', `{"haggleWallet":1,"address":"0x${'0'.repeat(40)}"}`],
    ['far too long', ' '.repeat(5000)],
  ])('throws E_WALLET_CORRUPT when the file is %s', async (_, content) => {
    const file = walletFile(join(root, 'wallet'))
    await writeFile(file.path, content, { mode: 0o600 })
    await expect(file.open('x')).rejects.toEqual(fails('E_WALLET_CORRUPT'))
  })

  it('throws E_WALLET_NONE, E_WALLET_FILE, E_WALLET_PASSPHRASE and E_WALLET_SECRET where they belong', async () => {
    const file = walletFile(join(root, 'wallet'), FAST)
    await expect(file.open('x')).rejects.toEqual(fails('E_WALLET_NONE'))
    await expect(file.create('')).rejects.toEqual(fails('E_WALLET_PASSPHRASE'))
    await expect(file.create('x', new Uint8Array(32))).rejects.toEqual(fails('E_WALLET_SECRET'))
    await writeFile(join(root, 'file'), '')
    await expect(walletFile(join(root, 'file', 'wallet'), FAST).peek()).rejects.toEqual(fails('E_WALLET_FILE'))
    expect(await readdir(root)).toEqual(['file'])
  })
})

describe('parseWalletSecret()', () => {
  it('takes what other wallets export', () => {
    const digits = toHex(secret())
    for (const text of [digits, `0x${digits}`, ` 0x${digits.toUpperCase()}\n`]) expect(parseWalletSecret(text)).toEqual(secret())
  })

  it('throws E_WALLET_SECRET without repeating what it was given', () => {
    for (const text of ['', 'beef'.repeat(15), `${'beef'.repeat(16)} beef`, 'word '.repeat(12)]) {
      expect(() => parseWalletSecret(text)).toThrow(fails('E_WALLET_SECRET', { message: expect.not.stringMatching(/beef|word/) }))
    }
  })
})
