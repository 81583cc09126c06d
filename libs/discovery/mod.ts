/**
 * Finding each other: adverts on gossip, a bounded book of them, snapshots for the cold, class keys in the DHT, and the full offer from its provider alone.
 *
 * @example A renter finds a provider
 * ```ts
 * import { memoryNetwork } from "@haggle/mesh";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { networkId, systemClock, systemRandom } from "@haggle/wire";
 * import { createDiscovery } from "@haggle/discovery";
 * import { standingOffer } from "@haggle/discovery/testing";
 * import { expect } from "vitest";
 *
 * const hub = memoryNetwork();
 * const common = { networkId: networkId("devnet"), suite: portableSuite(), clock: systemClock(), random: systemRandom() };
 * const join = (fill: number) => {
 *   const identity = createIdentity(new Uint8Array(32).fill(fill));
 *   const network = hub.join(identity);
 *   return { identity, network, discovery: createDiscovery({ ...common, network, signer: identity.signer }) };
 * };
 * const provider = join(1);
 * const renter = join(2);
 * await provider.discovery.start();
 * await renter.discovery.start();
 * await renter.network.connect({ peerId: provider.network.peerId });
 * await provider.discovery.announce(() => standingOffer(provider.identity, common));
 *
 * for await (const found of renter.discovery.find({ limit: 1 })) expect(found.peerId).toBe(provider.network.peerId);
 * await provider.discovery.stop();
 * await renter.discovery.stop();
 * await hub.stop();
 * ```
 *
 * @module
 */

export * from './advert.ts'
export { orderAddresses } from './advert_addresses.ts'
export { ADVERT_RATES, AdvertGate, BLAMED_REFUSALS } from './advert_gate.ts'
export type { Admission, AdvertGateOptions, AdvertRates, AdvertRefusal, SeqBook } from './advert_gate.ts'
export { CHANGE_RATE, intervalS } from './announcer.ts'
export { byPrice, meets, OfferBook, SEQ_MEMORY_MS } from './book.ts'
export type { AdvertPath, BookEntry, BookOptions, BookQuery } from './book.ts'
export { createDiscovery } from './discovery.ts'
export type { Announcement, Discovery, DiscoveryOptions } from './discovery.ts'
export { isDead, targetOf } from './finder.ts'
export type { FindQuery, FoundOffer } from './finder.ts'
export type { FetchedOffer } from './protocols.ts'
export { OFFER_RATE, SNAPSHOT_RATE, SNAPSHOT_TOTAL_RATE } from './protocols.ts'
export {
  decodeSnapshotItem,
  decodeSnapshotRequest,
  drawSnapshot,
  encodeSnapshotItem,
  encodeSnapshotRequest,
  MAX_SNAPSHOT_ADVERTS,
  MAX_SNAPSHOT_BYTES,
} from './snapshot.ts'
export type { SnapshotItem, SnapshotRefusal, SnapshotRequest } from './snapshot.ts'
export { clockError, SkewMeter } from './skew_meter.ts'
export { TokenBucket, TokenBuckets } from './token_bucket.ts'
export type { Rate } from './token_bucket.ts'
export { advertTopic, advertTopics, dhtKey, OFFER_PROTOCOL, SNAPSHOT_PROTOCOL } from './topics.ts'
