// The end of the demonstration with money: every provider claims and anchors by its own command, and the chain has the last word.

import { execFile } from 'node:child_process'
import type { ContractLine } from '@haggle/examples/render'
import { formatAmount } from '@haggle/wire'
import { isAddressEqual } from 'viem'
import type { Books } from './books.ts'
import { type Mesh, scripts } from './mesh.ts'
import type { Rented } from './renter.ts'
import type { MoneyCells } from './show.ts'
import { DECIMALS, type Till } from './till.ts'

/** A claim and an anchor are a few transactions of a chain that mines at once. */
const COMMAND_MS = 60_000

/** What a contract came to, as the result has it. Amounts are decimal text. */
export interface Settled {
  /** What the renter paid by vouchers and receipt. */
  readonly paid: string
  /** What the provider has claimed on the chain for it. */
  readonly settled: string
  /** Gas of opening the channel, of claiming, and of the provider's anchor. */
  readonly gas: { readonly open: number; readonly claim: number; readonly anchor: number }
  /** Where the provider's ledger, with this contract in it, is anchored. */
  readonly anchor: {
    readonly transaction: string
    readonly block: number
    readonly log: number
    readonly size: number
    readonly root: string
  } | null
}

/** The money of a run, for its result. */
export interface Settlement {
  /** By contract id. */
  readonly contracts: ReadonlyMap<string, Settled>
  readonly books: Books
  /** What does not agree, one sentence each. */
  readonly wrong: readonly string[]
}

/** Claims and anchors for every provider, then reads the books. */
export async function settle(mesh: Mesh, { result, killed }: Rented, till: Till): Promise<Settlement> {
  const { contracts } = result
  await Promise.all(
    mesh.providers.map(async ({ home, peerId }) => {
      // The agent of one that was killed starts again with these commands: vouchers are on its disk, and the chain pays on them.
      await haggle(['claim', '--all'], home, mesh, till)
      // After a start, a ledger's head is signed when a counterparty has shown the last one: here the renter has left, and the money waits for nobody.
      if (peerId === killed) await haggle(['down', '--now'], home)
      else await haggle(['anchor', 'now'], home, mesh, till)
    }),
  )
  const books = await till.books()
  const rows = new Map(contracts.map((one) => [one.id, settledOf(one, mesh, books)]))
  return { contracts: rows, books, wrong: [...books.wrong, ...contracts.flatMap((one) => disagreement(one, rows.get(one.id)))] }
}

/** A contract as the chain has it: each provider has one contract here, and so its channel is that contract's. */
function settledOf(one: ContractLine, { providers }: Mesh, books: Books): Settled {
  const holder = providers.find(({ peerId }) => peerId === one.provider)?.holder
  const channel = holder ? books.channels.find(({ payee }) => isAddressEqual(payee, holder.address)) : undefined
  const anchor = holder ? books.anchors.findLast(({ signer }) => isAddressEqual(signer, holder.address)) : undefined
  return {
    paid: one.cost,
    settled: formatAmount(channel?.claimed ?? 0n, DECIMALS),
    gas: { open: channel?.gas.open ?? 0, claim: channel?.gas.claim ?? 0, anchor: anchor?.gas ?? 0 },
    anchor:
      anchor === undefined
        ? null
        : { transaction: anchor.transaction, block: anchor.block, log: anchor.log, size: anchor.size, root: anchor.root },
  }
}

function disagreement({ provider, lost }: ContractLine, row: Settled | undefined): string[] {
  if (row === undefined) return [`${provider} has no contract on the chain`]
  const wrong = row.anchor === null && lost === null ? [`the ledger of ${provider} is not anchored`] : []
  // A provider that was killed has vouchers for what it did; what its last tick came to, it may not have been told.
  if (lost === null && row.paid !== row.settled) wrong.push(`${provider} was paid ${row.paid} and claimed ${row.settled}`)
  return wrong
}

/** The cells of the table. */
export function cellsOf({ contracts }: Settlement): Map<string, MoneyCells> {
  return new Map(
    [...contracts].map(([id, { settled, gas, anchor }]) => [
      id,
      { settled, gas: gas.open + gas.claim + gas.anchor, anchor: anchor?.transaction ?? null },
    ]),
  )
}

/** Runs one command of a provider's owner. */
function haggle(argv: readonly string[], home: string, mesh?: Mesh, till?: Till): Promise<void> {
  const [verb = '', ...rest] = argv
  const network = mesh === undefined ? [] : ['--network', mesh.network, '--bootstrap', mesh.bootstrap, '--mdns', 'off']
  const args = ['--conditions=@haggle/source', scripts.haggle, verb, ...rest, '--json', '--home', home, ...network, ...(till?.flags ?? [])]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: COMMAND_MS }, (error, _, stderr) => {
      if (error) reject(new Error(`haggle ${argv.join(' ')}: ${stderr.trim().split('\n')[0] || error.message}`))
      else resolve()
    })
  })
}
