/**
 * What tests of finding need: a plausible offer, signed.
 *
 * @module
 */

import { seal } from '@haggle/wire'
import type { Clock, Message, Signer, Suite } from '@haggle/wire'
import { freeRate, offerMessage } from '@haggle/offer'
import type { Offer } from '@haggle/offer'
import { sampleCpu, sampleOffer } from '@haggle/offer/testing'

/** A small machine without a GPU, 0.05 an hour. */
export const SMALL_OFFER: Offer = sampleOffer({
  devices: [sampleCpu({ vendor: 'intel', model: 'Xeon' })],
  cpu: { model: 'Xeon', cores: 2, threads: 2 },
  memMiB: 4_096,
  diskMiB: 10_240,
  net: { downKbps: null, upKbps: null },
  runners: [{ runner: 'deno', isolation: 'bubblewrap' }],
  rails: [freeRate(50_000n)],
  limits: { cpuMilli: 1_000, memMiB: 512, diskMiB: 1_024, outMiB: 16, pids: 64, maxMs: 600_000 },
  timing: { tickMs: 5_000, graceMs: 5_000, stagingMs: 30_000, idleMs: 60_000 },
})

/** A signed standing offer of `identity`, good for ten minutes from now. */
export function standingOffer(
  identity: { readonly signer: Signer },
  parts: { readonly networkId: Uint8Array; readonly suite: Suite; readonly clock: Clock; readonly offer?: Offer },
): Message<Offer> {
  const nowS = Math.floor(parts.clock.now() / 1_000)
  return seal(
    offerMessage,
    {
      network: parts.networkId,
      audience: null,
      thread: null,
      seq: nowS,
      prev: null,
      ack: null,
      iat: nowS,
      exp: nowS + 600,
      body: parts.offer ?? SMALL_OFFER,
    },
    identity.signer,
    parts.suite,
  )
}
