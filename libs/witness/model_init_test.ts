import { describe, expect, it } from 'vitest'
import { localAccount } from './account.ts'
import { attestsOnChain } from './model_init.ts'
import { bitmapDigest, receiptDigest } from './statement.ts'

describe('attestsOnChain', () => {
  it('attestsOnChain() is true for the statement that was signed and no other', async () => {
    const domain = { chain: 1, court: new Uint8Array(20).fill(3) }
    const id = new Uint8Array(32).fill(4)
    const account = localAccount(new Uint8Array(32).fill(5))
    const attests = attestsOnChain(domain)
    const receipt = await account.sign(receiptDigest(domain, { id, slot: 1 }))
    const bitmap = await account.sign(bitmapDigest(domain, { id, window: 1, down: 2n }))
    expect(attests(account.account, id, { kind: 'receipt', slot: 1 }, receipt)).toBe(true)
    expect(attests(account.account, id, { kind: 'bitmap', window: 1, down: 2n }, bitmap)).toBe(true)
    expect(attests(account.account, id, { kind: 'receipt', slot: 2 }, receipt)).toBe(false)
    expect(attests(account.account, id, { kind: 'bitmap', window: 1, down: 3n }, bitmap)).toBe(false)
    expect(attests(account.account, id, { kind: 'bitmap', window: 1, down: 2n }, receipt)).toBe(false)
  })
})
