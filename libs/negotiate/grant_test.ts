import { CONTRACT_MESSAGES, type GrantBody } from '@haggle/contract'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { type Draft, type MessageType, seal, type Signer } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import { checkGrant, grantOf, type GrantRequest } from './grant.ts'
import { follow } from './_test_script.ts'
import { NETWORK, takeIt, World } from './_test_sides.ts'

const suite = nodeSuite()
const [renter, provider, friend, stranger] = [1, 2, 3, 4].map((seed) => createIdentity(new Uint8Array(32).fill(seed), nodeEd25519())) as [
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
]
const REQUEST: GrantRequest = {
  networkId: NETWORK,
  suite,
  contract: new Uint8Array(32).fill(7),
  thread: new Uint8Array(16).fill(8),
  renter: renter.publicKey,
  provider: provider.publicKey,
  remoteKey: friend.publicKey,
  right: 'read',
  nowS: 10_000,
}
const BODY: GrantBody = { contract: REQUEST.contract, grantee: friend.publicKey, right: 'read', until: 20_000 }

interface Change {
  readonly body?: Partial<GrantBody>
  readonly header?: Partial<Draft<GrantBody>>
  readonly signer?: Signer
  readonly request?: Partial<GrantRequest>
}

function check({ body, header, signer = renter.signer, request }: Change): GrantBody {
  const draft = {
    network: NETWORK,
    audience: provider.publicKey,
    thread: REQUEST.thread,
    seq: 0,
    prev: null,
    ack: null,
    iat: 9_000,
    exp: 9_060,
  }
  const { bytes } = seal(CONTRACT_MESSAGES.grant, { ...draft, ...header, body: { ...BODY, ...body } }, signer, suite)
  return checkGrant(bytes, { ...REQUEST, ...request })
}

it('checkGrant() gives what was granted, long after the envelope itself has expired', () => {
  expect(check({})).toEqual(BODY)
  expect(check({ request: { nowS: 20_000 } })).toEqual(BODY)
  expect(check({ body: { right: 'control' } }).right).toBe('control')
  expect(check({ body: { right: 'control' }, request: { right: 'control' } }).right).toBe('control')
})

it.each<readonly [string, Change, string]>([
  ['another renter signed it', { signer: stranger.signer }, 'renter'],
  ['the provider signed it', { signer: provider.signer }, 'renter'],
  ['the grantee signed it', { signer: friend.signer }, 'renter'],
  ['it is of another thread', { header: { thread: new Uint8Array(16) } }, 'thread'],
  ['it names another contract', { body: { contract: new Uint8Array(32) } }, 'contract'],
  ['another key shows it', { request: { remoteKey: stranger.publicKey } }, 'grantee'],
  ['it only lets read', { request: { right: 'control' } }, 'right'],
  ['its time has passed', { request: { nowS: 20_001 } }, 'until'],
  ['it is from the future', { header: { iat: 10_031, exp: 10_032 } }, 'early'],
])('checkGrant() throws E_GRANT when %s', (_, change, wrong) => {
  expect(() => check(change)).toThrow(expect.objectContaining({ code: 'E_GRANT', details: { wrong } }))
})

it.each<readonly [string, Change, string]>([
  ['it is of another network', { header: { network: new Uint8Array(32) } }, 'E_ENVELOPE_NETWORK'],
  ['it is for another provider', { header: { audience: stranger.publicKey } }, 'E_ENVELOPE_AUDIENCE'],
])('checkGrant() refuses it when %s', (_, change, code) => {
  expect(() => check(change)).toThrow(expect.objectContaining({ code }))
})

it('checkGrant() refuses another message of the renter, and any changed octet', () => {
  const draft = {
    network: NETWORK,
    audience: provider.publicKey,
    thread: REQUEST.thread,
    seq: 0,
    prev: null,
    ack: null,
    iat: 9_000,
    exp: 9_060,
  }
  const ready = seal(
    CONTRACT_MESSAGES.start as MessageType<unknown>,
    { ...draft, body: { specHash: new Uint8Array(32) } },
    renter.signer,
    suite,
  )
  expect(() => checkGrant(ready.bytes, REQUEST)).toThrow(expect.objectContaining({ code: 'E_ENVELOPE_TYPE' }))
  const { bytes } = seal(CONTRACT_MESSAGES.grant, { ...draft, body: BODY }, renter.signer, suite)
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice()
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => checkGrant(changed, REQUEST)).toThrow()
  }
})

let world: World | undefined
afterEach(() => world?.close())

it('grantOf() finds what a renter has granted, and its provider accepts it', async () => {
  world = await new World().start()
  follow(world, { path: 'take', end: 'exit', runMs: 60_000, tickMs: 1_000 })
  const thread = await takeIt(world)
  await world.settle(1_500)
  const nowS = Math.floor(world.clock.now() / 1000)
  expect(grantOf(thread, { grantee: friend.publicKey, nowS })).toBeUndefined()
  await thread.command({ do: 'grant', grantee: friend.publicKey, right: 'read', until: nowS + 100 })
  const capability = grantOf(thread, { grantee: friend.publicKey, nowS }) as Uint8Array
  expect(capability.length).toBeLessThan(1024)
  const { contract } = thread.view()
  const request = {
    ...REQUEST,
    contract: contract as Uint8Array,
    thread: thread.record.thread,
    renter: world.renter.identity.publicKey,
    provider: world.provider.identity.publicKey,
    nowS,
  }
  expect(checkGrant(capability, request).right).toBe('read')
  expect(grantOf(thread, { grantee: friend.publicKey, nowS: nowS + 101 })).toBeUndefined()
  expect(grantOf(thread, { grantee: stranger.publicKey, nowS })).toBeUndefined()
})
