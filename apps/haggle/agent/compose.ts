// The real parts of an agent: the launcher first, then the hardware and the key, then the market over libp2p.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { peerIdOf } from '@haggle/identity'
import type { LogEvent } from '@haggle/market'
import { type Boot, PUBLIC } from '../boot.ts'
import { denoBinary } from '../deno_binary.ts'
import { networkId, toHex } from '@haggle/wire'
import { describe, Failure } from '../failure.ts'
import type { HomePaths } from '../home.ts'
import { readPassphrase, readSecret } from '../secret_file.ts'
import type { Joined } from './agent.ts'
import { type Log, sparing } from './log.ts'
import { type MoneyOpening, openMoney } from './open_money.ts'

/** The launcher's folder in a home: there once the home has offered its machine. */
const LAUNCHER_FOLDER = 'launcher'

/** Joins the market as this home. A home that offers its machine, or did, gets its launcher back: jobs of others may still be in it. */
export async function joinAs(paths: HomePaths, boot: Boot, log: Log): Promise<Joined> {
  const provides = boot.provide || existsSync(join(paths.home, LAUNCHER_FOLDER))
  // The launcher is forked before the network stack is loaded: a fork costs more the bigger its parent is.
  const provider = provides ? await openProvider(paths) : undefined
  let money: MoneyOpening | undefined
  try {
    const [{ joinMarket }, { openKeyFile }] = await Promise.all([import('@haggle/market'), import('@haggle/identity/node')])
    const passphrase = boot.passphraseFile === null ? undefined : await readPassphrase(boot.passphraseFile, '--passphrase-file')
    const identity = await openKeyFile(paths.key, { create: true, ...(passphrase === undefined ? {} : { passphrase }) })
    const psk = boot.pskFile === null ? undefined : pskOf(await readSecret(boot.pskFile, '--psk-file'), boot.pskFile)
    const network = networkId(boot.network ?? PUBLIC, ...(psk === undefined ? [] : [psk]))
    money = await openMoney({ paths, boot, log, peer: { signer: identity.signer, network } })
    const market = await joinMarket({
      home: paths.home,
      identity,
      network: boot.network ?? PUBLIC,
      bootstrap: [...boot.bootstrap],
      listen: [...(boot.listen ?? [])],
      mdns: boot.mdns,
      onMemory: (event) => remembered(log, event),
      onProblem: sparing((error, times) => log('warn', 'market', { code: describe(error).code, error, ...(times > 1 ? { times } : {}) }), {
        nameOf: (error) => describe(error).code,
        now: () => performance.now(),
      }),
      rails: money.rails,
      ...(money.court === undefined ? {} : { court: money.court }),
      onCourt: ({ kind, id, about }) => log(kind === 'trouble' ? 'warn' : 'info', `court_${kind}`, { case: toHex(id), about }),
      ...(provider === undefined ? {} : { launcher: provider.launcher, machine: provider.hardware }),
      ...(psk === undefined ? {} : { psk }),
    })
    const opened = money
    return {
      market,
      money: await opened.calls(market),
      hardware: provider?.found ?? null,
      leave: async ({ kill }) => {
        await opened.close()
        await market.close()
        await provider?.leave(kill)
      },
    }
  } catch (error) {
    await money?.close()
    // Where another agent has the home, the launcher is that one's.
    await (describe(error).code === 'E_HOME_BUSY' ? provider?.launcher.close() : provider?.leave(false))
    throw error
  }
}

/** What happens to this node's log goes into the agent's; what needs its owner as a warning. */
function remembered(log: Log, event: LogEvent): void {
  const { kind, ...rest } = event
  const fields = 'culprit' in rest ? { ...rest, culprit: peerIdOf(rest.culprit) } : rest
  const bad = kind === 'evidence' || (kind === 'state' && event.state !== 'ok' && event.state !== 'unconfirmed')
  log(bad ? 'warn' : 'info', `ledger_${kind}`, fields)
}

async function openProvider({ home }: HomePaths) {
  const [{ startLauncher }, { foundOf, lookAround }] = await Promise.all([import('@haggle/runners'), import('../hardware.ts')])
  const deno = denoBinary()
  const hardware = await lookAround(home)
  const launcher = await startLauncher({ home, devices: hardware.access, ...(deno === undefined ? {} : { deno }) })
  return {
    hardware,
    found: foundOf(hardware),
    launcher,
    /** A launcher without jobs has nothing to stay for; one with jobs outlives the agent unless they are to end. */
    leave: async (kill: boolean): Promise<void> => {
      const running = (await launcher.list()).some(({ phase }) => phase !== 'exited')
      await (kill || !running ? launcher.shutdown() : launcher.close())
    },
  }
}

/** The 32 bytes of a private swarm: 64 hex digits in its file. */
function pskOf(content: Buffer, path: string): Uint8Array {
  const text = content.toString('latin1').trim()
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new Failure('E_PSK', `${path} (--psk-file) must hold 64 hex digits`, { next: `openssl rand -hex 32 > ${path}` })
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
