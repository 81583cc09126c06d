import { CONTRACT_MESSAGES } from '@haggle/contract'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { type MessageType, seal } from '@haggle/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { threadOfEnvelope } from './_envelope_thread.ts'
import { NETWORK } from './_test_sides.ts'

const suite = nodeSuite()
const { signer } = createIdentity(new Uint8Array(32).fill(1), nodeEd25519())
const THREAD = Uint8Array.from({ length: 16 }, (_, i) => i)
const draft = { network: NETWORK, audience: new Uint8Array(32), thread: THREAD, seq: 0, prev: null, ack: null, iat: 1000, exp: 1005 }

it('threadOfEnvelope() finds the thread of every message of a contract', () => {
  for (const [type, message] of [
    ['ready', CONTRACT_MESSAGES.ready],
    ['reclaim-notice', CONTRACT_MESSAGES['reclaim-notice']],
  ] as const) {
    const body = type === 'ready' ? {} : { inMs: 5000 }
    expect(threadOfEnvelope(seal(message as MessageType<unknown>, { ...draft, body }, signer, suite).bytes)).toEqual(THREAD)
  }
})

it('threadOfEnvelope() finds it behind a name of 32 characters, and without an audience', () => {
  const long = { ...CONTRACT_MESSAGES.ready, type: `a${'b'.repeat(31)}` } as MessageType<unknown>
  expect(threadOfEnvelope(seal(long, { ...draft, body: {} }, signer, suite).bytes)).toEqual(THREAD)
  const open = { ...CONTRACT_MESSAGES.ready, audience: false } as MessageType<unknown>
  expect(threadOfEnvelope(seal(open, { ...draft, audience: null, body: {} }, signer, suite).bytes)).toEqual(THREAD)
})

it('threadOfEnvelope() is null when there is no thread, and for what is no envelope', () => {
  const loose = { ...CONTRACT_MESSAGES.ready, thread: false } as MessageType<unknown>
  expect(threadOfEnvelope(seal(loose, { ...draft, thread: null, body: {} }, signer, suite).bytes)).toBeNull()
  const { bytes } = seal(CONTRACT_MESSAGES.ready, { ...draft, body: {} }, signer, suite)
  const end = Buffer.from(bytes).indexOf(THREAD) + THREAD.length
  for (let length = 0; length < end; length++) expect(threadOfEnvelope(bytes.subarray(0, length))).toBeNull()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
      const found = threadOfEnvelope(junk)
      expect(found === null || found.length === 16).toBe(true)
    }),
  )
})
