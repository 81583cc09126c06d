/**
 * Time and chance for tests and simulations: a clock under the test's hand and a seeded generator.
 *
 * @module
 */
export { seededRandom, virtualClock, type VirtualClock } from './virtual_clock.ts'
