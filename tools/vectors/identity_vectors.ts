// Vectors of names and key files: seeds with their keys and PeerIds, texts that are no PeerId, and key files that open.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIdentity, peerIdOf, publicKeyOf } from '@haggle/identity'
import { openKeyFile } from '@haggle/identity/node'
import { errorCode, fromHex, toHex } from '@haggle/wire'
import { seededRandom } from '@haggle/wire/testing'
import type { Json } from './main.ts'

const SEEDS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0101010101010101010101010101010101010101010101010101010101010101',
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]

const NOT_PEER_IDS: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['cut', '12D3Koo'],
  ['an RSA PeerId', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
  ['a secp256k1 PeerId', '16Uiu2HAmV6pV7aSqcgcM3dBYuCVXxfsckVuq2UE9ehyT7XN4gWhf'],
  ['a letter that base58 has not', `0${peerIdOf(new Uint8Array(32)).slice(1)}`],
  ['a leading 1 too many', `1${peerIdOf(new Uint8Array(32))}`],
]

export async function make(): Promise<Readonly<Record<string, Json>>> {
  return {
    'identity.json': {
      page: 'spec/identity.md',
      note: 'keyFiles: `content` opens with `passphrase` (null: none) and holds `seed`.',
      identities: SEEDS.map((seed) => {
        const { publicKey, peerId } = createIdentity(fromHex(seed))
        return { seed, publicKey: toHex(publicKey), peerId }
      }),
      notPeerIds: NOT_PEER_IDS.map(([name, text]) => ({ name, text, code: refusalOf(text) })),
      keyFiles: [
        await keyFile('no passphrase', null),
        await keyFile('a passphrase', 'correct horse'),
        await keyFile('a passphrase beyond ASCII', 'Größe ﬁn'),
      ],
    },
  }
}

function refusalOf(text: string): string {
  try {
    publicKeyOf(text)
  } catch (error) {
    return errorCode(error)
  }
  throw new Error(`accepted: ${text}`)
}

async function keyFile(name: string, passphrase: string | null): Promise<Json> {
  const home = await mkdtemp(join(tmpdir(), 'haggle-vectors-'))
  try {
    const path = join(home, 'key')
    const options = { create: true, random: seededRandom(name), scryptLogN: 14, ...(passphrase === null ? {} : { passphrase }) }
    const { seed, peerId } = await openKeyFile(path, options)
    return { name, passphrase, content: await readFile(path, 'utf8'), seed: toHex(seed), peerId }
  } finally {
    await rm(home, { recursive: true })
  }
}
