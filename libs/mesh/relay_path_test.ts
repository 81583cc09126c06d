// A provider with no listening port is reached through a relay: over real sockets, without the stock relay's 128 KiB cut.

import { afterEach, describe, expect, it } from 'vitest'
import type { MeshNode } from './node.ts'
import { eventually, seedOf, targetOf, testNodes } from './_test_nodes.ts'

const nodes = testNodes()
afterEach(() => nodes.stop())

const MIB = 1024 * 1024

async function relayed(): Promise<{ relay: MeshNode; provider: MeshNode; renter: MeshNode }> {
  const relay = await nodes.node({ preset: 'relay' })
  const bootstrap = relay.network.addresses()
  const provider = await nodes.node({ preset: 'client', bootstrap })
  const renter = await nodes.node({ preset: 'client', bootstrap, relays: [] })
  await eventually(() => provider.network.addresses().length > 0)
  return { relay, provider, renter }
}

describe('client preset', { timeout: 60_000 }, () => {
  it('is reachable through its relay, and the path names the relay', async () => {
    const { relay, provider, renter } = await relayed()
    expect(provider.network.addresses()).toEqual([
      expect.stringContaining(`/p2p/${relay.network.peerId}/p2p-circuit/p2p/${provider.network.peerId}`),
    ])
    await renter.network.connect(targetOf(provider))
    expect(renter.network.path(provider.network.peerId)).toMatchObject({ kind: 'relay', relay: relay.network.peerId })
    expect(renter.libp2p.getConnections().every((c) => c.limits === undefined)).toBe(true)
    expect(relay.stats()).toMatchObject({ reservations: 1, circuits: 1 })
  })

  it('carries 32 MiB over a relayed stream, whole', async () => {
    const { provider, renter } = await relayed()
    const total = 32 * MIB
    await provider.network.handle('/blob/1', async (stream) => {
      const chunk = new Uint8Array(256 * 1024).fill(1)
      for (let sent = 0; sent < total; sent += chunk.length) await stream.send(chunk)
      await stream.close()
    })
    const stream = await renter.network.open(targetOf(provider), '/blob/1')
    let got = 0
    for await (const chunk of stream) got += chunk.length
    expect(got).toBe(total)
    await stream.close()
  })

  it('takes its place again when the relay comes back', async () => {
    const relay = await nodes.node({ preset: 'relay', seed: seedOf(900) })
    const address = relay.network.addresses()[0] ?? ''
    const provider = await nodes.node({ preset: 'client', bootstrap: [address] })
    await eventually(() => provider.network.addresses().length > 0)
    await relay.stop()
    await eventually(() => provider.network.addresses().length === 0)
    const again = await nodes.node({ preset: 'relay', seed: seedOf(900), listen: [address.split('/p2p/')[0] ?? ''] })
    await eventually(() => provider.network.addresses().length > 0)
    expect(again.network.peerId).toBe(relay.network.peerId)
  })
})
