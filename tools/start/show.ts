// What `npm start` shows a person: short lines, a bar that moves, and the table at the end.

import { cpus } from 'node:os'
import type { ContractLine } from '@haggle/examples/render'

/** Where lines go: stderr, so that stdout stays for the result. */
export interface Screen {
  line(text?: string): void
  /** A line that the next one replaces, on a terminal; elsewhere it is printed now and then. */
  progress(done: number, total: number, etaMs: number | null): void
}

/** A screen on `stream`. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  let open = false
  let shown = -1
  const clear = (): void => {
    if (open) stream.write('\r\u001b[K')
    open = false
  }
  return {
    line(text = '') {
      clear()
      stream.write(`${text === '' ? '' : `  ${text}`}\n`)
    },
    progress(done, total, etaMs) {
      const left = etaMs === null ? '' : `   ${Math.round(etaMs / 1000)} s left`
      const width = 24
      const full = Math.round((done / total) * width)
      const text = `${label('rendering')}${'█'.repeat(full)}${'░'.repeat(width - full)}  ${done}/${total} tiles${left}`
      if (stream.isTTY) {
        stream.write(`\r\u001b[K  ${text}`)
        open = true
        return
      }
      const tenth = Math.floor((done / total) * 5)
      if (tenth === shown) return
      shown = tenth
      stream.write(`  ${label('rendering')}${done}/${total} tiles${left}\n`)
    },
  }
}

/** The word at the start of a line, in its column. */
export function label(word: string): string {
  return word.padEnd(14)
}

/** A PeerId as people see it: `12D3…a91`. */
export function shortPeer(peerId: string): string {
  return `${peerId.slice(0, 4)}…${peerId.slice(-3)}`
}

/** This machine's processor, for the first line. */
export function processor(): string {
  const model = (cpus()[0]?.model ?? 'CPU')
    .replace(/\((R|TM)\)|CPU|Processor|@.*$/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return `${cpus().length}× ${model}`
}

/** What a contract came to on the chain, for its row. */
export interface MoneyCells {
  /** What was paid, as the chain has it. */
  readonly settled: string
  /** Gas of all its transactions. */
  readonly gas: number
  /** Hash of the transaction that anchored the provider's ledger; null: none did. */
  readonly anchor: string | null
}

/** The table of contracts. With `money`, by contract id, the cost is what was paid on the chain. */
export function contractTable(contracts: readonly ContractLine[], money?: ReadonlyMap<string, MoneyCells>): string[] {
  const head = [
    ...['provider', 'device', 'isolation', 'path', 'price/h', 'first output', 'time', 'tiles'],
    ...(money === undefined ? ['cost'] : ['paid', 'gas', 'anchor']),
    'receipt',
  ]
  const rows = contracts.map((one) => [
    shortPeer(one.provider),
    `${one.device}${one.engine === 'webgpu' ? ' (webgpu)' : ' (deno)'}`,
    one.isolation,
    one.path.startsWith('relay') ? `via relay ${shortPeer(one.path.split(' ')[1] ?? '')}` : one.path,
    one.pricePerHour,
    one.firstOutputMs === null ? '–' : `${one.firstOutputMs} ms`,
    `${(one.durationMs / 1000).toFixed(1)} s`,
    String(one.tiles),
    ...(money === undefined ? [one.lost === null ? one.cost : '–'] : moneyCells(money.get(one.id))),
    one.lost === null ? one.transcript : `lost: ${one.lost}`,
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const numeric = new Set(['price/h', 'first output', 'time', 'tiles', 'cost', 'paid', 'gas'].map((title) => head.indexOf(title)))
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (numeric.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('   ')
      .trimEnd(),
  )
}

function moneyCells(money: MoneyCells | undefined): readonly [string, string, string] {
  return money === undefined
    ? ['–', '–', '–']
    : [money.settled, money.gas.toLocaleString('en'), money.anchor === null ? '–' : money.anchor.slice(0, 10)]
}
