/**
 * A court in memory, and the compliance suite of courts.
 *
 * @module
 */
export { type CourtBench, type CourtTestInit, testCourt } from './testing_court.ts'
export { type MemoryCourts, memoryCourts, type MemoryCourtsOptions } from './memory_court.ts'
