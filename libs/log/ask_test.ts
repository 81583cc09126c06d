// Asking: nobody waits for a peer that is gone longer than a question may take, and one that is gone holds up nobody else.

import { createIdentity } from '@haggle/identity'
import { memoryNetwork, type MemoryNode, type Network } from '@haggle/mesh'
import { readFrames, writeFrame } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { ask, ASK_MS } from './ask.ts'
import { gatherKept } from './gather_kept.ts'
import { decodeQuestion, encodeAnswer, LOG_PROTOCOL } from './protocol.ts'

const [me, gone, here] = [1, 2, 3].map((byte) => createIdentity(new Uint8Array(32).fill(byte)))

/** A network on which `gone` is looked for until whoever looks gives up. */
function whereOneIsGone(node: MemoryNode): Network {
  const looking: Network['open'] = (_target, _protocol, { signal } = {}) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
  return {
    ...node,
    peers: () => node.peers(),
    open: (target, ...rest) => (target.peerId === gone!.peerId ? looking(target, ...rest) : node.open(target, ...rest)),
  }
}

it('ask() gives up a peer that can not be reached in time, or when it is told to', async () => {
  const hub = memoryNetwork()
  const clock = virtualClock()
  const network = whereOneIsGone(hub.join(me!))
  const question = { name: 'kept', body: { from: 0 } } as const
  const asked = ask({ network, clock }, { peerId: gone!.peerId }, question)
  const refused = expect(asked).rejects.toMatchObject({ code: 'E_LOG_SILENT' })
  await clock.settle(ASK_MS)
  await refused
  const told = new AbortController()
  const given = ask({ network, clock }, { peerId: gone!.peerId }, { ...question, signal: told.signal })
  told.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  await hub.stop()
})

it('gatherKept() asks the others while one can not be reached', async () => {
  const hub = memoryNetwork()
  const clock = virtualClock()
  const answers: number[] = []
  await hub.join(here!).handle(LOG_PROTOCOL, async (stream) => {
    for await (const frame of readFrames(stream, { maxBytes: 65_536 })) {
      const { body } = decodeQuestion(frame) as { body: { from: number } }
      answers.push(body.from)
      const entries = body.from === 0 ? [{ index: 4, salt: new Uint8Array(16), bytes: Uint8Array.of(1) }] : []
      await stream.send(writeFrame(encodeAnswer('entries', { entries }), 65_536))
      break
    }
    await stream.close()
  })
  const kept = gatherKept({ network: whereOneIsGone(hub.join(me!)), clock }, [gone!.peerId, here!.peerId], 0)
  // Before any time has passed.
  await expect.poll(() => answers).toEqual([0, 5])
  await clock.settle(ASK_MS)
  expect([...(await kept).keys()]).toEqual([4])
  await hub.stop()
})
