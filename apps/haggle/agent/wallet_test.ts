// The wallet signs only while it is open, and its account is known all the time.

import { memoryKeystore } from '../testing/memory_keystore.ts'
import { describe as describeError } from '../failure.ts'
import { expect, test } from 'vitest'
import { PASSPHRASE_CHARS, Wallet } from './wallet.ts'

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run()
  } catch (error) {
    return describeError(error).code
  }
  return 'nothing was thrown'
}

test('Wallet.of() a home without a file has no signer and says so', async () => {
  const wallet = await Wallet.of(memoryKeystore())
  expect(wallet.state).toBe('none')
  expect(wallet.signer).toBeUndefined()
  expect(await codeOf(() => wallet.required())).toBe('E_WALLET_NONE')
  expect(await codeOf(() => wallet.unlock('correct horse'))).toBe('E_WALLET_NONE')
})

test('create() opens the wallet, never replaces one, and refuses a short passphrase', async () => {
  const wallet = await Wallet.of(memoryKeystore())
  expect(await codeOf(() => wallet.create('x'.repeat(PASSPHRASE_CHARS - 1)))).toBe('E_WALLET_PASSPHRASE')
  await wallet.create('correct horse')
  expect(wallet.state).toBe('open')
  expect(await codeOf(() => wallet.create('correct horse'))).toBe('E_WALLET_EXISTS')
})

test('lock() takes the key away from signers that were given out, unlock() gives it back', async () => {
  const keystore = memoryKeystore()
  const wallet = await Wallet.of(keystore)
  await wallet.create('correct horse', new Uint8Array(32).fill(7))
  const signer = wallet.signer
  const digest = new Uint8Array(32).fill(1)
  const signed = signer?.sign(digest)
  wallet.lock()
  expect(wallet.state).toBe('locked')
  expect(await codeOf(() => signer?.sign(digest))).toBe('E_WALLET_LOCKED')
  expect(await codeOf(() => wallet.unlock('wrong horse'))).toBe('E_WALLET_PASSPHRASE')
  await wallet.unlock('correct horse')
  expect(signer?.sign(digest)).toEqual(signed)
  expect((await Wallet.of(keystore)).state).toBe('locked')
})
