// Showing carried proofs: once to each peer until there are others, and no harm where nobody listens. What proofs are good for is in log_test.ts.

import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { memoryNetwork } from '@haggle/mesh'
import type { Memory } from '@haggle/reputation'
import { readFrames, systemClock, writeFrame } from '@haggle/wire'
import { expect, it } from 'vitest'
import { Presenter } from './presenter.ts'
import { decodeQuestion, encodeAnswer, LOG_PROTOCOL, MAX_FRAME_BYTES } from './protocol.ts'

it('present() shows a peer what is carried once, again when that has changed, and nothing when there is nothing', async () => {
  const hub = memoryNetwork()
  const [me, peer, deaf] = [1, 2, 3].map((byte) => hub.join(createIdentity(new Uint8Array(32).fill(byte))))
  const shown: unknown[] = []
  await peer!.handle(LOG_PROTOCOL, async (stream) => {
    for await (const frame of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) {
      shown.push(decodeQuestion(frame).body)
      await stream.send(writeFrame(encodeAnswer('taken', { count: 1 }), MAX_FRAME_BYTES))
      break
    }
    await stream.close()
  })
  const carried = { version: 0, proofs: [] as Uint8Array[], add: async (): Promise<never> => await Promise.reject(new Error('unused')) }
  // Nothing is taken in here, so that no memory is read.
  const parts = { network: me!, clock: systemClock(), suite: nodeSuite(), memory: {} as Memory }
  const presenter = new Presenter(parts, carried)
  await presenter.present(peer!.peerId)
  expect(shown).toEqual([])
  for (const version of [1, 2]) {
    Object.assign(carried, { version, proofs: [Uint8Array.of(version)] })
    await Promise.all([presenter.present(peer!.peerId), presenter.present(peer!.peerId)])
    await presenter.present(deaf!.peerId)
  }
  expect(shown).toEqual([{ proofs: [Uint8Array.of(1)] }, { proofs: [Uint8Array.of(2)] }])
  await hub.stop()
})
