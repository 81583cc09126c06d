// `npm start`: one relay, three providers and one renter as separate processes on this machine, over real libp2p; the renter renders a
// picture on the three providers under signed contracts. Flags after `--`: --once (end when done), --json (one JSON object as the last
// line of stdout), --kill-one (kill a provider in the middle), --keep DIR (keep the homes and logs there).

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { ContractLine, RenderResult } from '@haggle/examples/render'
import type { RenderEvent } from '@haggle/examples/rent'
import { createTroupe, type Member, type Troupe } from './processes.ts'
import { contractTable, createScreen, label, processor, type Screen, shortPeer } from './show.ts'

/** After this the run counts as failed. */
const LIMIT_MS = 10 * 60_000
/** `--kill-one` kills when this part of the tiles is there. */
const KILL_AT = 0.25

const root = resolve(import.meta.dirname, '../..')
const scripts = {
  relay: join(root, 'apps/relay/bin/haggle-relay.js'),
  haggle: join(root, 'apps/haggle/bin/haggle.js'),
  render: join(root, 'examples/render/render.ts'),
}

/** What the owners of the three providers set: nothing else differs. */
const OWNERS = [
  { price: '0.0040', slots: 2, region: 'DE', listen: '/ip4/127.0.0.1/tcp/0' },
  { price: '0.0065', slots: 1, region: 'US', listen: '/ip4/127.0.0.1/tcp/0' },
  { price: '0.0052', slots: 1, region: 'FR', listen: 'none' },
] as const

interface Flags {
  readonly once: boolean
  readonly json: boolean
  readonly killOne: boolean
  readonly keep: string | undefined
  readonly out: string
  /** Handed on to the renter: another width or number of samples. */
  readonly render: readonly string[]
}

interface Progress {
  /** What is being waited for. */
  pending: string
  done: number
  total: number
}

type Line = RenderEvent | { readonly event: 'joined'; readonly peerId: string } | { readonly event: 'checking' } | RenderResult

function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'kill-one': { type: 'boolean', default: false },
      keep: { type: 'string' },
      out: { type: 'string', default: 'out' },
      width: { type: 'string' },
      samples: { type: 'string' },
    },
  })
  const render = (['width', 'samples'] as const).flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]))
  return { once: values.once, json: values.json, killOne: values['kill-one'], keep: values.keep, out: values.out, render }
}

interface Mesh {
  readonly network: string
  readonly bootstrap: string
  readonly relay: Member
  readonly providers: readonly { readonly member: Member; readonly peerId: string; readonly owner: (typeof OWNERS)[number] }[]
}

async function startMesh(troupe: Troupe, folder: string, screen: Screen): Promise<Mesh> {
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
      const args = ['up', '--foreground', '--json', '--home', home(name), '--network', network, '--bootstrap', bootstrap, '--mdns', 'off']
      const offer = [
        '--listen',
        owner.listen,
        '--price',
        owner.price,
        '--slots',
        String(owner.slots),
        '--region',
        owner.region,
        '--for',
        'anyone',
        '--accept-weak-isolation',
      ]
      const member = await troupe.start(name, scripts.haggle, [...args, ...offer], log(name))
      return { member, owner, peerId: String(member.first['peerId']) }
    }),
  )
  const shown = providers.map(
    ({ peerId, owner }) => `${shortPeer(peerId)} ${owner.price}/h ×${owner.slots}${owner.listen === 'none' ? ' (no port: via relay)' : ''}`,
  )
  screen.line(`✓ ${'providers'.padEnd(12)}${shown.join(' · ')}`)
  return { network, bootstrap, relay, providers }
}

/** Runs the renter to its end. Its lines are shown as they come. */
async function rent(
  troupe: Troupe,
  mesh: Mesh,
  flags: Flags,
  folder: string,
  screen: Screen,
  progress: Progress,
): Promise<{ result: RenderResult; offers: { fits: number; seen: number; ms: number } | null; killed: string | null }> {
  const seen = new Map<string, Extract<RenderEvent, { event: 'signed' }>>()
  let offers: { fits: number; seen: number; ms: number } | null = null
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
          `${label('demand')}deno, 1 core, 512 MiB, price.hour<=0.01   →  ${line.fits} offers fit of ${line.seen} heard in ${(line.ms / 1000).toFixed(2)} s`,
        )
        break
      case 'signed':
        seen.set(line.provider, line)
        startedAt ||= performance.now()
        if (seen.size === OWNERS.length) {
          const cap = [...seen.values()].reduce((sum, one) => sum + Number(one.cap), 0)
          screen.line(`${label('signed')}${seen.size} contracts · cap ${cap.toFixed(6)} ${line.unit} in all (${line.unit}, not money)`)
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
  const renter = await troupe.start('renter', scripts.render, args, join(folder, 'renter.log'), hear)
  await Promise.race([renter.exited.then(() => new Promise((resolve) => setImmediate(resolve))), heard.promise]) // its last line may still be on its way
  if (!result) throw new Error(`the renter ended without a result: ${lastLine(join(folder, 'renter.log'))}`)
  return { result, offers, killed }
}

