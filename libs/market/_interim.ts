import type { Terms } from '@haggle/contract'
import { type Demand, type Offer, railOf } from '@haggle/offer'
import type { Message } from '@haggle/wire'
export function termsFrom({ offer, demand, renter, devices }: { offer: Message<Offer>; demand: Demand; renter: Uint8Array; devices: readonly string[] }): Terms {
  const { body } = offer
  const rail = railOf(body.rails, demand.rail)
  const runner = body.runners.find((r) => r.runner === demand.runner && (demand.isolation.length === 0 || demand.isolation.includes(r.isolation)))
  const { maxMs, ...limits } = demand.limits
  return {
    renter, provider: offer.signer, offerDigest: offer.id,
    devices: devices.flatMap((id) => body.devices.filter((d) => d.id === id).map(({ kind, model, vramMiB }) => ({ id, kind, model, vramMiB }))),
    runner: demand.runner, isolation: runner?.isolation ?? 'none', rail: demand.rail, meters: rail?.meters ?? [], cap: demand.cap,
    tickMs: body.timing.tickMs, graceMs: body.timing.graceMs, stagingMs: body.timing.stagingMs, idleMs: demand.idleMs, maxMs, limits,
    net: null, sla: null, visibility: demand.visibility, extends: null,
  }
}
export function encodeTranscript({ renter, provider }: { renter: readonly Uint8Array[]; provider: readonly Uint8Array[] }): Uint8Array {
  return Buffer.concat([...renter, ...provider])
}
