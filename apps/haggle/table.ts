// The shape of a verb: one table per verb drives parsing, help and completions.

import type { Args } from './args.ts'

/** What a value looks like, which decides how it is checked and completed. */
export type Kind =
  | 'switch'
  | 'text'
  | 'amount'
  | 'duration'
  | 'count'
  | 'file'
  | 'folder'
  | 'address'
  | 'listen'
  | 'key'
  | 'choice'
  | 'url'
  | 'account'
  | 'rate'
  | 'host-port'
  | 'region'

/** One flag of a verb. */
export interface Flag {
  /** Long name without dashes. Also its name in the configuration file when it is a setting. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  readonly kind: Kind
  /** One line of help, no full stop. */
  readonly help: string
  /** How the value is called in help, such as `EXPR`. */
  readonly value?: string
  readonly choices?: readonly string[]
  /** May be given several times. */
  readonly repeat?: boolean
  /** True: `HAGGLE_NAME` and the configuration file give it too. */
  readonly setting?: boolean
  /** Used when nothing else gives it; shown in help. */
  readonly fallback?: string
  /** The verb whose help tells of it; other verbs take it too and only point there. */
  readonly aside?: string
}

/** Least and most of what is a number, as it is typed. By the flag's name: what is a setting means the same in every verb. */
export const RANGES: Readonly<Record<string, readonly [least: string, most?: string]>> = {
  // As long as a demand may ask for.
  timeout: ['1s', '30d'],
  'max-job': ['1s', '30d'],
  cores: ['0.001'],
  memory: ['1'],
  disk: ['1'],
  output: ['1'],
  slots: ['1'],
  'sla-slot': ['1s', '1h'],
  'sla-times': ['1', '10'],
  // Each is a process, and opens its own job host.
  providers: ['1', '64'],
}

/** How a range is said: `1s to 30d`, `1 or more`; undefined for a flag that has none. */
export function rangeText(name: string): string | undefined {
  const [least, most] = RANGES[name] ?? []
  return least === undefined ? undefined : most === undefined ? `${least} or more` : `${least} to ${most}`
}

/** One positional argument. */
export interface Positional {
  readonly name: string
  readonly help: string
  readonly optional?: boolean
  /** Takes all that follow. Only on the last one. */
  readonly repeat?: boolean
  readonly kind?: 'file' | 'contract' | 'address' | 'text' | 'choice'
  readonly choices?: readonly string[]
}

/** A verb of the command: its table, and what it does. */
export interface Verb {
  readonly name: string
  readonly summary: string
  readonly positionals?: readonly Positional[]
  readonly flags: readonly Flag[]
  /** True: everything from the first positional or after `--` on is a command line and is not parsed. */
  readonly command?: boolean
  /** Lines for the end of help: what to type. */
  readonly examples?: readonly string[]
  /** Sentences for help, after the summary. */
  readonly notes?: readonly string[]
  /** Resolves with the exit code. Throws a Failure for whatever ends it early. */
  run(args: Args): Promise<number>
}

/** Flags that every verb takes. */
export const EVERYWHERE: readonly Flag[] = [
  { name: 'home', kind: 'folder', value: 'DIR', help: 'where keys, ledger and settings live', fallback: '~/.haggle', setting: true },
  { name: 'help', short: 'h', kind: 'switch', help: 'show this' },
  { name: 'version', kind: 'switch', help: 'show the version' },
]

/** Which chain money is on, and how it is handled there. Without `chain-rpc` a node is on the free rail alone. */
export const CHAIN: readonly Flag[] = [
  {
    name: 'chain-rpc',
    kind: 'url',
    value: 'URL',
    repeat: true,
    help: 'JSON-RPC address of a node of the chain that money is on',
    setting: true,
  },
  { name: 'chain-id', kind: 'count', value: 'N', help: "the chain's number; one that answers with another is refused", setting: true },
  { name: 'chain-token', kind: 'account', value: '0x…', help: 'address of the token that is paid in', setting: true },
  { name: 'chain-deployment', kind: 'file', value: 'FILE', help: "file with the addresses of haggle's contracts there", setting: true },
  { name: 'confirmations', kind: 'count', value: 'N', help: 'blocks until money counts; 12, or 1 on a devnet', setting: true },
  { name: 'claim-at', kind: 'amount', value: 'P', help: 'claim what was earned once it is this much', fallback: '1', setting: true },
  {
    name: 'wallet-passphrase-file',
    kind: 'file',
    value: 'FILE',
    help: "file with the wallet's passphrase: the agent opens it alone",
    setting: true,
  },
  { name: 'witness', kind: 'switch', help: 'be a witness of service levels: locks the stake of a seat', setting: true },
  {
    name: 'anchor-others',
    kind: 'choice',
    choices: ['on', 'off'],
    help: 'anchor the ledgers of others too, all of them in one transaction',
    fallback: 'off',
    setting: true,
  },
  {
    name: 'fiat',
    kind: 'rate',
    value: "'P CUR'",
    help: "what one token is worth to you, such as '0.90 EUR': shown beside amounts",
    setting: true,
  },
]

const BASE_NETWORK: readonly Flag[] = [
  { name: 'peer', kind: 'address', value: 'ADDR', repeat: true, help: 'use this node, by its address or PeerId', setting: true },
  { name: 'bootstrap', kind: 'address', value: 'ADDR', repeat: true, help: 'address of a relay to find the mesh by', setting: true },
  { name: 'psk-file', kind: 'file', value: 'FILE', help: 'pre-shared key of a private swarm', setting: true },
  { name: 'network', kind: 'text', value: 'NAME', help: 'which network to be on', fallback: 'haggle', setting: true },
  { name: 'mdns', kind: 'choice', choices: ['on', 'off'], help: 'find nodes on the local network', fallback: 'on', setting: true },
  { name: 'passphrase-file', kind: 'file', value: 'FILE', help: "file with the key's passphrase, when it has one", setting: true },
  { name: 'foreground', kind: 'switch', help: 'run the agent inside this command, not in the background' },
]

/** Flags of every verb that uses the network. */
export const NETWORK: readonly Flag[] = [...BASE_NETWORK, ...CHAIN.map((flag) => ({ ...flag, aside: 'wallet' }))]

/** Flags of the verbs about money: the same as {@link NETWORK}, all of them in help. */
export const MONEY: readonly Flag[] = [...CHAIN, ...BASE_NETWORK]

/** How a job is paid, for the verbs that rent and offer. */
export const RAIL: Flag = {
  name: 'rail',
  kind: 'text',
  value: 'RAIL',
  help: 'what to pay with and be paid in: free is credits, otherwise the name of the token',
  fallback: 'free',
  setting: true,
}

/** `--json` of every verb that reads. */
export const JSON_FLAG: Flag = { name: 'json', kind: 'switch', help: 'print JSON on stdout' }
