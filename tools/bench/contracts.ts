// Contracts that one provider closes a second, jobs and receipts included, beside what its signatures and verifications alone would allow.

import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { joinMarket } from '@haggle/market'
import { createChildren } from './_children.ts'
import { alternate, type BenchRow, rates, rowOf } from './row.ts'

const AT_ONCE = 8
const PASS_MS = 4000
/** Envelopes of one contract of `echo`: CONFIRM, READY, RESULT, RECEIPT by the provider; ACCEPT, START, RECEIPT by the renter. */
const SIGNED = 4
const VERIFIED = 3

export async function rows(): Promise<readonly BenchRow[]> {
  await using children = createChildren()
  const renter = createIdentity(new Uint8Array(32).fill(11), nodeEd25519())
  const provider = await children.start('_provider_node.ts', `${children.folder}/provider`, 'bench', String(AT_ONCE), renter.peerId)
  await using market = await joinMarket({ network: 'bench', identity: renter, listen: [], peers: [String(provider.first['address'])] })
  const once = async (): Promise<void> => {
    const job = await market.run({ command: ['true'], memMiB: 64 })
    const { exitCode } = await job.done
    if (exitCode !== 0) throw new Error(`the job ended with ${exitCode}`)
  }
  await once()
  const pass = async (): Promise<number[]> => {
    const started = performance.now()
    let count = 0
    const worker = async (): Promise<void> => {
      while (performance.now() - started < PASS_MS) {
        await once()
        count += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    return [(count / (performance.now() - started)) * 1000]
  }
  const suite = nodeSuite()
  const message = new Uint8Array(400).fill(3)
  const signature = renter.signer.sign(message)
  const cryptography = (): void => {
    for (let i = 0; i < SIGNED; i++) renter.signer.sign(message)
    for (let i = 0; i < VERIFIED; i++) suite.verify(signature, message, renter.publicKey)
  }
  const measured = await alternate({ subject: pass, floor: () => rates(cryptography) }, 0.05)
  return [
    rowOf('contracts-per-second', '/s', measured, {
      note: `${AT_ONCE} at a time, each with a sandboxed process; renter and provider share the machine`,
    }),
  ]
}
