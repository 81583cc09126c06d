// The command line of haggle-relay: what an operator may decide, checked.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { HaggleError, PUBLIC_NETWORK } from '@haggle/wire'

/** Version of haggle-relay, as in package.json. */
export const VERSION = '0.1.0'

/** What an operator decides. */
export interface RelayOptions {
  /** Absolute path of the folder with key and memory. */
  readonly home: string
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly bootstrap: readonly string[]
  /** Name of the network. */
  readonly networkName: string
  /** File with the 64 hex digits of a private swarm's key. */
  readonly pskFile: string | undefined
  /** Host and port of health and metrics, or undefined for none. */
  readonly http: { readonly host: string; readonly port: number } | undefined
  readonly json: boolean
  /** Its account, when it is a witness of service levels; undefined: it is none. */
  readonly witness: WitnessOptions | undefined
  /** Milliseconds that SIGTERM waits for the circuits in use. */
  readonly drainMs: number
}

/** The account of a relay that is a witness. */
export interface WitnessOptions {
  /** Addresses of nodes of the chain, the preferred first. */
  readonly rpc: readonly string[]
  /** File with the contracts' addresses; undefined: they follow from the token. */
  readonly deployment: string | undefined
  /** `0x` and 40 hex digits, or undefined. */
  readonly token: string | undefined
  /** Absolute path of the wallet's file, as `haggle wallet` makes it. */
  readonly wallet: string
  /** Absolute path of the file with its passphrase. */
  readonly passphraseFile: string
}

/** The port of a relay: fixed, for others write it down. */
const DEFAULT_LISTEN: readonly string[] = ['/ip4/0.0.0.0/tcp/4101', '/ip4/0.0.0.0/tcp/4102/ws']
const DEFAULT_DRAIN_S = 10

/** What `--help` prints. */
export const HELP: string = `haggle-relay: bootstrap, circuit relay and DHT server of a haggle mesh

  haggle-relay [flags]

  --home DIR         where its key and its memory are (default ~/.haggle-relay)
  --listen ADDR      multiaddr to listen on; may be repeated (default /ip4/0.0.0.0/tcp/4101 and /ip4/0.0.0.0/tcp/4102/ws)
  --announce ADDR    multiaddr to tell others instead, behind a NAT or a name; may be repeated
  --bootstrap ADDR   another relay to join; may be repeated
  --network NAME     network to serve (default ${PUBLIC_NETWORK})
  --psk-file FILE    file with the 64 hex digits of a private swarm's key
  --http HOST:PORT   serve /healthz, /readyz and /metrics there (default: nowhere)
  --witness          be a witness of service levels: takes a seat at the court, which locks its stake
  --chain-rpc URL    with --witness: a node of the chain; may be repeated
  --chain-deployment FILE, --chain-token 0x…
                     with --witness: the contracts' addresses, or the token that they follow from
  --wallet FILE      with --witness: its wallet, as haggle wallet makes it (default: wallet in --home)
  --wallet-passphrase-file FILE
                     with --witness: the wallet's passphrase
  --drain SECONDS    how long SIGTERM waits for circuits in use (default ${DEFAULT_DRAIN_S})
  --json             one JSON object a line on stdout instead of text
  --help, --version

It prints the address that others give with --bootstrap. SIGTERM drains and stops; a second one stops at once.
`

/** Reads the command line. Returns 'help' or 'version' when that was asked. Throws `E_USAGE`. */
export function parseOptions(argv: readonly string[]): RelayOptions | 'help' | 'version' {
  let values: ReturnType<typeof read>
  try {
    values = read(argv)
  } catch (cause) {
    throw usage(cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause), cause)
  }
  if (values.help === true) return 'help'
  if (values.version === true) return 'version'
  for (const [name, value] of Object.entries(values)) {
    if (value === '' || (Array.isArray(value) && value.includes(''))) throw usage(`--${name} must not be empty`)
  }
  const drainS = Number(values.drain ?? DEFAULT_DRAIN_S)
  if (!Number.isFinite(drainS) || drainS < 0 || drainS > 3_600) throw usage(`--drain must be 0 to 3600 seconds, is "${values.drain ?? ''}"`)
  const home = resolve(values.home ?? join(homedir(), '.haggle-relay'))
  return {
    home,
    listen: values.listen ?? DEFAULT_LISTEN,
    announce: values.announce ?? [],
    bootstrap: values.bootstrap ?? [],
    networkName: values.network ?? PUBLIC_NETWORK,
    pskFile: values['psk-file'],
    http: values.http === undefined ? undefined : parseHostPort(values.http),
    json: values.json ?? false,
    witness: witnessOf(values, home),
    drainMs: drainS * 1_000,
  }
}

function witnessOf(values: ReturnType<typeof read>, home: string): WitnessOptions | undefined {
  if (values.witness !== true) return undefined
  const rpc = values['chain-rpc'] ?? []
  const passphraseFile = values['wallet-passphrase-file']
  if (rpc.length === 0) throw usage('--witness needs --chain-rpc')
  if (passphraseFile === undefined) throw usage('--witness needs --wallet-passphrase-file')
  const { 'chain-deployment': deployment, 'chain-token': token } = values
  if ((deployment === undefined) === (token === undefined)) throw usage('--witness needs either --chain-deployment or --chain-token')
  return { rpc, deployment, token, wallet: resolve(values.wallet ?? join(home, 'wallet')), passphraseFile: resolve(passphraseFile) }
}

function read(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const texts = { type: 'string', multiple: true } as const
  const on = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    options: {
      home: text,
      listen: texts,
      announce: texts,
      bootstrap: texts,
      network: text,
      'psk-file': text,
      http: text,
      drain: text,
      witness: on,
      'chain-rpc': texts,
      'chain-deployment': text,
      'chain-token': text,
      wallet: text,
      'wallet-passphrase-file': text,
      json: on,
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'V' },
    },
  })
  return values
}

function parseHostPort(value: string): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-f:]+\]|[^:[\]]+):)?(\d{1,5})$/i.exec(value)
  const port = Number(match?.[2] ?? Number.NaN)
  if (match === null || port > 65_535) throw usage(`--http must be HOST:PORT such as 127.0.0.1:9464, is "${value}"`)
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

function usage(message: string, cause?: unknown): HaggleError {
  return new HaggleError('E_USAGE', message, { cause, next: 'haggle-relay --help lists the flags' })
}
