/**
 * What this machine has.
 *
 * @module
 */
export type { DeviceAccess } from './access.ts'
