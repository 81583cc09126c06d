// The one error of a thread's command that is none: the other side, or a deadline, was faster.

import { errorCode } from '@haggle/wire'

/** Swallows `E_CONTRACT_STATE`: the phase had moved on before the command came. Everything else is thrown. */
export function ignoreOver(error: unknown): void {
  if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
}
