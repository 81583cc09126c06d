// What tests of this library need to know of the machine that they run on. Not part of the library.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findDeno } from './host_facts.ts'

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

/** A title that says why its tests are skipped. */
export function titleOf(title: string, why: string | null): string {
  return why === null ? title : `${title} (skipped: ${why})`
}
