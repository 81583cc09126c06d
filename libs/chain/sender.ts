// Transactions of one account: every one is written down before it is sent, gets one nonce, and is followed until it has enough confirmations. Fees
// that are too low are raised, fees that are too high are waited out, and what a crash or an outage interrupts goes on afterwards.

import { HaggleError } from '@haggle/wire'
import type { Address, Hex } from 'viem'
import { type Attempt, decodeIntent, encodeIntent, type Intent } from './_intent.ts'
import { SenderLoop } from './_sender_loop.ts'
import type { Call, SenderInit, TransactionSender } from './sending.ts'

/**
 * Opens the sender of `wallet`, and goes on with what its store says is under way.
 *
 * @example
 * ```ts no-run
 * import { chainRpc, openChain, openSender, walletSigner } from "@haggle/chain";
 * import { memoryStore } from "@haggle/store";
 * import { systemClock } from "@haggle/wire";
 *
 * const clock = systemClock();
 * const chain = openChain({ chainId: 31337, rpc: chainRpc({ urls: ["http://127.0.0.1:8545"], chainId: 31337, clock }) });
 * const sender = await openSender({ chain, wallet: walletSigner(new Uint8Array(32).fill(1)), store: memoryStore(), clock });
 * await sender.send({ to: "0x0000000000000000000000000000000000000001", data: "0x" });
 * await sender.stop();
 * ```
 */
export async function openSender(init: SenderInit): Promise<TransactionSender> {
  const intents: Intent[] = []
  for await (const [key, bytes] of init.store.range({ gte: 'i', lt: 'j' })) intents.push(decodeIntent(key, bytes))
  const loop = new SenderLoop(init, intents)
  let nextOrder = (intents.at(-1)?.order ?? -1) + 1
  let writing: Promise<unknown> = Promise.resolve()

  async function add(call: Call, key: string | undefined): Promise<Intent> {
    const order = nextOrder++
    const intent: Intent = {
      order,
      key: key ?? `#${order}`,
      to: call.to.toLowerCase() as Address,
      data: call.data.toLowerCase() as Hex,
      value: call.value ?? 0n,
      sinceS: Math.floor(init.clock.now() / 1000),
      nonce: null,
      attempts: [] as readonly Attempt[],
    }
    await init.store.write([encodeIntent(intent)])
    return intent
  }

  return {
    account: init.wallet.account,
    address: init.wallet.address,
    async send(call, { key, signal } = {}) {
      signal?.throwIfAborted()
      // One at a time: two calls with one key must not both find none.
      const turn = writing.then(async () => {
        loop.throwIfStopped()
        const known = key === undefined ? undefined : loop.withKey(key)
        if (known !== undefined) {
          if (known.data !== call.data.toLowerCase() || known.to !== call.to.toLowerCase()) {
            throw new HaggleError('E_SENDER_KEY', `Cannot send "${key}": another transaction of that name is under way`, {
              next: 'wait for it',
            })
          }
          return known
        }
        const intent = await add(call, key)
        loop.add(intent)
        return intent
      })
      writing = turn.catch(() => undefined)
      return await loop.outcomeOf(await turn, signal)
    },
    status: () => loop.status(),
    stop: () => loop.stop(),
  }
}
