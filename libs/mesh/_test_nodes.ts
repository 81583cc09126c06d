// Loopback nodes for this library's tests: made in one line, all stopped together.

import { createNode } from './node.ts'
import type { MeshNode, NodeOptions } from './node.ts'

/** Nodes of one test. */
export interface TestNodes {
  readonly all: readonly MeshNode[]
  node(options?: Partial<NodeOptions>): Promise<MeshNode>
  stop(): Promise<void>
}

/** A factory of loopback nodes on one network with the topic `test`. */
export function testNodes(): TestNodes {
  const all: MeshNode[] = []
  let made = 0
  return {
    all,
    node: async (options = {}) => {
      const listens = options.preset !== 'client'
      made += 1
      const node = await createNode({
        seed: seedOf(made),
        networkId: new Uint8Array(32).fill(7),
        topics: ['test'],
        wanted: 0,
        ...(listens ? { listen: ['/ip4/127.0.0.1/tcp/0'] } : {}),
        ...options,
      })
      all.push(node)
      return node
    },
    stop: async () => {
      await Promise.all(all.splice(0).map((node) => node.stop()))
    },
  }
}

/** A seed for the nth node. */
export function seedOf(n: number): Uint8Array {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, n)
  return seed
}

/** Tries every 20 ms until it holds; the test's own time limit ends what never does. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** How others reach a node. */
export function targetOf(node: MeshNode): { peerId: string; addresses: string[] } {
  return { peerId: node.network.peerId, addresses: node.network.addresses() }
}
