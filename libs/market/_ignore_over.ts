// The errors of a thread's command that are none for whoever does not wait for it: it is over, or this node is.

import { errorCode } from '@haggle/wire'

/** The phase had moved on before the command came; or the node's store is closed, and the next process takes the thread up from what is in it. */
const OVER: ReadonlySet<string> = new Set(['E_CONTRACT_STATE', 'E_STORE_CLOSED'])

/** Swallows what {@link OVER} lists. Everything else is thrown. */
export function ignoreOver(error: unknown): void {
  if (!OVER.has(errorCode(error))) throw error
}

/** For work that nobody waits for: what it throws is told, unless {@link OVER} lists it, and ends nothing. A message that the disk refused is sent later by its thread. */
export function unwatched(work: Promise<unknown>, onProblem: (error: unknown) => void = () => undefined): void {
  work.catch((error: unknown) => {
    if (!OVER.has(errorCode(error))) onProblem(error)
  })
}
