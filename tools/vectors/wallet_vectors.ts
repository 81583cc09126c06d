// Vectors of the wallet: accounts, what is signed for the contracts, signatures that must be refused, and a file that opens.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { channelDigests, headDigest, walletSigner } from '@haggle/chain'
import { walletFile } from '@haggle/chain/node'
import { fromHex, toHex } from '@haggle/wire'
import { seededRandom } from '@haggle/wire/testing'
import type { Json } from './main.ts'

const SECRETS = ['01', '07', 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'].map((text) => text.padStart(64, '0'))
const PLACES = [
  { chainId: 1, contract: '1111111111111111111111111111111111111111' },
  { chainId: 31337, contract: '5fbdb2315678afecb367f032d93f642f64180aa3' },
]
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const CHANNEL = '22'.repeat(32)

export async function make(): Promise<Readonly<Record<string, Json>>> {
  const signer = walletSigner(fromHex(SECRETS[1] as string))
  return {
    'wallet.json': {
      page: 'spec/wallet.md',
      note: 'Binary in hex. signed: `sig` is of the account of secret 07 over `digest`. refused: no signature of that account over `digest`.',
      accounts: SECRETS.map((secret) => {
        const { account, address } = walletSigner(fromHex(secret))
        return { secret, account: toHex(account), address }
      }),
      signed: PLACES.flatMap(({ chainId, contract }) => {
        const place = { chainId, contract: fromHex(contract) }
        const digests = channelDigests(place)
        const [channel, peerKey, root, prevRoot] = [CHANNEL, '33', '44', '55'].map((text) => fromHex(text.repeat(64 / text.length)))
        const head = { peerKey: peerKey!, log: 1, size: 4_000_000_000, root: root!, prevSize: 3, prevRoot: prevRoot! }
        const cases: readonly (readonly [string, Json, Uint8Array])[] = [
          ['Voucher', { channel: CHANNEL, cumulative: '0' }, digests.voucher(channel!, 0n)],
          ['Voucher', { channel: CHANNEL, cumulative: String(2n ** 128n - 1n) }, digests.voucher(channel!, 2n ** 128n - 1n)],
          ['CoopClose', { channel: CHANNEL, amount: '70000' }, digests.coopClose(channel!, 70_000n)],
          ['CancelClose', { channel: CHANNEL, closesAt: 1_800_000_000 }, digests.cancelClose(channel!, 1_800_000_000)],
          ['Head', { ...head, peerKey: toHex(peerKey!), root: toHex(root!), prevRoot: toHex(prevRoot!) }, headDigest(place, head)],
        ]
        return cases.map(([type, message, digest]) => ({
          chainId,
          contract,
          type,
          message,
          digest: toHex(digest),
          sig: toHex(signer.sign(digest)),
        }))
      }),
      refused: refused(signer.sign(new Uint8Array(32).fill(1))).map(([name, sig]) => ({ name, digest: '01'.repeat(32), sig: toHex(sig) })),
      file: await sealed('correct horse'),
    },
  }
}

function refused(good: Uint8Array): [string, Uint8Array][] {
  const s = BigInt(`0x${toHex(good.subarray(32, 64))}`)
  const with64 = (v: number): Uint8Array => good.map((octet, at) => (at === 64 ? v : octet))
  const high = with64(55 - (good[64] as number))
  high.set(fromHex((ORDER - s).toString(16).padStart(64, '0')), 32)
  return [
    ['s in the upper half', high],
    ['v 0 or 1', with64((good[64] as number) - 27)],
    ['the other v', with64(55 - (good[64] as number))],
    ['64 bytes', good.subarray(0, 64)],
    ['66 bytes', Uint8Array.of(...good, 0)],
    ['r zero', good.map((octet, at) => (at < 32 ? 0 : octet))],
    ['s zero', good.map((octet, at) => (at >= 32 && at < 64 ? 0 : octet))],
    ['r of the order', good.map((octet, at) => (at < 32 ? Number((ORDER >> BigInt(8 * (31 - at))) & 0xffn) : octet))],
  ]
}

async function sealed(passphrase: string): Promise<Json> {
  const home = await mkdtemp(join(tmpdir(), 'haggle-vectors-'))
  try {
    const file = walletFile(join(home, 'wallet'), { random: seededRandom('wallet'), scryptLogN: 14 })
    const secret = SECRETS[1] as string
    await file.create(passphrase, fromHex(secret))
    return { passphrase, secret, content: await readFile(file.path, 'utf8') }
  } finally {
    await rm(home, { recursive: true })
  }
}
