// The errors of a thread's command that are none for whoever does not wait for it: it is over, or this node is.

import { errorCode } from '@haggle/wire'

/** The phase had moved on before the command came; or the node's store is closed, and the next process takes the thread up from what is in it. */
const OVER: ReadonlySet<string> = new Set(['E_CONTRACT_STATE', 'E_STORE_CLOSED'])

/** Swallows what {@link OVER} lists. Everything else is thrown. */
export function ignoreOver(error: unknown): void {
  if (!OVER.has(errorCode(error))) throw error
}
