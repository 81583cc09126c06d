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
  const file = (name: string): string | null => {
    const typed = args.text(name)
    return typed === undefined ? null : resolve(pathOf(typed, args.env['HOME'] ?? '/'))
  }
  return {
    network: args.origin('network') === 'default' ? null : (args.text('network') ?? null),
    bootstrap: args.list('bootstrap'),
    pskFile: file('psk-file'),
    passphraseFile: file('passphrase-file'),
    mdns: args.text('mdns') !== 'off',
    listen: more.listen ?? null,
    listenAnywhere: more.listenAnywhere ?? false,
    http: more.http ?? null,
    provide: more.provide ?? false,
  }
}

/** What keeps a running agent from serving a call: null when nothing does. Bootstrap addresses don't count: the agent dials new ones. */
export function differs(running: Boot, asked: Boot): 'network' | 'psk-file' | 'listen' | 'http' | 'role' | null {
  if (asked.network !== null && asked.network !== (running.network ?? PUBLIC)) return 'network'
  if (asked.pskFile !== null && asked.pskFile !== running.pskFile) return 'psk-file'
  const listening = running.listen ?? []
  if (
    asked.listen !== null &&
    (asked.listenAnywhere ? listening.length === 0 : asked.listen.some((address) => !listening.includes(address)))
  )
    return 'listen'
  if (asked.http !== null && asked.http !== running.http) return 'http'
  if (asked.provide && !running.provide) return 'role'
  return null
}
