// A relay and providers as child processes on loopback, a chain that pays them, and how to reach them.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Args } from './args.ts'
import type { DevnetChain } from './devnet_chain.ts'
import { Failure } from './failure.ts'
import { amount } from './format.ts'
import { note, print, printJson } from './out.ts'

/** A child must say that it is ready in this time. */
const READY_MS = 120_000
/** After the polite signal, children get this long: a provider that is killed leaves its launcher behind. */
const LEAVE_MS = 20_000

const COMMAND = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../bin/haggle.js' : './bin/haggle.js', import.meta.url))

interface Member {
  readonly name: string
  readonly child: ChildProcess
  readonly first: Record<string, unknown>
  /** Its last line on stderr. */
  readonly lastWords: () => string
}

/** Starts a child and resolves with the first JSON line on its stdout. */
async function member(
  name: string,
  script: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Member> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env as NodeJS.ProcessEnv,
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2000)))
  const first = await new Promise<Record<string, unknown>>((done, fail) => {
    const timer = setTimeout(() => fail(new Failure('E_DEVNET', `${name} did not become ready in ${READY_MS / 1000} s`)), READY_MS)
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(timer)
      try {
        done(JSON.parse(line) as Record<string, unknown>)
      } catch (cause) {
        fail(new Failure('E_DEVNET', `${name} said "${line.slice(0, 200)}" instead of being ready`, { cause }))
      }
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(new Failure('E_DEVNET', `${name} ended at once (${code ?? 'signal'}): ${said.trim().split('\n').at(-1) ?? ''}`))
    })
  })
  return { name, child, first, lastWords: () => said.trim().split('\n').at(-1) ?? '' }
}

/** What the renter is given: 100 of the test token. Base units. */
const RENTER_TOKENS = 100_000_000n

/** Flags of a provider that takes test money beside credits, and anchors the ledgers of whoever asks. */
function paid(chain: DevnetChain | undefined, price: string): readonly string[] {
  return chain === undefined ? [] : ['--also', `${chain.unit}=${price}`, '--anchor-others', 'on', ...chain.flags]
}

/** Runs a devnet until a signal comes or a member of it dies. */
export async function runDevnet(args: Args): Promise<void> {
  const kept = args.text('dir')
  const folder = kept === undefined ? mkdtempSync(join(tmpdir(), 'haggle-devnet-')) : resolve(kept)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const network = `devnet-${randomBytes(4).toString('hex')}`
  const env = Object.fromEntries(Object.entries(args.env).filter(([name]) => !name.startsWith('HAGGLE_')))
  const members: Member[] = []
  let chain: DevnetChain | undefined
  const stopped = Promise.withResolvers<string>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.resolve(signal))
  try {
    chain = args.on('free') ? undefined : await (await import('./devnet_chain.ts')).openDevnetChain(folder)
    const relay = await member(
      'relay',
      relayScript(),
      ['--home', join(folder, 'relay'), '--listen', '/ip4/127.0.0.1/tcp/0', '--network', network, '--json'],
      env,
    )
    members.push(relay)
    const bootstrap = ((relay.first['addresses'] as readonly string[] | undefined) ?? [])[0]
    if (bootstrap === undefined) throw new Failure('E_DEVNET', 'The relay has no address')
    const first = Number(args.text('price') ?? '0.004')
    const count = args.count('providers') ?? 2
    const providers = await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const price = (first * (1 + at / 4)).toFixed(6)
        const provider = join(folder, `provider-${at + 1}`)
        const account = (await chain?.addWallet(provider, 0n)) ?? null
        const argv = ['up', '--foreground', '--json', '--home', provider, '--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', bootstrap]
        const one = await member(
          `provider ${at + 1}`,
          COMMAND,
          [
            ...argv,
            '--network',
            network,
            '--mdns',
            'off',
            '--price',
            price,
            '--for',
            'anyone',
            '--accept-weak-isolation',
            ...paid(chain, price),
          ],
          env,
        )
        members.push(one)
        return { peerId: String(one.first['peerId']), price, home: provider, addresses: one.first['addresses'], account }
      }),
    )
    const home = join(folder, 'renter')
    await chain?.addWallet(home, RENTER_TOKENS)
    const variables = { HAGGLE_HOME: home, HAGGLE_NETWORK: network, HAGGLE_BOOTSTRAP: bootstrap, HAGGLE_MDNS: 'off', ...chain?.env }
    if (args.on('json'))
      printJson({
        ok: true,
        folder,
        network,
        bootstrap,
        env: variables,
        chain: chain === undefined ? null : { url: chain.url, unit: chain.unit, ...chain.deployment },
        relay: { peerId: relay.first['peerId'], addresses: relay.first['addresses'], pid: relay.child.pid },
        providers: providers.map((one, at) => ({ ...one, pid: members[at + 1]?.child.pid })),
      })
    else {
      print(
        `devnet ${network} in ${folder}`,
        ...(chain === undefined ? [] : [`  chain       ${chain.deployment.chainId} at ${chain.url}, test money ${chain.unit}`]),
        `  relay       ${bootstrap}`,
        ...providers.map((one, at) => `  ${at === 0 ? 'providers' : '         '}   ${one.peerId}  ${amount(one.price)}/h`),
        '',
        'in another terminal:',
        ...Object.entries(variables).map(([name, value]) => `  export ${name}=${value}`),
        '  haggle offers',
        '  haggle run -- uname -a',
        ...(chain === undefined ? [] : [`  haggle run --rail ${chain.unit} -- uname -a`, '  haggle wallet balance']),
        '',
      )
      note('Ctrl-C ends it')
    }
    // A provider may die, or be killed to see what happens then; without its relay the devnet is none.
    let alive = members.length - 1
    for (const { name, child, lastWords } of members) {
      child.once('exit', (code, signal) => {
        const how = `${name} ended (${signal ?? `exit ${code}`}) ${lastWords()}`.trim()
        if (name === 'relay' || --alive === 0) stopped.resolve(how)
        else note(how)
      })
    }
    const why = await stopped.promise
    if (!why.startsWith('SIG')) throw new Failure('E_DEVNET', why)
  } finally {
    await Promise.all(members.map(({ child }) => ended(child)))
    await chain?.[Symbol.asyncDispose]()
    if (kept === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function relayScript(): string {
  return fileURLToPath(import.meta.resolve('haggle-relay/bin/haggle-relay.js'))
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS)
  await gone
  clearTimeout(timer)
}
