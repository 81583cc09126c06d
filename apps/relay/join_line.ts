// What a relay's operator gives to others, so that they join the mesh that it serves.

import { PUBLIC_NETWORK } from '@haggle/wire'
import type { RelayOptions } from './options.ts'

/** The line that others type, and what they need besides. */
export function joinLines({ networkName, pskFile }: Pick<RelayOptions, 'networkName' | 'pskFile'>, address: string): string[] {
  const network = networkName === PUBLIC_NETWORK ? '' : `--network ${quoted(networkName)} `
  const psk = pskFile === undefined ? '' : '--psk-file FILE '
  return [
    `others join with: haggle up ${network}${psk}--bootstrap ${address}`,
    ...(pskFile === undefined ? [] : [`  FILE: their copy of ${pskFile}, the key of this private swarm`]),
  ]
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
