// Every verb by name, loaded when it is used: a command pays only for its own verb.

import type { Verb } from '../table.ts'

/** Loaders of the verbs, in the order help shows them. */
export const VERBS: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  init: () => import('./init.ts'),
  up: () => import('./up.ts'),
  down: () => import('./down.ts'),
  status: () => import('./status.ts'),
  doctor: () => import('./doctor.ts'),
  offers: () => import('./offers.ts'),
  quote: () => import('./quote.ts'),
  run: () => import('./run.ts'),
  ps: () => import('./ps.ts'),
  logs: () => import('./logs.ts'),
  attach: () => import('./attach.ts'),
  cancel: () => import('./cancel.ts'),
  ping: () => import('./ping.ts'),
  ledger: () => import('./ledger.ts'),
  verify: () => import('./verify.ts'),
  wallet: () => import('./wallet.ts'),
  stake: () => import('./stake.ts'),
  channel: () => import('./channel.ts'),
  claim: () => import('./claim.ts'),
  court: () => import('./court.ts'),
  anchor: () => import('./anchor.ts'),
  price: () => import('./price.ts'),
  config: () => import('./config.ts'),
  devnet: () => import('./devnet.ts'),
  completions: () => import('./completions.ts'),
}

/** Every verb, loaded: for help, completions and the list of settings. */
export async function allVerbs(): Promise<readonly Verb[]> {
  return await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb))
}
