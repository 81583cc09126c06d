// From a verb's arguments to an agent that can be asked: in the background, or inside this command.

import type { Agent } from './agent/agent.ts'
import type { Args } from './args.ts'
import { type BootMore, bootOf } from './boot.ts'
import { ask, reachOf, type Reach } from './client.ts'
import { openHome } from './home.ts'

/** An agent's reach for one verb, and what ends the agent when it runs inside the command. */
export interface Session extends AsyncDisposable {
  readonly reach: Reach
  /** The agent, when it runs in this process. */
  readonly agent: Agent | undefined
  /** What `--peer` and `--bootstrap` add to a call. */
  readonly network: { readonly peers: readonly string[]; readonly bootstrap: readonly string[] }
  /** One plain call: parameters in, answer out. */
  ask<T>(call: string, params?: Readonly<Record<string, unknown>>): Promise<T>
}

/** Opens the home and finds out how its agent is reached. With `--foreground` the agent runs in this process until the session is disposed. */
export async function session(args: Args, more: BootMore = {}): Promise<Session> {
  const boot = bootOf(args, more)
  openHome(args.home)
  const reach = reachOf(args.home, boot)
  const agent = args.on('foreground') ? await (await import('./agent/foreground.ts')).startForeground(args.home, boot) : undefined
  const network = { peers: args.list('peer'), bootstrap: args.list('bootstrap') }
  return {
    reach,
    agent,
    network,
    ask: async <T>(call: string, params: Readonly<Record<string, unknown>> = {}) =>
      (await ask(reach, call, { ...network, ...params })) as T,
    [Symbol.asyncDispose]: async () => await agent?.stop(),
  }
}
