/**
 * The market in a few lines: rent a stranger's machine, or earn with yours.
 *
 * @example Rent
 * ```ts no-run
 * import { joinMarket } from "@haggle/market";
 *
 * await using market = await joinMarket({ bootstrap: ["/dns4/relay.example/tcp/4001/p2p/12D3…"] });
 * const job = await market.run({ where: "gpu.vram>=24GiB price.hour<=0.40", deno: "main.ts", budget: "0.05" });
 * for await (const line of job.lines()) console.log(line);
 * const { exitCode, receipt } = await job.done;
 * ```
 *
 * @module
 */
export * from './types.ts'
export * from './parts.ts'
export * from './memory_types.ts'
export type { LogEvent } from '@haggle/log'
export { type NodeMemory, type NodeMemoryInit, openNodeMemory } from './node_memory.ts'
export type { LedgerLine, LedgerPort } from './ledger_port.ts'
export { STRANGER, type Trust, trustOf } from './trust.ts'
export { joinMarket, type JoinOptions, machineOf } from './join.ts'
export { market, type MarketComponents, type MarketInit } from './service.ts'
export { createMarket, type StartableMarket } from './market_node.ts'
export { collectFiles } from './job_files.ts'
