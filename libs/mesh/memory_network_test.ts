// The memory network passes the suite, and does what only it can: cuts and seeded delays.

import { describe, expect, it } from 'vitest'
import { dialFailed, streamReset } from './errors.ts'
import { memoryNetwork } from './mod.ts'
import { testNetwork } from './testing.ts'

describe('errors', () => {
  it('dialFailed() says every reason, or that no address is known', () => {
    expect(dialFailed('12D3Koo', ['/ip4/1.2.3.4/tcp/1: refused', '/ip4/1.2.3.4/tcp/2: refused']).message).toContain('tcp/1: refused; /ip4')
    expect(dialFailed('12D3Koo', []).message).toContain('no address is known')
  })

  it('streamReset() passes the reason on', () => {
    expect(streamReset('12D3Koo', '/p/1', new Error('went away'))).toMatchObject({
      code: 'E_STREAM_RESET',
      message: expect.stringContaining('went away'),
    })
  })
})

describe('memoryNetwork()', () => {
  testNetwork(it, async () => {
    const hub = memoryNetwork()
    let n = 0
    return {
      node: async () => {
        n += 1
        return hub.join({ publicKey: new Uint8Array(32).fill(n), peerId: `node${n}` })
      },
      stop: () => hub.stop(),
    }
  })

  it('cut() ends a connection and refuses new ones until heal()', async () => {
    const hub = memoryNetwork()
    const a = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: 'a' })
    hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: 'b' })
    await a.connect({ peerId: 'b' })
    hub.cut('a', 'b')
    expect(a.peers()).toEqual([])
    await expect(a.connect({ peerId: 'b' })).rejects.toMatchObject({ code: 'E_DIAL' })
    hub.heal('b', 'a')
    await a.connect({ peerId: 'b' })
    expect(a.peers()).toEqual(['b'])
    await hub.stop()
  })

  it('stop() ends the streams of a node with an error on the other side', async () => {
    const hub = memoryNetwork()
    const a = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: 'a' })
    const b = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: 'b' })
    await b.handle('/p/1', (stream) => stream.closed)
    const stream = await a.open({ peerId: 'b' }, '/p/1')
    await b.stop()
    await stream.closed
    const read = (async () => {
      for await (const _ of stream);
    })()
    await expect(read).rejects.toMatchObject({ code: 'E_STREAM_RESET' })
    await expect(b.publish('t', new Uint8Array(1))).rejects.toMatchObject({ code: 'E_NETWORK_STOPPED' })
  })
})
