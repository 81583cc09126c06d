// `npm run torture:ledger -- --kills 1000 --flips 5000 --seed S --json`: what the ledger survives, counted.

import { namedCommand, SEED, whole } from '@haggle/tools/named-command'
import { torturedByFlips } from './ledger_flips.ts'
import { torturedByKills } from './ledger_kills.ts'

const say =
  (what: string, of: number) =>
  (done: number): void => {
    if (done % Math.max(1, Math.floor(of / 50)) === 0 || done === of) process.stderr.write(`${what} ${done}/${of}\n`)
  }

await namedCommand({
  name: 'torture:ledger',
  what: 'kills the writer of a ledger, and flips bits of its files; nothing acknowledged may be lost, nothing changed may pass',
  options: {
    kills: whole('times that the writer is killed', 1_000, { least: 0, most: 100_000 }),
    flips: whole('bits that are flipped', 5_000, { least: 0, most: 1_000_000 }),
    seed: SEED,
  },
  async run({ kills: killed, flips: flipped, seed }) {
    const began = performance.now()
    const kills = await torturedByKills({ kills: killed, seed, onProgress: say('kills', killed) })
    const flips = await torturedByFlips({ flips: flipped, seed, onProgress: say('flips', flipped) })
    const inFlightShare = kills.kills === kills.opening ? 0 : kills.inFlight / kills.kills
    const ok =
      kills.lost + kills.secondRoots + kills.notOk + flips.silent + flips.secondRoots === 0 &&
      kills.errors.length + flips.errors.length === 0 &&
      (kills.kills === 0 || inFlightShare >= 0.5)
    return { ok, seed, seconds: Math.round((performance.now() - began) / 100) / 10, inFlightShare, kills, flips }
  },
})
