/**
 * The negotiation between two nodes: the pure machine of `@haggle/contract` over one control stream, every message signed once, on disk before it
 * is sent, and brought back into step by SYNC after a crash.
 *
 * @module
 */
export * from './control_frame.ts'
export * from './control_links.ts'
export * from './fault_point.ts'
export type { FrameRate } from './_frame_budget.ts'
export type { TakenNumber } from './_numbers.ts'
export * from './thread.ts'
export * from './thread_context.ts'
export * from './thread_store.ts'
export * from './threads.ts'
export * from './threads_init.ts'
