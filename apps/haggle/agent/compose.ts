// The real parts of an agent: the launcher first, then the key, then the market over libp2p.

import { readFile, stat } from 'node:fs/promises'
import type { Market } from '@haggle/market'
import type { Boot } from '../boot.ts'
import { Failure } from '../failure.ts'
import type { HomePaths } from '../home.ts'

/** Joins the market as this home. The launcher is forked before the network stack is loaded: a fork costs more the bigger its parent is. */
export async function joinAs(paths: HomePaths, boot: Boot): Promise<Market> {
  const { startLauncher } = await import('@haggle/runners')
  const launcher = await startLauncher({ home: paths.home })
  const [{ joinMarket }, { openKeyFile }] = await Promise.all([import('@haggle/market'), import('@haggle/identity/node')])
  const passphrase = boot.passphraseFile === null ? undefined : (await readSecret(boot.passphraseFile, '--passphrase-file')).toString('utf8').replace(/\r?\n$/, '')
  const identity = await openKeyFile(paths.key, { create: true, ...(passphrase === undefined ? {} : { passphrase }) })
  return await joinMarket({
    home: paths.home,
    identity,
    launcher,
    network: boot.network,
    bootstrap: [...boot.bootstrap],
    listen: [...(boot.listen ?? [])],
    mdns: boot.mdns,
    ...(boot.pskFile === null ? {} : { psk: await readSecret(boot.pskFile, '--psk-file') }),
  })
}

async function readSecret(path: string, flag: string): Promise<Buffer> {
  let mode: number
  let bytes: Buffer
  try {
    mode = (await stat(path)).mode & 0o777
    bytes = await readFile(path)
  } catch (cause) {
    throw new Failure('E_CONFIG_SECRET', `Cannot read ${path} (${flag}): ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { next: `check ${flag}`, cause })
  }
  if (process.getuid !== undefined && (mode & 0o077) !== 0) {
    throw new Failure('E_CONFIG_SECRET', `${path} (${flag}) can be read by others: its mode must be 600, is ${mode.toString(8)}`, { next: `chmod 600 ${path}` })
  }
  return bytes
}
