// Bytes here, hex there: the one place where viem's strings and the project's bytes meet.

import { fromHex, toHex } from '@haggle/wire'
import type { Hex } from 'viem'

/** `0x` and the digits of `bytes`. */
export function hex(bytes: Uint8Array): Hex {
  return `0x${toHex(bytes)}`
}

/** The bytes of a hex text. */
export function unhex(text: Hex): Uint8Array {
  return fromHex(text.slice(2))
}
