// libp2p passes the suite over real sockets on loopback.

import { describe, it } from 'vitest'
import { createNode } from './node.ts'
import type { MeshNode } from './node.ts'
import { testNetwork } from './testing.ts'

describe('libp2pNetwork()', () => {
  testNetwork(
    (name, run) => it(name, { timeout: 60_000 }, run),
    async () => {
      const nodes: MeshNode[] = []
      return {
        node: async ({ leaf = false } = {}) => {
          const node = await createNode({
            seed: new Uint8Array(32).fill(nodes.length + 1),
            networkId: new Uint8Array(32).fill(7),
            topics: ['test'],
            preset: leaf ? 'client' : 'node',
            listen: leaf ? [] : ['/ip4/127.0.0.1/tcp/0'],
            wanted: 0,
          })
          nodes.push(node)
          return node.network
        },
        stop: async () => {
          await Promise.all(nodes.map((node) => node.stop()))
        },
      }
    },
  )
})
