// Envelopes a second on one core, beside the bare signature and the bare verification of the same suite.

import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { fields, list, type MessageType, networkId, open, seal, uint, big } from '@haggle/wire'
import { alternate, type BenchRow, rates, rowOf, threadMs } from './row.ts'

/** As large as a METER: what flies most often. */
const METER = {
  type: 'meter',
  schema: fields({ n: uint(), usage: list(big(), { max: 8 }), owed: big() }),
  maxLifetimeS: 60,
  thread: true,
  audience: true,
} satisfies MessageType<unknown>

/** Sign + encode and decode + verify. */
export async function rows(): Promise<readonly BenchRow[]> {
  const suite = nodeSuite()
  const [renter, provider] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte), nodeEd25519()))
  if (!renter || !provider) throw new Error('no identities')
  const network = networkId('bench')
  const nowS = 1_800_000_000
  const draft = {
    network,
    audience: renter.publicKey,
    thread: new Uint8Array(16).fill(7),
    seq: 0,
    prev: null,
    ack: null,
    iat: nowS,
    exp: nowS + 30,
    body: { n: 3, usage: [12_345n], owed: 20n },
  }
  const sealed = seal(METER, draft, provider.signer, suite)
  const message = new Uint8Array(128).fill(5)
  const signature = provider.signer.sign(message)
  const read = { network, audience: renter.publicKey, nowS, suite }
  const sign = await alternate(
    {
      subject: () => rates(() => seal(METER, draft, provider.signer, suite), { clock: threadMs }),
      floor: () => rates(() => provider.signer.sign(message), { clock: threadMs }),
    },
    0.05,
  )
  const verify = await alternate(
    {
      subject: () => rates(() => open(sealed.bytes, METER, read), { clock: threadMs }),
      floor: () => rates(() => suite.verify(signature, message, provider.publicKey), { clock: threadMs }),
    },
    0.05,
  )
  return [
    rowOf('envelope-sign', '/s', sign, { aim: { atLeast: 0.8 }, note: 'sign and encode; floor: a bare signature; both by processor time' }),
    rowOf('envelope-verify', '/s', verify, {
      aim: { atLeast: 0.8 },
      note: 'decode, check and verify; floor: a bare verification; both by processor time',
    }),
  ]
}