const lastLine = (path: string): string => readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''

function conclude(result: RenderResult, screen: Screen): void {
  const contracts = result.contracts.map((one): ContractLine => ({ ...one, transcript: relative(process.cwd(), one.transcript) }))
  screen.line()
  for (const row of contractTable(contracts)) screen.line(row)
  const kept = contracts.filter(({ lost }) => lost === null)
  const good = kept.filter(({ verified, signedBy }) => verified && signedBy === 'both').length
  const { tile, same } = result.recheck
  screen.line(
    `✓ ${result.picture} ${result.width}×${result.height}   ${good === kept.length ? '✓' : '✗'} ${good} of ${kept.length} receipts check   ${same ? '✓' : '✗'} tile ${tile} re-rendered here: ${same ? 'same' : 'different'}`,
  )
  if (kept.some(({ isolation }) => isolation === 'permissions')) {
    screen.line(
      "  isolation is Deno's permissions only: bubblewrap is not installed, so exec is off too.   sudo apt-get install bubblewrap",
    )
  }
}

function whatNext(mesh: Mesh, result: RenderResult, home: string, screen: Screen): void {
  const file = result.contracts.find(({ lost }) => lost === null)?.transcript ?? 'out/….haggle'
  screen.line()
  screen.line('it stays up; in another terminal, in this folder:')
  screen.line(`  export HAGGLE_HOME=${home} HAGGLE_MDNS=off HAGGLE_NETWORK=${mesh.network} HAGGLE_BOOTSTRAP=${mesh.bootstrap}`)
  screen.line(`  npx haggle offers      npx haggle run -- uname -a      npx haggle verify ${relative(process.cwd(), file)}`)
  screen.line('Ctrl-C ends it')
}

async function main(): Promise<number> {
  const flags = readFlags()
  const screen = createScreen(process.stderr)
  const started = performance.now()
  const folder = flags.keep === undefined ? mkdtempSync(join(tmpdir(), 'haggle-start-')) : resolve(flags.keep)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const visitor = join(folder, 'you') // the home of the person who tries the commands
  const troupe = createTroupe(Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HAGGLE_'))))
  const progress: Progress = { pending: 'the processes to start', done: 0, total: 0 }
  const stop = Promise.withResolvers<never>()
  stop.promise.catch(() => undefined)
  const timer = setTimeout(() => stop.reject(new Error(`not done in ${LIMIT_MS / 60_000} minutes`)), LIMIT_MS)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.reject(new Error(name)))
  const print = (object: unknown): void => void (flags.json && process.stdout.write(`${JSON.stringify(object)}\n`))
  screen.line('haggle   one relay, three strangers, one job                      all on this machine, over real libp2p')
  screen.line(`${label('machine')}${processor()}`)
  try {
    const run = startMesh(troupe, folder, screen).then(async (mesh) => ({
      mesh,
      ...(await rent(troupe, mesh, flags, folder, screen, progress)),
    }))
    const { mesh, result, offers, killed } = await Promise.race([run, stop.promise])
    clearTimeout(timer)
    conclude(result, screen)
    const picture = resolve(result.picture)
    const ok =
      result.ok &&
      existsSync(picture) &&
      (killed === null || result.contracts.some(({ provider, lost }) => provider === killed && lost !== null))
    print({
      ok,
      picture,
      contracts: result.contracts.map((one) => ({ ...one, transcript: resolve(one.transcript) })),
      recheck: result.recheck,
      offers,
      killed,
      network: mesh.network,
      relay: { peerId: mesh.relay.first['peerId'], address: mesh.bootstrap },
      providers: mesh.providers.map(({ peerId, owner }) => ({ peerId, ...owner })),
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
    })
    if (!flags.once) {
      whatNext(mesh, result, visitor, screen)
      await stop.promise.catch(() => undefined)
    }
    return ok ? 0 : 1
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    screen.line(`✗ ${message}; was waiting for ${progress.pending}`)
    print({
      ok: false,
      error: message,
      pending: [progress.pending],
      tiles: { done: progress.done, total: progress.total },
      logs: flags.keep === undefined ? null : folder,
    })
    return 1
  } finally {
    clearTimeout(timer)
    if (existsSync(visitor))
      spawnSync(process.execPath, [scripts.haggle, 'down'], {
        env: { ...process.env, HAGGLE_HOME: visitor },
        stdio: 'ignore',
        timeout: 15_000,
      })
    await troupe.close()
    if (flags.keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
