import { expect, it } from 'vitest'
import { localAccount } from './account.ts'
import { commitTo, drawSecret } from './draw_secret.ts'

const bytes = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const domain = { chain: 31_337, court: bytes(7, 20) }

it('drawSecret() is the same each time, and another for each account, case, court and chain', async () => {
  const party = localAccount(bytes(1))
  const secret = await drawSecret(party, domain, bytes(4))
  expect(await drawSecret(localAccount(bytes(1)), domain, bytes(4))).toEqual(secret)
  const others = await Promise.all([
    drawSecret(localAccount(bytes(2)), domain, bytes(4)),
    drawSecret(party, domain, bytes(5)),
    drawSecret(party, { ...domain, court: bytes(8, 20) }, bytes(4)),
    drawSecret(party, { ...domain, chain: 1 }, bytes(4)),
  ])
  expect(new Set([secret, ...others].map(String)).size).toBe(5)
})

it('commitTo() is what the court compares: keccak256 of the secret, as ABI-encoded bytes32', () => {
  // keccak256 of 32 zero octets.
  expect(Buffer.from(commitTo(bytes(0))).toString('hex')).toBe('290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563')
})
