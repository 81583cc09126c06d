// What an agent is started with: the network it joins, as the command line, the environment and the file say.

import { resolve } from 'node:path'
import { type Args, pathOf } from './args.ts'

/** The network of an agent that was told none. */
export const PUBLIC = 'haggle'

/** How an agent joins the network. Travels from a verb to the agent it starts, and with every call, so that an agent of another network is noticed. */
export interface Boot {
  /** Null: the public one, or whatever the running agent is on. */
  readonly network: string | null
  /** Relays to find the mesh by. */
  readonly bootstrap: readonly string[]
  /** Absolute path of the pre-shared key's file. Null: none, or that of the running agent. */
  readonly pskFile: string | null
  /** Absolute path of the file with the key's passphrase, or null. */
  readonly passphraseFile: string | null
  readonly mdns: boolean
  /** Addresses to listen on; empty: dial only. Null: whatever the running agent does. */
  readonly listen: readonly string[] | null
  /** True: an agent that listens anywhere will do, whatever `listen` says. */
  readonly listenAnywhere: boolean
  /** `host:port` of the page with health and metrics, or null. */
  readonly http: string | null
  /** True: the agent must be able to run jobs of others. */
  readonly provide: boolean
  /** The chain that money is on. Null: none, or that of the running agent. */
  readonly chain: ChainBoot | null
  /** True: the agent takes a seat at the court, to be drawn as witness of others' service levels. */
  readonly witness: boolean
  /** True: the agent anchors the heads of others too. Needs a chain and a wallet. */
  readonly anchorOthers: boolean
  /** Absolute path of the file with the wallet's passphrase, or null: somebody unlocks it. */
  readonly walletPassphraseFile: string | null
}

/** A chain, as the settings name it. */
export interface ChainBoot {
  /** Addresses of its nodes, at least one, the preferred first. They may hold a key of their operator: nothing prints more than a host. */
  readonly rpc: readonly string[]
  /** Null: whatever answers. */
  readonly id: number | null
  /** `0x` and 40 hex digits, or null: the one in the deployment. */
  readonly token: string | null
  /** Absolute path of the file with the contracts' addresses, or null: where they are on every chain. */
  readonly deployment: string | null
  /** Null: 12, or 1 on a devnet. */
  readonly confirmations: number | null
  /** Claims go out at this much, in the token's unit. */
  readonly claimAt: string
}

/** What only some verbs ask of an agent. */
export interface BootMore {
  readonly listen?: readonly string[]
  readonly listenAnywhere?: boolean
  readonly http?: string | null
  readonly provide?: boolean
}

/** The boot that a verb's arguments ask for. */
export function bootOf(args: Args, more: BootMore = {}): Boot {
  const chain = chainBootOf(args, args.list('chain-rpc'))
  const confirmations = args.count('confirmations') ?? null
  return {
    network: args.origin('network') === 'default' ? null : (args.text('network') ?? null),
    bootstrap: args.list('bootstrap'),
    pskFile: fileOf(args, 'psk-file'),
    passphraseFile: fileOf(args, 'passphrase-file'),
    mdns: args.text('mdns') !== 'off',
    listen: more.listen ?? null,
    listenAnywhere: more.listenAnywhere ?? false,
    http: more.http ?? null,
    provide: more.provide ?? false,
    chain: chain === null ? null : { ...chain, confirmations, claimAt: args.text('claim-at') ?? chain.claimAt },
    witness: args.on('witness'),
    anchorOthers: args.text('anchor-others') === 'on',
    walletPassphraseFile: fileOf(args, 'wallet-passphrase-file'),
  }
}

/** The chain of the settings, reached at `rpc`; null when that is empty. */
export function chainBootOf(args: Args, rpc: readonly string[]): ChainBoot | null {
  if (rpc.length === 0) return null
  return {
    rpc,
    id: args.count('chain-id') ?? null,
    token: args.text('chain-token')?.toLowerCase() ?? null,
    deployment: fileOf(args, 'chain-deployment'),
    confirmations: null,
    claimAt: '1',
  }
}

/** Absolute path of the file that a setting names, or null. */
function fileOf(args: Args, name: string): string | null {
  const typed = args.text(name)
  return typed === undefined ? null : resolve(pathOf(typed, args.env['HOME'] ?? '/'))
}

/** What keeps a running agent from serving a call: null when nothing does. Bootstrap addresses don't count: the agent dials new ones. */
export function differs(running: Boot, asked: Boot): 'network' | 'psk-file' | 'listen' | 'http' | 'role' | 'chain' | null {
  if (asked.network !== null && asked.network !== (running.network ?? PUBLIC)) return 'network'
  if (asked.pskFile !== null && asked.pskFile !== running.pskFile) return 'psk-file'
  const listening = running.listen ?? []
  if (
    asked.listen !== null &&
    (asked.listenAnywhere ? listening.length === 0 : asked.listen.some((address) => !listening.includes(address)))
  )
    return 'listen'
  if (asked.http !== null && asked.http !== running.http) return 'http'
  const roles = ['provide', 'witness', 'anchorOthers'] as const
  if (roles.some((role) => asked[role] && !running[role])) return 'role'
  if (asked.chain !== null && JSON.stringify(asked.chain) !== JSON.stringify(running.chain)) return 'chain'
  return null
}
