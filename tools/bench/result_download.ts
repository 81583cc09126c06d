// Results fetched by content, beside as many bytes over a bare libp2p stream.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { joinMarket } from '@haggle/market'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { fetchSource } from './_bare_streams.ts'
import { createChildren } from './_children.ts'
import { timed } from './_floor.ts'
import { alternate, type BenchRow, rowOf } from './row.ts'

const MIB = 64

export async function rows(): Promise<readonly BenchRow[]> {
  await using children = createChildren()
  const bare = String((await children.start('_bare_node.ts', 'serve')).first['address'])
  const provider = await children.start('_provider_node.ts', `${children.folder}/provider`, 'bench', '1', '-')
  await using market = await joinMarket({ network: 'bench', listen: [], peers: [String(provider.first['address'])] })
  const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
  const job = await market.run({
    deno: join(import.meta.dirname, '_data_job.ts'),
    args: [String(MIB)],
    diskMiB: 256,
    outputs: ['out/*'],
  })
  // Results are fetched when the job is over, as `run --out` does.
  const { exitCode } = await job.done
  if (exitCode !== 0) throw new Error(`the job ended with ${exitCode}`)
  const folder = mkdtempSync(join(tmpdir(), 'haggle-download-'))
  try {
    const rate = (ms: number): number => (MIB * 1.048576 * 1000) / ms
    // Each time into an empty folder, as people do: freeing the pages of a file that is replaced would be counted as well.
    const download = async (): Promise<number[]> => {
      const into = mkdtempSync(join(folder, 'into-'))
      const ms = await timed(() => job.download(into))
      rmSync(into, { recursive: true })
      return [rate(ms)]
    }
    await download()
    const measured = await alternate(
      { subject: download, floor: async () => [rate(await fetchSource(node, bare, MIB * 1048576))], pairs: 5 },
      0.05,
    )
    return [rowOf('result-download', 'MB/s', measured, { aim: { atLeast: 0.8 }, note: `${MIB} MiB, hashed and written` })]
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await node.stop()
  }
}
