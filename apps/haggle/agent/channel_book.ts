// Which channels are this account's own: learnt from the chain's events, kept in a store, so that a list needs no search of the chain.

import type { Channels, ChannelState } from '@haggle/payment'
import type { Store } from '@haggle/store'
import { fromHex, toHex } from '@haggle/wire'

/** The own channels, of this account as payer or payee. */
export interface ChannelBook {
  /** All of them as the chain has them now, closed ones too, the newest first. */
  list(): Promise<readonly ChannelState[]>
  /** Takes in a channel whose event has not been heard yet, as of one just opened. */
  note(id: Uint8Array): void
  /** Ends the listening. */
  close(): void
}

/** How many digits keep the order of up to 10^12 channels. */
const ORDER_DIGITS = 12

/** Opens the book of `channels` over `store`, a store or sub-store of its own. `onProblem` is told when it can't be written. */
export async function openChannelBook({
  channels,
  store,
  onProblem,
}: {
  readonly channels: Channels
  readonly store: Store
  readonly onProblem: (error: unknown) => void
}): Promise<ChannelBook> {
  /** Ids in hex, the oldest first. */
  const known = new Set<string>()
  for await (const [, id] of store.range()) known.add(toHex(id))
  const note = (id: Uint8Array): void => {
    const hex = toHex(id)
    if (known.has(hex)) return
    known.add(hex)
    store.write([{ key: String(known.size).padStart(ORDER_DIGITS, '0'), value: fromHex(hex) }]).catch(onProblem)
  }
  const close = channels.follow(({ channel }) => note(channel.id))
  return {
    async list() {
      const states = await Promise.all([...known].reverse().map((hex) => channels.read(fromHex(hex))))
      return states.filter((state) => state !== null)
    },
    note,
    close,
  }
}
