/**
 * For tests of whatever pays: the compliance suites of rails and of the channels under them, and a chain in memory.
 *
 * @module
 */
export { type MemoryChain, memoryChain, type MemoryChainOptions } from './memory_channels.ts'
export { type ChannelsTestInit, testChannels } from './_test_channels.ts'
export { type RailTestInit, type RailTestRunner, testPaymentRail } from './_test_rail.ts'
