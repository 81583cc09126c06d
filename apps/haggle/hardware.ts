// The machine's hardware as the command shows it.

import { findHardware } from '@haggle/hardware'

/** What matters of a machine for its price and its page. */
export interface Found {
  readonly kind: 'cpu' | 'software' | 'gpu'
  readonly vramGiB: number
  readonly lines: readonly string[]
}

/** Looks at this machine. */
export async function foundHardware(): Promise<Found> {
  const found = await findHardware()
  void found
  throw new Error('not wired')
}

/** One line for a person. */
export function describeHardware(found: Found): string {
  return found.lines.join(' · ')
}
