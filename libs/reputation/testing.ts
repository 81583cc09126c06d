/**
 * For tests of whatever anchors a log: a chain in memory, and the suite that holds every ChainAnchor to its interface.
 *
 * @module
 */
export { type MemoryAnchors, memoryAnchors } from './memory_anchor.ts'
export { type AnchorTestInit, testChainAnchor } from './_test_anchor.ts'
