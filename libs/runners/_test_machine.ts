// What tests of this library need to know of the machine that they run on. Not part of the library.

import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { findDeno } from './host_facts.ts'
import { keeperTool, landlockQuery } from './keeper.ts'

/** The Deno binary that npm installed; undefined when it did not. */
export function testDeno(): string | undefined {
  return findDeno(import.meta.url)
}

/** Why tests in bubblewrap can't run here; null when they can. */
export function noSandbox(): string | null {
  if (!existsSync('/usr/bin/bwrap')) return 'bubblewrap is not installed'
  const options = ['--unshare-all', '--unshare-user', '--disable-userns', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev']
  const { status, stderr } = spawnSync('/usr/bin/bwrap', [...options, 'true'], { encoding: 'utf8' })
  return status === 0 ? null : `bubblewrap does not work here: ${stderr.trim()}`
}

/** Why the kernel's rules can't be tested here, of the version that brought them (1: files, 4: TCP); null when they can. */
export function noLandlock(least: number): string | null {
  const tool = keeperTool('/usr/bin/perl', process)
  const [command, ...args] = (tool === null ? null : landlockQuery(tool)) ?? []
  if (command === undefined || !existsSync(command)) return 'there is no Perl that could ask for it'
  const version = Number(spawnSync(command, args, { encoding: 'utf8' }).stdout)
  return version >= least ? null : `this kernel's Landlock is of version ${version}`
}

/** A title that says why its tests are skipped. */
export function titleOf(title: string, why: string | null): string {
  return why === null ? title : `${title} (skipped: ${why})`
}

/** Without these even root has no more right to a folder than its mode says. */
const NO_OVERRIDE = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--']

/** Why {@link runAsOwner} can't be used here; null when it can. */
export function noOwner(): string | null {
  if (process.platform !== 'linux') return 'only Linux opens folders by descriptors'
  return process.getuid?.() !== 0 || spawnSync('setpriv', [...NO_OVERRIDE.slice(1), 'true']).status === 0
    ? null
    : 'setpriv can not drop rights'
}

/** Runs a module, for which the modes of folders count as they do for any user, and gives what it printed as JSON. Imports are beside this file. */
export async function runAsOwner(source: string): Promise<unknown> {
  const node = [process.execPath, '--conditions=@haggle/source', '--no-warnings', '--input-type=module-typescript', '-e', source]
  const [command = '', ...args] = process.getuid?.() === 0 ? [...NO_OVERRIDE, ...node] : node
  const { stdout } = await promisify(execFile)(command, args, { cwd: import.meta.dirname })
  return JSON.parse(stdout)
}
