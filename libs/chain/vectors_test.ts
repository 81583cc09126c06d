// The golden bytes of spec/vectors/wallet.json, by this library and by viem.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { equalBytes, fromHex, toHex } from '@haggle/wire'
import { recoverAddress } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { channelDigests, headDigest, recoverSigner, signatureCheck, walletSigner } from './mod.ts'
import { walletFile } from './node.ts'

interface Vectors {
  accounts: { secret: string; account: string; address: string }[]
  signed: {
    chainId: number
    contract: string
    type: 'Voucher' | 'CoopClose' | 'CancelClose' | 'Head'
    message: Record<string, string & number>
    digest: string
    sig: string
  }[]
  refused: { name: string; digest: string; sig: string }[]
  file: { passphrase: string; secret: string; content: string }
}
const vectors = JSON.parse(readFileSync(new URL('../../spec/vectors/wallet.json', import.meta.url), 'utf8')) as Vectors
const signer = walletSigner(fromHex(vectors.file.secret))

describe('spec/vectors/wallet.json', () => {
  it.each(vectors.accounts)('the account of $secret', ({ secret, account, address }) => {
    const wallet = walletSigner(fromHex(secret))
    expect([toHex(wallet.account), wallet.address]).toEqual([account, address])
    expect(privateKeyToAddress(`0x${secret}`)).toBe(address)
  })

  it.each(vectors.signed)('$type on chain $chainId', async ({ chainId, contract, type, message, digest, sig }) => {
    const place = { chainId, contract: fromHex(contract) }
    const digests = channelDigests(place)
    const channel = fromHex(message['channel'] ?? '')
    const made = {
      Voucher: () => digests.voucher(channel, BigInt(message['cumulative'] ?? 0)),
      CoopClose: () => digests.coopClose(channel, BigInt(message['amount'] ?? 0)),
      CancelClose: () => digests.cancelClose(channel, message['closesAt'] ?? 0),
      Head: () => {
        const [peerKey, root, prevRoot] = ['peerKey', 'root', 'prevRoot'].map((name) => fromHex(message[name] ?? '', 32))
        const [log, size, prevSize] = ['log', 'size', 'prevSize'].map((name) => Number(message[name]))
        return headDigest(place, { peerKey: peerKey!, log: log!, size: size!, root: root!, prevSize: prevSize!, prevRoot: prevRoot! })
      },
    }[type]()
    expect(toHex(made)).toBe(digest)
    expect(toHex(signer.sign(fromHex(digest)))).toBe(sig)
    expect(recoverSigner(fromHex(digest), fromHex(sig))).toEqual(signer.account)
    expect(await recoverAddress({ hash: `0x${digest}`, signature: `0x${sig}` })).toBe(signer.address)
  })

  it.each(vectors.refused)('refuses $name, whether it knows the signer or not', ({ digest, sig }) => {
    const recovered = recoverSigner(fromHex(digest), fromHex(sig))
    expect(recovered !== undefined && equalBytes(recovered, signer.account)).toBe(false)
    const check = signatureCheck()
    expect(check(fromHex(digest), fromHex(sig), signer.account)).toBe(false)
    expect(check(fromHex(digest), signer.sign(fromHex(digest)), signer.account)).toBe(true)
    expect(check(fromHex(digest), fromHex(sig), signer.account)).toBe(false)
  })

  it('the file opens with its passphrase', async () => {
    const home = await mkdtemp(join(tmpdir(), 'haggle-wallet-'))
    try {
      const file = walletFile(join(home, 'wallet'))
      await writeFile(file.path, vectors.file.content, { mode: 0o600 })
      expect((await file.open(vectors.file.passphrase)).address).toBe(signer.address)
    } finally {
      await rm(home, { recursive: true })
    }
  })
})
