// The renter of the demonstration as a process, and what it says while it works.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RenderResult } from '@haggle/examples/render'
import type { RenderEvent } from '@haggle/examples/rent'
import { type Mesh, OWNERS, scripts } from './mesh.ts'
import type { Troupe } from './processes.ts'
import { label, type Screen, shortPeer } from './show.ts'
import type { Till } from './till.ts'

/** `--kill-one` kills when this part of the tiles is there. */
const KILL_AT = 0.25
/** What the renter asks for, in credits and in test money. */
const FREE_DEMAND = { where: 'price.hour<=0.01', budget: '0.002' } as const
const PAID_DEMAND = { where: 'price.hour<=1', budget: '0.2' } as const
/** What the renter has: 100 of the test token. Base units. */
const RENTER_TOKENS = 100_000_000n

/** What is being waited for, for whoever reads a failure. */
export interface Progress {
  pending: string
  done: number
  total: number
}

/** How the renter is run. */
export interface RentOptions {
  readonly flags: { readonly killOne: boolean; readonly out: string; readonly render: readonly string[] }
  readonly folder: string
  readonly screen: Screen
  readonly progress: Progress
  /** Pays with its token; null: credits. */
  readonly till: Till | null
}

type Line = RenderEvent | { readonly event: 'joined'; readonly peerId: string } | { readonly event: 'checking' } | RenderResult

/** What came of it. */
export interface Rented {
  readonly result: RenderResult
  readonly offers: { readonly fits: number; readonly seen: number; readonly ms: number } | null
  /** PeerId of the provider that was killed in the middle. */
  readonly killed: string | null
}

/** Runs the renter to its end. Its lines are shown as they come. */
export async function rent(troupe: Troupe, mesh: Mesh, how: RentOptions): Promise<Rented> {
  const { flags, folder, screen, progress, till } = how
  const demand = till === null ? FREE_DEMAND : PAID_DEMAND
  const seen = new Map<string, Extract<RenderEvent, { event: 'signed' }>>()
  let offers: Rented['offers'] = null
  let result: RenderResult | undefined
  let killed: string | null = null
  let startedAt = 0
  const heard = Promise.withResolvers<void>()
  const killOne = (): void => {
    const victim = mesh.providers.find(({ peerId }) => seen.has(peerId))
    if (!victim) return
    killed = victim.peerId
    troupe.kill(victim.member)
    screen.line(`${label('killed')}${shortPeer(victim.peerId)}, as --kill-one asked`)
  }
  const hear = (text: string): void => {
    const line = JSON.parse(text) as Line
    if (!('event' in line)) {
      result = line
      heard.resolve()
      return
    }
    switch (line.event) {
      case 'offers':
        offers = { fits: line.fits, seen: line.seen, ms: line.ms }
        progress.pending = 'contracts to be signed'
        screen.line(
          `${label('demand')}deno, 1 core, 512 MiB, ${demand.where}   →  ${line.fits} offers fit of ${line.seen} heard in ${(line.ms / 1000).toFixed(2)} s`,
        )
        break
      case 'signed':
        seen.set(line.provider, line)
        startedAt ||= performance.now()
        if (seen.size === OWNERS.length) {
          const cap = [...seen.values()].reduce((sum, one) => sum + Number(one.cap), 0)
          screen.line(
            `${label('signed')}${seen.size} contracts · cap ${cap.toFixed(6)} ${line.unit} in all (${till === null ? `${line.unit}, not money` : 'test money, paid each tick'})`,
          )
        }
        break
      case 'refused':
        screen.line(`${label('refused')}by ${shortPeer(line.provider)}: ${line.reason}`)
        break
      case 'tile': {
        progress.done = line.done
        progress.total = line.total
        progress.pending = `${line.total - line.done} of ${line.total} tiles`
        const spent = performance.now() - startedAt
        screen.progress(line.done, line.total, line.done < 3 ? null : (spent / line.done) * (line.total - line.done))
        if (flags.killOne && killed === null && line.done >= KILL_AT * line.total) killOne()
        break
      }
      case 'lost':
        screen.line(`${label('lost')}${shortPeer(line.provider)}: ${line.reason}; ${line.tiles.length} of its tiles go elsewhere`)
        break
      case 'rendered':
        progress.pending = 'contracts to be closed'
        screen.line(`${label('rendered')}in ${(line.ms / 1000).toFixed(1)} s; closing the contracts`)
        break
      case 'checking':
        progress.pending = 'the check of receipts and one tile'
        break
      default:
        break
    }
  }
  progress.pending = 'offers to be found'
  const args = ['--bootstrap', mesh.bootstrap, '--network', mesh.network, '--out', flags.out, '--json', ...flags.render]
  args.push('--where', demand.where, '--budget', demand.budget)
  if (till !== null) args.push('--wallet', await renterWallet(till, folder), ...till.flags)
  const renter = await troupe.start('renter', scripts.render, args, join(folder, 'renter.log'), hear)
  await Promise.race([renter.exited.then(() => new Promise((resolve) => setImmediate(resolve))), heard.promise]) // its last line may still be on its way
  if (!result) throw new Error(`the renter ended without a result: ${lastLine(join(folder, 'renter.log'))}`)
  return { result, offers, killed }
}

/** The last line that a process wrote into its log. */
const lastLine = (path: string): string => readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''

async function renterWallet(till: Till, folder: string): Promise<string> {
  const home = join(folder, 'renter')
  await till.addWallet('renter', home, RENTER_TOKENS)
  return join(home, 'wallet')
}
