// The home's money, in the two steps that joining a market allows: the wallet and the rails before, the calls after.

import { setTimeout as pause } from 'node:timers/promises'
import type { Market, OpenCourt, OpenRail, RailParts } from '@haggle/market'
import { freeRail } from '@haggle/payment'
import type { Anchored, ChainAnchor } from '@haggle/reputation'
import { fromHex, systemClock } from '@haggle/wire'
import type { Boot } from '../boot.ts'
import { describe } from '../failure.ts'
import type { HomePaths } from '../home.ts'
import { readPassphrase } from '../secret_file.ts'
import { Anchoring, type Heads } from './anchoring.ts'
import type { EvmMoney, Peer } from './evm_money.ts'
import type { Log } from './log.ts'
import { Money, type MoneyMarket, type OthersAnchoring } from './money.ts'
import { keystoreAt, Wallet } from './wallet.ts'

const MS_PER_S = 1000
/** Between two tries to open a chain that could not be had. Ms. */
const RETRY_MS = 15_000

/** Money before the market is joined. */
export interface MoneyOpening {
  /** Ways to pay, credits first: nobody pays with money without saying so. */
  readonly rails: readonly OpenRail[]
  /** The court of the chain that money is on; undefined without one. */
  readonly court: OpenCourt | undefined
  /** The calls, once the market is joined. */
  calls(market: Market): Promise<Money>
  /** Ends what the money does by itself. */
  close(): Promise<void>
}

/** The home whose money is opened. */
export interface MoneyHome {
  readonly paths: HomePaths
  readonly boot: Boot
  readonly log: Log
  readonly peer: Peer
}

/** Opens the home's wallet, and the chain of its settings when there is one. A home with neither loads nothing of chains. */
export async function openMoney({ paths, boot, log, peer }: MoneyHome): Promise<MoneyOpening> {
  const wallet = await Wallet.of(keystoreAt(paths.wallet))
  if (boot.walletPassphraseFile !== null && wallet.state === 'locked')
    await wallet.unlock(await readPassphrase(boot.walletPassphraseFile, '--wallet-passphrase-file'))
  const { signer } = wallet
  const chainBoot = boot.chain
  let evm: EvmMoney | undefined
  let problem: unknown
  let anchoring: Anchoring | undefined
  let others: OthersAnchoring | undefined
  const onProblem = (error: unknown): void => log('warn', 'money', { code: describe(error).code, error })
  const openEvm = async (parts: RailParts): Promise<EvmMoney | undefined> => {
    if (signer === undefined || chainBoot === null) return undefined
    try {
      const { openEvmMoney } = await import('./evm_money.ts')
      evm = await openEvmMoney({ ...parts, boot: chainBoot, wallet: signer, peer, onProblem })
      problem = undefined
      return evm
    } catch (error) {
      // A chain that can't be had is no reason to stay away from the market: credits go on, and status says why nothing else does.
      if (problem === undefined) log('error', 'no_chain', { code: describe(error).code, error })
      problem = error
      return undefined
    }
  }
  let parts: RailParts | undefined
  const evmRail: OpenRail = async (given) => {
    parts = given
    return (await openEvm(given))?.rail ?? freeRail()
  }
  const stopping = new AbortController()
  /** A chain that never answered is asked again: once it does, the node deals in its money without a restart. */
  const retry = async (market: Market): Promise<void> => {
    while (evm === undefined && parts !== undefined) {
      await pause(RETRY_MS, undefined, { signal: stopping.signal })
      const opened = await openEvm(parts)
      if (opened === undefined) continue
      if (stopping.signal.aborted) return await opened.close()
      market.addRail(opened.rail)
      await startAnchoring(market, opened)
      log('info', 'chain', { rail: opened.rail.name })
    }
  }
  const startAnchoring = async (market: Market, { parts: { anchors, view } }: EvmMoney): Promise<void> => {
    const start = (kind: string, heads: Heads, to: ChainAnchor): Anchoring => {
      const onAnchored = ({ size, block, transaction }: Anchored): void => log('info', kind, { size, block, transaction })
      const started = new Anchoring({ heads, anchors: to, clock: systemClock(), onProblem, onAnchored })
      started.start()
      return started
    }
    anchoring = start('anchored', headsOf({ memory: market.memory, ledger: (options) => market.ledger(options) }), anchors)
    // A tree that can't be opened is no reason to stay without the own anchors.
    const aggregator = boot.anchorOthers ? await market.memory.aggregate({ anchors, chain: view().id }).catch(onProblem) : undefined
    if (aggregator) others = { aggregator, anchoring: start('anchored_others', aggregator, aggregator.anchors) }
  }
  const court: OpenCourt = async () => {
    if (evm === undefined || signer === undefined) throw problem
    const { parts, rail } = evm
    return { rail: rail.name, court: await parts.court(), signer, stake: parts.stake, witness: boot.witness }
  }
  return {
    court: signer === undefined || chainBoot === null ? undefined : court,
    rails: signer === undefined || chainBoot === null ? [] : [async () => freeRail(), evmRail],
    async calls(market) {
      if (evm !== undefined) await startAnchoring(market, evm)
      else if (signer !== undefined && chainBoot !== null)
        void retry(market).catch((error: unknown) => (stopping.signal.aborted ? undefined : onProblem(error)))
      return new Money({
        wallet,
        get chain() {
          return evm?.parts ?? null
        },
        get problem() {
          return problem
        },
        get anchoring() {
          return anchoring ?? null
        },
        get others() {
          return others ?? null
        },
        configured: chainBoot !== null,
        market: marketOf(market),
        peerKey: peer.signer.publicKey,
      })
    },
    async close() {
      stopping.abort()
      await anchoring?.stop()
      await others?.anchoring.stop()
      await evm?.close()
    },
  }
}

function marketOf(market: Market): MoneyMarket {
  return {
    rails: () => market.money(),
    court: () => market.court(),
    async prices(rail) {
      const { rows } = await market.offers({ rail })
      return rows.flatMap(({ prices }) =>
        prices.filter((price) => price.rail === rail && price.pricePerHour !== '?').map(({ pricePerHour }) => pricePerHour),
      )
    },
    async accountOf(peerId, rail) {
      const { rows } = await market.offers({ rail })
      const account = rows.find(({ provider }) => provider === peerId)?.prices.find((price) => price.rail === rail)?.account
      return account === undefined || account === null ? undefined : fromHex(account.slice(2), 20)
    },
  }
}

function headsOf({ memory, ledger }: Pick<Market, 'memory' | 'ledger'>): Heads {
  return {
    now: async () => {
      const { log, size } = await memory.status()
      return { log, size }
    },
    sign: async () => await memory.checkpoint(),
    async entryAtMs(index) {
      const { size } = await memory.status()
      const entries = await ledger({ limit: Math.max(1, size - index) })
      const at = entries.find((entry) => entry.index === index)?.at
      return at === undefined ? null : at * MS_PER_S
    },
  }
}
