// `npm start`: one relay, three providers and one renter as separate processes on this machine, over real libp2p; the renter renders a
// picture on the three providers under signed contracts, pays them each tick in test money on a chain of its own, and they claim and anchor.
// Flags after `--`: --once (end when done), --json (one JSON object as the last line of stdout), --kill-one (kill a provider in the middle),
// --free (no chain: credits), --keep DIR (keep the homes and logs there).

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { ContractLine, RenderResult } from '@haggle/examples/render'
import { errorCode, formatAmount } from '@haggle/wire'
import { flag, optionsOfProcess, text, whole } from '../named_command.ts'
import { type Mesh, scripts, startMesh } from './mesh.ts'
import { createTroupe } from './processes.ts'
import { type Progress, rent, type Rented } from './renter.ts'
import { cellsOf, settle, type Settlement } from './settle.ts'
import { contractTable, createScreen, label, processor, type Screen } from './show.ts'
import { DECIMALS, openTill, type Till, UNIT } from './till.ts'

/** After this the run counts as failed. */
const LIMIT_MS = 10 * 60_000
/** What a person who tries the commands is given: 10 of the test token. Base units. */
const VISITOR_TOKENS = 10_000_000n

interface Flags {
  readonly once: boolean
  readonly json: boolean
  readonly killOne: boolean
  /** No chain: credits, which are not money. */
  readonly free: boolean
  readonly keep: string | undefined
  readonly out: string
  /** Handed on to the renter: another width or number of samples. */
  readonly render: readonly string[]
}

function readFlags(): Flags | null {
  const values = optionsOfProcess({
    name: 'start',
    what: 'one relay, three strangers, one job, all on this machine',
    options: {
      once: flag('end when the job is done'),
      json: flag('one JSON object as the last line of stdout'),
      'kill-one': flag('kill a provider in the middle'),
      free: flag('no chain: credits, which are not money'),
      keep: text('folder to keep homes and logs in; none unless given'),
      out: text('folder for the picture and the transcripts', 'out'),
      width: whole('width of the picture, pixels; 0: as the scene says', 0, { least: 0, most: 4_096 }),
      samples: whole('paths for each pixel; 0: as the scene says', 0, { least: 0, most: 65_536 }),
    },
  })
  if (values === null) return null
  const render = (['width', 'samples'] as const).flatMap((name) => (values[name] === 0 ? [] : [`--${name}`, String(values[name])]))
  const { once, json, free, keep, out } = values
  return { once, json, free, killOne: values['kill-one'], keep: keep === '' ? undefined : keep, out, render }
}

function conclude(result: RenderResult, settlement: Settlement | null, screen: Screen): void {
  const contracts = result.contracts.map((one): ContractLine => ({ ...one, transcript: relative(process.cwd(), one.transcript) }))
  screen.line()
  for (const row of contractTable(contracts, settlement === null ? undefined : cellsOf(settlement))) screen.line(row)
  const kept = contracts.filter(({ lost }) => lost === null)
  const good = kept.filter(({ verified, signedBy }) => verified && signedBy === 'both').length
  const { tile, same } = result.recheck
  screen.line(
    `✓ ${result.picture} ${result.width}×${result.height}   ${good === kept.length ? '✓' : '✗'} ${good} of ${kept.length} receipts check   ${same ? '✓' : '✗'} tile ${tile} re-rendered here: ${same ? 'same' : 'different'}`,
  )
  if (settlement !== null) {
    const all = settlement.books.channels.reduce((sum, { claimed }) => sum + claimed, 0n)
    screen.line(
      `✓ ${formatAmount(all, DECIMALS)} ${UNIT} claimed on the chain, 0.5 % of it burned   ${settlement.wrong.length === 0 ? '✓ every balance follows from the contracts' : '✗'}`,
    )
    for (const sentence of settlement.wrong) screen.line(`✗ ${sentence}`)
  }
  if (kept.some(({ isolation }) => isolation === 'permissions')) {
    screen.line(
      "  isolation is Deno's permissions only: bubblewrap is not installed, so exec is off too.   sudo apt-get install bubblewrap",
    )
  }
}

