// Vectors of the control stream: frames, frames that end the stream, the answers to SYNC, and capabilities.

import { CONTRACT_MESSAGES, type GrantBody } from '@haggle/contract'
import { createIdentity, portableSuite } from '@haggle/identity'
import { checkGrant, type ControlFrame, decodeFrame, encodeFrame, type GrantRequest } from '@haggle/negotiate'
import { concat, type Draft, encode, errorCode, HaggleError, networkId, seal, type Signer, toHex, utf8, type Value } from '@haggle/wire'
import type { Json } from './main.ts'

const THREAD = Uint8Array.from({ length: 16 }, (_, i) => i)
const CONTRACT = new Uint8Array(32).fill(7)

const FRAMES: readonly (readonly [string, ControlFrame])[] = [
  ['an envelope, whatever it holds', { kind: 'envelope', bytes: Uint8Array.of(0x92, 0x90, 0xc0) }],
  ['nothing signed yet', { kind: 'sync', thread: THREAD, mine: 0, yours: 0 }],
  ['long chains', { kind: 'sync', thread: THREAD, mine: 70_000, yours: 300 }],
  ['a spec', { kind: 'spec', thread: THREAD, salt: new Uint8Array(32).fill(9), spec: Uint8Array.of(1, 2, 3) }],
  ['the first output', { kind: 'output', contract: CONTRACT, channel: 'stdout', offset: 0, bytes: utf8('hello\n') }],
  ['output beyond 4 GiB', { kind: 'output', contract: CONTRACT, channel: 'stderr', offset: 2 ** 32, bytes: utf8('x') }],
  ['an end', { kind: 'end', contract: CONTRACT, stdoutBytes: 6, stderrBytes: 0 }],
]

const tagged = (tag: number, value: Value): Uint8Array => concat(Uint8Array.of(tag), encode(value))

/** Without their length. */
const BAD_FRAMES: readonly (readonly [string, Uint8Array])[] = [
  ['no tag', new Uint8Array(0)],
  ['tag 5', Uint8Array.of(5)],
  ['a SYNC with a thread of 15 octets', tagged(1, [new Uint8Array(15), 0, 0])],
  ['a SYNC with a position too many', tagged(1, [THREAD, 0, 0, 0])],
  ['a SYNC cut short', tagged(1, [THREAD, 0, 0]).subarray(0, -1)],
  ['a SYNC with an octet behind it', concat(tagged(1, [THREAD, 0, 0]), Uint8Array.of(0))],
  ['a SPEC with a salt of 31 octets', tagged(2, [THREAD, new Uint8Array(31), new Uint8Array(0)])],
  ['an OUTPUT on stdin', tagged(3, [CONTRACT, 'stdin', new Uint8Array(0), new Uint8Array(0)])],
  ['an OUTPUT of 4,097 octets', tagged(3, [CONTRACT, 'stdout', new Uint8Array(0), new Uint8Array(4097)])],
  ['an OUTPUT whose offset is a number', tagged(3, [CONTRACT, 'stdout', 0, new Uint8Array(0)])],
  ['an END with a leading zero', tagged(4, [CONTRACT, Uint8Array.of(0), new Uint8Array(0)])],
]

function frameJson(frame: ControlFrame): Json {
  const fields = Object.entries(frame).map(([key, value]) => [key, value instanceof Uint8Array ? toHex(value) : (value as Json)])
  return Object.fromEntries(fields) as Json
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  throw new HaggleError('E_VECTOR', 'accepted')
}

const suite = portableSuite()
const [renter, provider, friend, stranger] = [1, 2, 3, 4].map((seed) => createIdentity(new Uint8Array(32).fill(seed))) as [
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
]
const NETWORK = networkId('devnet-vectors')
const REQUEST: GrantRequest = {
  networkId: NETWORK,
  suite,
  contract: CONTRACT,
  thread: THREAD,
  renter: renter.publicKey,
  provider: provider.publicKey,
  remoteKey: friend.publicKey,
  right: 'read',
  nowS: 1_790_001_000,
}
const BODY: GrantBody = { contract: CONTRACT, grantee: friend.publicKey, right: 'read', until: 1_790_100_000 }

interface Grant {
  readonly body?: Partial<GrantBody>
  readonly header?: Partial<Draft<GrantBody>>
  readonly signer?: Signer
  readonly request?: Partial<GrantRequest>
}

const GRANTS: readonly (readonly [string, Grant])[] = [
  ['read, while it holds', {}],
  ['read, in its last second', { request: { nowS: BODY.until } }],
  ['control covers read', { body: { right: 'control' } }],
  ['control', { body: { right: 'control' }, request: { right: 'control' } }],
  ['read does not cover control', { request: { right: 'control' } }],
  ['its time has passed', { request: { nowS: BODY.until + 1 } }],
  ['signed by another', { signer: stranger.signer }],
  ['signed by the grantee', { signer: friend.signer }],
  ['for another contract', { body: { contract: new Uint8Array(32) } }],
  ['of another thread', { header: { thread: new Uint8Array(16) } }],
  ['shown by another', { request: { remoteKey: stranger.publicKey } }],
  ['for another provider', { header: { audience: stranger.publicKey } }],
  ['of another network', { header: { network: networkId('devnet-other') } }],
  ['from the future', { request: { nowS: 1_790_000_000 - 31 } }],
]

function grantJson([name, { body, header, signer = renter.signer, request }]: readonly [string, Grant]): Json {
  const draft = {
    network: NETWORK,
    audience: provider.publicKey,
    thread: THREAD,
    seq: 3,
    prev: new Uint8Array(32),
    ack: null,
    iat: 1_790_000_000,
    exp: 1_790_000_060,
  }
  const { bytes } = seal(CONTRACT_MESSAGES.grant, { ...draft, ...header, body: { ...BODY, ...body } }, signer, suite)
  const asked = { ...REQUEST, ...request }
  const { right, remoteKey, nowS } = asked
  let code: string | null = null
  try {
    checkGrant(bytes, asked)
  } catch (error) {
    code = errorCode(error)
  }
  return { name, capability: toHex(bytes), right, remoteKey: toHex(remoteKey), nowS, code }
}

export function make(): Readonly<Record<string, Json>> {
  return {
    'control.json': {
      page: 'spec/control.md',
      note: 'Binary values are hex. frames: `hex` is the whole frame with its length. badFrames: `hex` is tag and payload; each ends the stream. grants: code null: it holds, for the contract of `grantOf`.',
      frames: FRAMES.map(([name, frame]) => ({ name, frame: frameJson(frame), hex: toHex(encodeFrame(frame)) })),
      badFrames: BAD_FRAMES.map(([name, bytes]) => ({ name, hex: toHex(bytes), code: codeOf(() => decodeFrame(bytes)) })),
      grantOf: {
        network: toHex(NETWORK),
        contract: toHex(CONTRACT),
        thread: toHex(THREAD),
        renter: toHex(renter.publicKey),
        provider: toHex(provider.publicKey),
      },
      grants: GRANTS.map(grantJson),
    },
  }
}
