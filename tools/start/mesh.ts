// The mesh of the demonstration: a relay and three providers, each a process of its own with its owner's settings.

import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Member, Troupe } from './processes.ts'
import { label, type Screen, shortPeer } from './show.ts'
import type { Holder } from './books.ts'
import { type Till, UNIT } from './till.ts'

const root = resolve(import.meta.dirname, '../..')
/** The commands that are shown. */
export const scripts = {
  relay: join(root, 'apps/relay/bin/haggle-relay.js'),
  haggle: join(root, 'apps/haggle/bin/haggle.js'),
  render: join(root, 'examples/render/render.ts'),
}

/** What the owners of the three providers set: nothing else differs. Prices are per hour, in credits or in test money. */
export const OWNERS = [
  { free: '0.0040', paid: '0.40', slots: 2, region: 'DE', listen: '/ip4/127.0.0.1/tcp/0' },
  { free: '0.0065', paid: '0.65', slots: 1, region: 'US', listen: '/ip4/127.0.0.1/tcp/0' },
  { free: '0.0052', paid: '0.52', slots: 1, region: 'FR', listen: 'none' },
] as const

/** A provider that runs. */
export interface Provider {
  readonly member: Member
  readonly peerId: string
  readonly home: string
  /** Price of an hour. */
  readonly price: string
  readonly owner: (typeof OWNERS)[number]
  /** Its wallet; null without money. */
  readonly holder: Holder | null
}

/** What was started. */
export interface Mesh {
  readonly network: string
  readonly bootstrap: string
  readonly relay: Member
  readonly providers: readonly Provider[]
}

/** Starts it. With a till the providers are paid in its token. */
export async function startMesh(
  troupe: Troupe,
  { folder, screen, till }: { readonly folder: string; readonly screen: Screen; readonly till: Till | null },
): Promise<Mesh> {
  const network = `devnet-${randomBytes(4).toString('hex')}`
  const home = (name: string): string => join(folder, name)
  const log = (name: string): string => join(folder, `${name}.log`)
  const relay = await troupe.start(
    'relay',
    scripts.relay,
    ['--home', home('relay'), '--listen', '/ip4/127.0.0.1/tcp/0', '--network', network, '--json'],
    log('relay'),
  )
  const bootstrap = (relay.first['addresses'] as readonly string[] | undefined)?.[0]
  if (bootstrap === undefined) throw new Error('the relay has no address')
  screen.line(
    `✓ ${label('relay').trimEnd().padEnd(12)}${shortPeer(String(relay.first['peerId']))}   ${bootstrap.replace(/\/p2p\/.*$/, '')}`,
  )
  const providers = await Promise.all(
    OWNERS.map(async (owner, i) => {
      const name = `provider-${i + 1}`
      const holder = till === null ? null : await till.addWallet(name, home(name), 0n)
      const price = till === null ? owner.free : owner.paid
      const args = ['up', '--foreground', '--json', '--home', home(name), '--network', network, '--bootstrap', bootstrap, '--mdns', 'off']
      const offer = [
        '--listen',
        owner.listen,
        '--price',
        price,
        '--slots',
        String(owner.slots),
        '--region',
        owner.region,
        '--for',
        'anyone',
        '--accept-weak-isolation',
        ...(till === null ? [] : ['--rail', UNIT, ...till.flags]),
      ]
      const member = await troupe.start(name, scripts.haggle, [...args, ...offer], log(name))
      return { member, owner, price, holder, home: home(name), peerId: String(member.first['peerId']) }
    }),
  )
  const shown = providers.map(
    ({ peerId, owner, price }) =>
      `${shortPeer(peerId)} ${price}/h ×${owner.slots}${owner.listen === 'none' ? ' (no port: via relay)' : ''}`,
  )
  screen.line(`✓ ${'providers'.padEnd(12)}${shown.join(' · ')}`)
  return { network, bootstrap, relay, providers }
}
