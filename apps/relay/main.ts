// haggle-relay's entry: reads the command line, runs until a signal, and turns whatever goes wrong into one line and an exit code.

import { errorCode, HaggleError } from '@haggle/wire'
import { joinLines } from './join_line.ts'
import { HELP, parseOptions, VERSION } from './options.ts'
import type { RelayOptions } from './options.ts'

/** Exit codes of spec/errors.md that are not {@link EXIT_CONFIG}: 2 for what was typed, 6 for the network, 1 for what nobody foresaw. */
const EXIT: Readonly<Record<string, number>> = { E_USAGE: 2, E_ADDRESS: 2, E_PEER_ID: 2, E_CHAIN_UNREACHABLE: 6, E_UNKNOWN: 1 }
/** What the configuration or the machine does not allow: nearly all that keeps a relay from starting. */
const EXIT_CONFIG = 3

/** The exit code of an error's code. */
export function exitCodeOf(code: string): number {
  return EXIT[code] ?? EXIT_CONFIG
}

/** Between two collections of the whole heap, ms, as in an agent (apps/haggle/agent_flags.ts): by itself V8 lets a relay's grow for hours. */
const COLLECT_MS = 300_000

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<void> {
  try {
    const options = parseOptions(argv)
    if (options === 'help') process.stdout.write(HELP)
    else if (options === 'version') process.stdout.write(`haggle-relay ${VERSION}\n`)
    else await run(options)
    process.exit(0)
  } catch (error) {
    complain(error, argv.includes('--json'), env['HAGGLE_DEBUG'] !== undefined)
    process.exit(exitCodeOf(errorCode(error)))
  }
}

async function run(options: RelayOptions): Promise<void> {
  // libp2p takes half a second to import: a wrong command line is told before that.
  const [{ startRelay }, { serveHealth }, { orderAddresses }] = await Promise.all([
    import('./relay.ts'),
    import('./http.ts'),
    import('@haggle/discovery'),
  ])
  const stopping = firstSignal()
  const relay = await startRelay(
    options,
    (event) =>
      options.json
        ? process.stdout.write(`${JSON.stringify(event)}\n`)
        : process.stderr.write(
            `haggle-relay: ${Object.values(event)
              .filter((value) => value !== null)
              .join(' ')}\n`,
          ),
    (error) => complain(error, false, false),
  )
  setInterval(() => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }), COLLECT_MS).unref()
  let isReady = true
  const health = options.http === undefined ? undefined : await serveHealth(relay, options.http, () => isReady)
  const say = (event: Readonly<Record<string, unknown>>, text: string): void => {
    process.stdout.write(options.json ? `${JSON.stringify(event)}\n` : `${text}\n`)
  }
  const http = health === undefined ? null : `http://${options.http?.host ?? ''}:${health.port}`
  say(
    { event: 'up', ok: true, peerId: relay.peerId, addresses: relay.addresses, network: options.networkName, home: options.home, http },
    [
      `haggle-relay ${relay.peerId} is up on network "${options.networkName}"`,
      ...relay.addresses.map((address) => `  ${address}`),
      ...(http === null ? [] : [`figures: ${http}/metrics`]),
      ...joinLines(options, orderAddresses(relay.addresses)[0] ?? 'ADDR'),
    ].join('\n'),
  )
  const signal = await stopping
  isReady = false
  process.stderr.write(`haggle-relay: ${signal}, draining ${relay.mesh.stats().circuits} circuits (again stops at once)\n`)
  const hurry = new AbortController()
  void firstSignal().then(() => hurry.abort())
  await relay.drain(options.drainMs, hurry.signal)
  await health?.stop()
  await relay.stop()
  say({ event: 'down', ok: true }, 'haggle-relay is down')
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}

function complain(error: unknown, isJson: boolean, isDebug: boolean): void {
  const code = errorCode(error)
  const message = error instanceof Error ? error.message : String(error)
  const next = error instanceof HaggleError ? error.next : undefined
  process.stderr.write(`haggle-relay: ${message} (${code})\n${next === undefined ? '' : `  next: ${next}\n`}`)
  if (isDebug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  if (isJson) process.stdout.write(`${JSON.stringify({ event: 'down', ok: false, error: { code, message, next: next ?? null } })}\n`)
}
