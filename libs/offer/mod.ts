/**
 * What is sold and what is wanted: devices, offers and demands, the constraint language over them, and an index that finds the best fits.
 *
 * @module
 */

export * from './classes.ts'
export * from './demand.ts'
export * from './device.ts'
export * from './meter.ts'
export * from './offer.ts'