/** Gives the person who watches a home of their own, with test money in it, and says what to type. */
async function whatNext(
  { mesh, result, till }: { readonly mesh: Mesh; readonly result: RenderResult; readonly till: Till | null },
  home: string,
  screen: Screen,
): Promise<void> {
  const file = result.contracts.find(({ lost }) => lost === null)?.transcript ?? 'out/….haggle'
  await till?.addWallet('you', home, VISITOR_TOKENS)
  const env = { HAGGLE_HOME: home, HAGGLE_MDNS: 'off', HAGGLE_NETWORK: mesh.network, HAGGLE_BOOTSTRAP: mesh.bootstrap, ...till?.env }
  screen.line()
  screen.line('it stays up; in another terminal, in this folder:')
  screen.line(
    `  export ${Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
  )
  const run = till === null ? 'npx haggle run -- uname -a' : `npx haggle run --rail ${UNIT} -- uname -a      npx haggle wallet balance`
  screen.line(`  npx haggle offers      ${run}      npx haggle verify ${relative(process.cwd(), file)}`)
  screen.line('Ctrl-C ends it')
}

/** The money of the run for its result: amounts are decimal text in the token's unit. */
function chainOf({ books, wrong }: Settlement, till: Till | null): object {
  const amount = (value: bigint): string => formatAmount(value, DECIMALS)
  return {
    id: till?.deployment.chainId,
    unit: UNIT,
    decimals: DECIMALS,
    deployment: till?.deployment,
    channels: books.channels.map(({ deposit, claimed, ...channel }) => ({
      ...channel,
      deposit: amount(deposit),
      claimed: amount(claimed),
    })),
    balances: books.balances.map(({ name, address, given, balance }) => ({
      name,
      address,
      given: amount(given),
      balance: amount(balance),
    })),
    agrees: wrong.length === 0,
    wrong,
  }
}

async function main(flags: Flags): Promise<number> {
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
  const at: { till: Till | null } = { till: null }
  screen.line('haggle   one relay, three strangers, one job                      all on this machine, over real libp2p')
  screen.line(`${label('machine')}${processor()}`)
  const run = async (): Promise<{ mesh: Mesh; rented: Rented; settlement: Settlement | null }> => {
    progress.pending = 'the chain to start'
    const till = flags.free ? null : await openTill(folder)
    at.till = till
    if (till !== null)
      screen.line(`✓ ${'chain'.padEnd(12)}${till.deployment.chainId} at ${till.url}: contracts deployed, wallets with test money (${UNIT})`)
    progress.pending = 'the processes to start'
    const mesh = await startMesh(troupe, { folder, screen, till })
    const rented = await rent(troupe, mesh, { flags, folder, screen, progress, till })
    progress.pending = 'claims and anchors'
    const settlement = till === null ? null : await settle(mesh, rented, till)
    return { mesh, rented, settlement }
  }
  try {
    const { mesh, rented, settlement } = await Promise.race([run(), stop.promise])
    const { result, offers, killed } = rented
    clearTimeout(timer)
    conclude(result, settlement, screen)
    const picture = resolve(result.picture)
    const ok =
      result.ok &&
      existsSync(picture) &&
      (killed === null || result.contracts.some(({ provider, lost }) => provider === killed && lost !== null)) &&
      (settlement === null || settlement.wrong.length === 0)
    print({
      ok,
      picture,
      contracts: result.contracts.map((one) => ({ ...one, transcript: resolve(one.transcript), ...settlement?.contracts.get(one.id) })),
      recheck: result.recheck,
      offers,
      killed,
      chain: settlement === null ? null : chainOf(settlement, at.till),
      network: mesh.network,
      relay: { peerId: mesh.relay.first['peerId'], address: mesh.bootstrap },
      providers: mesh.providers.map(({ peerId, price, holder, owner: { slots, region, listen } }) => ({
        peerId,
        price,
        slots,
        region,
        listen,
        account: holder?.address ?? null,
      })),
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
    })
    if (!flags.once) {
      await whatNext({ mesh, result, till: at.till }, visitor, screen)
      await stop.promise.catch(() => undefined)
    }
    return ok ? 0 : 1
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const code = errorCode(error)
    screen.line(`✗ ${message}; was waiting for ${progress.pending}`)
    if (code === 'E_ANVIL') screen.line('  without a chain:   npm start -- --free')
    print({
      ok: false,
      error: message,
      code,
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
    await at.till?.[Symbol.asyncDispose]()
    if (flags.keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

const flags = readFlags()
if (flags !== null) process.exitCode = await main(flags)
