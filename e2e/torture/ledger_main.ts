// `npm run torture:ledger -- --kills 1000 --flips 5000 --seed S --json`: what the ledger survives, counted.

import { parseArgs } from 'node:util'
import { torturedByFlips } from './ledger_flips.ts'
import { torturedByKills } from './ledger_kills.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    flips: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const say =
  (what: string, of: number) =>
  (done: number): void => {
    if (done % Math.max(1, Math.floor(of / 50)) === 0 || done === of) process.stderr.write(`${what} ${done}/${of}\n`)
  }

const began = performance.now()
const kills = await torturedByKills({ kills: Number(values.kills), seed, onProgress: say('kills', Number(values.kills)) })
const flips = await torturedByFlips({ flips: Number(values.flips), seed, onProgress: say('flips', Number(values.flips)) })
const inFlightShare = kills.kills === kills.opening ? 0 : kills.inFlight / kills.kills
const ok =
  kills.lost + kills.secondRoots + kills.notOk + flips.silent + flips.secondRoots === 0 &&
  kills.errors.length + flips.errors.length === 0 &&
  (kills.kills === 0 || inFlightShare >= 0.5)
const result = { ok, seed, seconds: Math.round((performance.now() - began) / 100) / 10, inFlightShare, kills, flips }
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, undefined, 2)}\n`)
process.exitCode = ok ? 0 : 1
