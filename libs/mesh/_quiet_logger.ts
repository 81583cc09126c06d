// A libp2p logger that says nothing: the stock one makes four loggers for each stream, each of which asks what stderr is.

import type { ComponentLogger, Logger } from '@libp2p/interface'

/** One silent logger for every component and scope. */
export function quietLogger(): ComponentLogger {
  const nothing = Object.assign((): void => undefined, { enabled: false })
  const log: Logger = Object.assign((): void => undefined, { enabled: false, error: nothing, trace: nothing, newScope: () => log })
  return { forComponent: () => log }
}
