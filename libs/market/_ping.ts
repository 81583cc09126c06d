// Whether a peer answers, how it is reached and how fast.

import type { Discovery } from '@haggle/discovery'
import { dialFailed, type Network, type PeerTarget } from '@haggle/mesh'
import type { Clock } from '@haggle/wire'
import type { Market } from './types.ts'

/** A peer that does not answer a ping in this time is not there. Ms. */
const PING_MS = 5_000

/** What a ping goes over. */
export interface PingParts {
  readonly network: Network
  readonly clock: Clock
  readonly discovery: Pick<Discovery, 'fetchOffer'>
}

/**
 * Asks one peer for its offer and takes the time.
 *
 * @throws HaggleError `E_DIAL` when it can't be reached, or is silent for too long; the signal's own reason when its owner ends it.
 */
export async function pingPeer(
  wanted: PeerTarget,
  { network, clock, discovery }: PingParts,
  options: { signal?: AbortSignal },
): ReturnType<Market['ping']> {
  const signal = AbortSignal.any([AbortSignal.timeout(PING_MS), ...(options.signal === undefined ? [] : [options.signal])])
  try {
    await network.connect(wanted, { signal })
    const startedMs = clock.monotonicMs()
    // A peer with nothing on sale answers too: only silence is no answer.
    await discovery.fetchOffer(wanted, { signal }).catch(() => signal.throwIfAborted())
    const path = network.path(wanted.peerId) ?? ({ kind: 'direct', address: '' } as const)
    return { peerId: wanted.peerId, rttMs: clock.monotonicMs() - startedMs, path }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error
    throw dialFailed(wanted.peerId, ['no answer in time'], error)
  }
}
