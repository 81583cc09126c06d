/**
 * For tests of whatever pays: the compliance suites of rails, channels and stake, and a chain and a vault in memory.
 *
 * @module
 */
export { type MemoryChain, memoryChain, type MemoryChainOptions } from './memory_channels.ts'
export { type ChannelsTestInit, testChannels } from './_test_channels.ts'
export { type RailTestInit, type RailTestRunner, testPaymentRail } from './_test_rail.ts'
export { type MemoryVault, memoryVault, type MemoryVaultOptions } from './memory_stake.ts'
export { type StakeTestInit, testStakeBook } from './_test_stake.ts'
