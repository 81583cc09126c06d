// From demand to the first byte of output when each tick is paid before it begins, beside the same job on the free rail.

import { deployDevnet, findAnvil, fundAccount, startAnvil } from '@haggle/chain/testing'
import { joinMarket, type Market } from '@haggle/market'
import { toHex } from '@haggle/wire'
import { createChildren } from './_children.ts'
import { pause } from './_floor.ts'
import type { PaidAccount } from './_paid_rail.ts'
import { paidRail } from './_paid_rail.ts'
import { alternate, type BenchOptions, type BenchRow, rowOf } from './row.ts'

const NAME = 'first-output-paid'
const TIMES = 12
const NETWORK = 'bench-paid'
/** Tokens of the renter, base units: enough that its channel is opened once. */
const TOKENS = 1_000_000_000n

/** One run to its end; the milliseconds to its first output. */
async function firstOutput(market: Market, rail: string): Promise<number> {
  await pause()
  const job = await market.run({ command: ['echo', 'x'], rail })
  for await (const _ of job.stdout) break
  const { exitCode, receipt } = await job.done
  if (exitCode !== 0 || job.firstOutputMs === null || receipt?.signedBy !== 'both') throw new Error(`the job ended with ${exitCode}`)
  return job.firstOutputMs
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) samples.push(await once())
  return samples
}

export async function rows({ wants }: BenchOptions): Promise<readonly BenchRow[]> {
  if (!wants(NAME)) return []
  if (findAnvil() === undefined) throw new Error('anvil does not run on this machine')
  await using children = createChildren()
  const anvil = await startAnvil()
  try {
    const deployment = await deployDevnet(anvil.url)
    const accountOf = (n: number): PaidAccount => {
      const account = anvil.accounts[n]
      if (account === undefined) throw new Error('anvil has ten accounts')
      return { url: anvil.url, chainId: anvil.chainId, deployment, secret: toHex(account.secret) }
    }
    const payer = anvil.accounts[1]
    if (payer === undefined) throw new Error('anvil has ten accounts')
    await fundAccount(anvil.url, deployment, payer.address, { tokens: TOKENS, coin: 10n ** 20n })
    const provider = await children.start('_paid_provider_node.ts', `${children.folder}/provider`, NETWORK, JSON.stringify(accountOf(2)))
    await using market = await joinMarket({
      home: `${children.folder}/renter`,
      network: NETWORK,
      listen: [],
      peers: [String(provider.first['address'])],
      rails: [paidRail(accountOf(1))],
    })
    const [paid] = market.money()
    if (paid === undefined || !paid.isMoney) throw new Error('the renter has no paid rail')
    // The first paid run opens the channel; the others find it open.
    await repeat(3, () => firstOutput(market, paid.rail))
    await repeat(3, () => firstOutput(market, 'free'))
    const measured = await alternate({
      subject: () => repeat(TIMES, () => firstOutput(market, paid.rail)),
      floor: () => repeat(TIMES, () => firstOutput(market, 'free')),
    })
    const note = 'channel open, both sides on disk; floor: the same job on the free rail'
    return [rowOf(NAME, 'ms', measured, { aim: { atMost: 1.3 }, note })]
  } finally {
    await anvil.stop()
  }
}
