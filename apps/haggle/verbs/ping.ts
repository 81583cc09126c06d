// haggle ping: whether a node answers, how it is reached and how fast.

import { EXIT } from '../failure.ts'
import { pathText } from '../format.ts'
import { print, printJson } from '../out.ts'
import { session } from '../reach.ts'
import { JSON_FLAG, NETWORK, type Verb } from '../table.ts'

interface Pong {
  readonly peerId: string
  readonly rttMs: number
  readonly path: Parameters<typeof pathText>[0]
}

export const verb: Verb = {
  name: 'ping',
  summary: 'see whether a node answers, how it is reached and how fast',
  positionals: [{ name: 'NODE', help: 'address or PeerId', kind: 'address' }],
  flags: [{ name: 'count', short: 'c', kind: 'count', value: 'N', help: 'how often', fallback: '3' }, JSON_FLAG, ...NETWORK],
  examples: ['haggle ping /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…'],
  async run(args) {
    await using open = await session(args)
    const pongs: Pong[] = []
    for (let left = Math.max(1, args.count('count') ?? 3); left > 0; left--) {
      const pong = await open.ask<Pong>('ping', { target: args.positionals[0] })
      pongs.push(pong)
      if (!args.on('json')) print(`${pong.peerId}  ${pong.rttMs.toFixed(2)} ms  ${pathText(pong.path)}`)
    }
    if (args.on('json')) printJson({ peerId: pongs[0]?.peerId, path: pongs.at(-1)?.path, rttMs: pongs.map((pong) => pong.rttMs) })
    return EXIT.ok
  },
}
