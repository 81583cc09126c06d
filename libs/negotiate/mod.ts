/**
 * The negotiation between two nodes: the pure machine of `@haggle/contract` over one control stream, every message signed once, on disk before it
 * is sent, and brought back into step by SYNC after a crash.
 *
 * {@link createThreads} runs all threads of a node; a {@link Thread} takes commands and tells what its machine decides. What a job is and what a
 * provider accepts is the business of whoever handles them: `@haggle/market`.
 *
 * @example
 * ```ts
 * import type { Terms } from "@haggle/contract";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { memoryNetwork } from "@haggle/mesh";
 * import { createThreads, type ThreadsHandler } from "@haggle/negotiate";
 * import { memoryStore } from "@haggle/store";
 * import { networkId, systemClock, systemRandom } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const hub = memoryNetwork();
 * const join = async (seed: number, handler: Partial<ThreadsHandler>) => {
 *   const identity = createIdentity(new Uint8Array(32).fill(seed));
 *   const nothing = () => {};
 *   const threads = await createThreads({
 *     network: hub.join(identity), networkId: networkId("devnet-1"), suite: portableSuite(), signer: identity.signer,
 *     clock: systemClock(), random: systemRandom(), store: memoryStore(),
 *     handler: { opened: nothing, resumed: nothing, effect: nothing, message: nothing, spec: nothing, output: nothing, end: nothing, refused: nothing, reachable: nothing, ...handler },
 *   });
 *   return { ...identity, threads };
 * };
 * // A provider that takes every ACCEPT, and a renter that accepts a standing offer.
 * const provider = await join(1, {
 *   message: (thread, { type }) => {
 *     if (type === "accept") void thread.command({ do: "confirm", number: 0 });
 *   },
 * });
 * const confirmed = Promise.withResolvers<string>();
 * const renter = await join(2, { message: (_, { type }) => confirmed.resolve(type) });
 * const terms: Terms = {
 *   renter: renter.publicKey, provider: provider.publicKey, offerDigest: new Uint8Array(32), devices: [], runner: "exec", isolation: "none", rail: "free",
 *   meters: [{ unit: "ms", price: 360_000n, per: 3_600_000n }], cap: 60_000n, tickMs: 5_000, graceMs: 10_000, stagingMs: 60_000, idleMs: 60_000,
 *   maxMs: 600_000, limits: { cpuMilli: 1_000, memMiB: 256, diskMiB: 256, outMiB: 8, pids: 16 }, net: null, sla: null, visibility: "private", extends: null,
 * };
 * const thread = renter.threads.begin({ peerId: provider.peerId, key: provider.publicKey });
 * await thread.command({ do: "accept", terms, specHash: new Uint8Array(32), number: 0, funding: null });
 * expect(await confirmed.promise).toBe("confirm");
 * expect(thread.view()).toMatchObject({ phase: "staging", terms });
 * await renter.threads.close();
 * await provider.threads.close();
 * await hub.stop();
 * ```
 *
 * @module
 */
export * from './control_frame.ts'
export * from './control_links.ts'
export * from './fault_point.ts'
export * from './grant.ts'
export type { FrameRate } from './_frame_budget.ts'
export type { TakenNumber } from './_numbers.ts'
export * from './thread.ts'
export * from './thread_context.ts'
export * from './thread_store.ts'
export * from './threads.ts'
export * from './threads_init.ts'
