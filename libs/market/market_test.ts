// Two members of a memory market: the whole path from demand to receipt, without sockets or processes.

import { verifyTranscript } from '@haggle/contract'
import { portableSuite } from '@haggle/identity'
import { afterEach, expect, it } from 'vitest'
import { type MemoryMarket, memoryMarket } from './testing.ts'

let market: (MemoryMarket & AsyncDisposable) | undefined
afterEach(async () => {
  await market?.close()
  market = undefined
})

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}

it('run() gives output, exit code and a receipt of both when a provider takes the job', async () => {
  market = await memoryMarket()
  const provider = await market.join({
    run: async (job) => {
      job.write('stdout', `hello ${job.spec.args[1]}\n`)
      job.write('stderr', 'a word\n')
      job.folder.set('out/result', new TextEncoder().encode('42'))
      return 7
    },
  })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const steps: string[] = []
  const job = await renter.run({ command: ['say', 'world'], onProgress: ({ step }) => steps.push(step) })
  expect(await textOf(job.stdout)).toBe('hello world\n')
  expect(await textOf(job.stderr)).toBe('a word\n')
  const end = await job.done
  expect(end).toMatchObject({ exitCode: 7, exit: { kind: 'exit', code: 7 } })
  expect(end.receipt).toMatchObject({ signedBy: 'both', outcome: 'settled', contract: job.contract })
  expect(new TextDecoder().decode(await job.readFile('out/result'))).toBe('42')
  expect(steps).toContain('signed')
  expect(steps.at(-1)).toBe('ended')
  expect((await renter.ledger()).map(({ kind }) => kind)).toEqual(['closed', 'opened'])
})

it('transcript() is what verifyTranscript() finds settled, and open when its tail is cut', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async () => 0 })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const job = await renter.run({ command: ['true'] })
  await job.done
  const file = await job.transcript()
  const report = verifyTranscript(file, portableSuite())
  expect(report).toMatchObject({ ok: true, termsHash: job.termsHash, outcome: { kind: 'settled', signedBy: 'both' } })
  expect(verifyTranscript(file.subarray(0, file.length - 1), portableSuite())).toMatchObject({ ok: true, cut: true, outcome: { signedBy: 'renter' } })
  const flipped = file.slice()
  flipped[file.length - 1] = (flipped[file.length - 1] ?? 0) ^ 1
  expect(verifyTranscript(flipped, portableSuite()).errors).toMatchObject([{ code: 'E_ENVELOPE_SIGNATURE', at: report.messages - 1 }])
})
