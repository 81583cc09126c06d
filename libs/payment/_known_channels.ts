// What this node knows of its channels without asking the chain: what it read once, and what it was told since.

import { equalBytes, toHex } from '@haggle/wire'
import type { ChainOptions, ChannelEvent, Channels, ChannelState } from './channels.ts'

/** See the file's first line. */
export class KnownChannels {
  readonly #channels: Channels
  readonly #states = new Map<string, ChannelState>()
  readonly #unfollow: () => void

  /** `changed` is told of every channel after an event. */
  constructor(channels: Channels, changed: (state: ChannelState) => void) {
    this.#channels = channels
    this.#unfollow = channels.follow((event) => changed(this.#told(event)))
  }

  /** What is known without asking. */
  peek(id: Uint8Array): ChannelState | undefined {
    return this.#states.get(toHex(id))
  }

  /** A channel, asked of the chain only when it is not known. */
  async get(id: Uint8Array): Promise<ChannelState | null> {
    return this.peek(id) ?? this.fresh(id)
  }

  /** A channel as the chain has it now. */
  async fresh(id: Uint8Array): Promise<ChannelState | null> {
    const state = await this.#channels.read(id)
    return state === null ? null : this.put(state)
  }

  /** The own open channel to `payee`, asked of the chain only when none is known. */
  async to(payee: Uint8Array, options: ChainOptions): Promise<ChannelState | null> {
    const { account } = this.#channels
    for (const state of this.#states.values())
      if (!state.closed && equalBytes(state.payer, account) && equalBytes(state.payee, payee)) return state
    const found = await this.#channels.find(payee, options)
    return found === null ? null : this.put(found)
  }

  /** Notes a state that the chain gave in answer to a call. Sums only grow, whatever order answers and events come in. */
  put(state: ChannelState): ChannelState {
    const before = this.peek(state.id)
    const merged =
      before === undefined
        ? state
        : {
            ...state,
            deposit: before.deposit > state.deposit ? before.deposit : state.deposit,
            claimed: before.claimed > state.claimed ? before.claimed : state.claimed,
            closed: before.closed || state.closed,
          }
    // What a stranger names is looked at and not kept.
    const { account } = this.#channels
    if (equalBytes(state.payer, account) || equalBytes(state.payee, account)) this.#states.set(toHex(state.id), merged)
    return merged
  }

  stop(): void {
    this.#unfollow()
  }

  #told({ kind, channel }: ChannelEvent): ChannelState {
    const before = this.peek(channel.id)
    // An event may be older than an answer: only those of a close say how a close stands.
    const closesAtS = kind === 'closing' || kind === 'cancelled' || before === undefined ? channel.closesAtS : before.closesAtS
    return this.put({ ...channel, closesAtS, closed: kind === 'closed' || (before?.closed ?? channel.closed) })
  }
}
