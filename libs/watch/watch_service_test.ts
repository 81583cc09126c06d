import { afterEach, describe, expect, it } from 'vitest'
import { commitTo } from '@haggle/witness'
import { ask, serve } from './ask.ts'
import { refusedFor, type WatchAnswer } from './protocol.ts'
import { startMesh, PRICE, SLOTS, type TestMesh } from './_test_mesh.ts'

const kinds = (events: readonly { readonly kind: string }[]): string[] => events.map(({ kind }) => kind)

describe('startWatch', () => {
  let mesh: TestMesh
  afterEach(() => mesh.stop())

  it('startWatch() gives an up provider its receipts, has nothing claimed, and closes the case', async () => {
    mesh = await startMesh(1)
    const provider = await mesh.start(mesh.provider)
    const renter = await mesh.start(mesh.renter)
    for (let index = 0; index < 7; index++) await mesh.start(mesh.member(index))
    expect(provider.cases().map(({ roles }) => roles)).toEqual([['provider']])
    await mesh.passSlots(SLOTS + 5)
    for (let slot = 0; slot < SLOTS; slot++) expect((await provider.evidence.receipts(mesh.id, slot)).length).toBe(7)
    const bitmaps = await renter.evidence.bitmaps(mesh.id, 0)
    expect(bitmaps.map(({ index, down }) => [index, down])).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => [index, 0n]))
    expect((await provider.evidence.bitmaps(mesh.id, 0)).length).toBe(7)
    await mesh.passSlots(20)
    expect(mesh.chain.model.claimsOf(mesh.id)).toEqual([])
    expect(mesh.one()).toMatchObject({ state: 'closed', lockLeft: 0n })
    expect(mesh.chain.model.vault.stakedOf(mesh.provider.signer.account)).toBe(1_000_000n)
    expect(provider.cases()).toEqual([])
  })

  it('startWatch() claims, finalises and collects by itself when the provider stops in the middle', async () => {
    mesh = await startMesh(1)
    let serving = true
    await mesh.start(mesh.provider, { serving: () => serving })
    await mesh.start(mesh.renter)
    // Two silent liars: as many as the rule forgives.
    for (let index = 0; index < 5; index++) await mesh.start(mesh.member(index))
    await mesh.passSlots(3.8)
    serving = false
    await mesh.passSlots(SLOTS + 4)
    expect(mesh.chain.model.claimsOf(mesh.id)).toMatchObject([{ mask: 0b111000n, refuted: 0n }])
    await mesh.passSlots(10)
    const { vault } = mesh.chain.model
    expect(vault.stakedOf(mesh.provider.signer.account)).toBe(1_000_000n - 30n * PRICE)
    expect(vault.creditOf(mesh.renter.signer.account)).toBe(3n * PRICE)
    expect(vault.burned).toBe(27n * PRICE)
    expect(mesh.chain.model.owed(mesh.renter.signer.account)).toBe(0n)
    expect(kinds(mesh.renter.events)).toEqual(['claimDowntime', 'finalize', 'collect'])
  })

  it('startWatch() says nothing of an up provider when f liars say "down": no claim opens', async () => {
    mesh = await startMesh(1)
    await mesh.start(mesh.provider)
    const renter = await mesh.start(mesh.renter)
    for (let index = 0; index < 5; index++) await mesh.start(mesh.member(index))
    for (let index = 5; index < 7; index++) await mesh.lie(mesh.member(index), { receipts: false, down: 0b111111n })
    await mesh.passSlots(SLOTS + 8)
    expect((await renter.evidence.bitmaps(mesh.id, 0)).filter(({ down }) => down !== 0n).length).toBe(2)
    expect(mesh.chain.model.claimsOf(mesh.id)).toEqual([])
  })

  it('startWatch() refutes with the receipts of liars who also say "down", and has them slashed', async () => {
    mesh = await startMesh(1)
    await mesh.start(mesh.provider)
    await mesh.start(mesh.renter)
    // Cut from three honest witnesses, which the rule does not cover; but the two liars gave receipts, and with two honest ones that is enough.
    for (let index = 0; index < 5; index++) await mesh.start(mesh.member(index))
    for (let index = 0; index < 3; index++) mesh.hub.cut(mesh.provider.identity.peerId, mesh.member(index).identity.peerId)
    for (let index = 5; index < 7; index++) await mesh.lie(mesh.member(index), { receipts: true, down: 0b111111n })
    await mesh.passSlots(SLOTS + 8)
    const [claim] = mesh.chain.model.claimsOf(mesh.id)
    expect(claim).toMatchObject({ mask: 0b111111n, refuted: 0b111111n, finalized: true })
    expect(mesh.one().lockLeft).toBe(60_000n)
    expect(kinds(mesh.provider.events)).toContain('refute')
    const stakes = [5, 6].map((index) => mesh.chain.model.vault.stakedOf(mesh.member(index).signer.account))
    expect(stakes).toEqual([900_000n, 900_000n])
    expect(mesh.chain.model.vault.stakedOf(mesh.member(0).signer.account)).toBe(1_000_000n)
  })

  it('startWatch() does not refute when it is told to leave that to people, who then can', async () => {
    mesh = await startMesh(2)
    const provider = await mesh.start(mesh.provider, { automatic: false })
    const renter = await mesh.start(mesh.renter, { automatic: false })
    for (let index = 0; index < 3; index++) await mesh.start(mesh.member(index))
    await mesh.lie(mesh.member(3), { receipts: true, down: 0b111111n })
    for (let index = 0; index < 2; index++) mesh.hub.cut(mesh.provider.identity.peerId, mesh.member(index).identity.peerId)
    await mesh.passSlots(SLOTS + 3)
    expect(mesh.chain.model.claimsOf(mesh.id)).toEqual([])
    // The liar hands its bitmap to nobody: by hand only what the honest said is there, which is not enough.
    expect(await renter.claim(mesh.id, 0)).toEqual([])
    expect(await provider.refute(0n)).toBe(0)
  })

  it('a witness that hears no others says nothing: a network in pieces has nobody slashed', async () => {
    mesh = await startMesh(2)
    await mesh.start(mesh.provider)
    const renter = await mesh.start(mesh.renter)
    const members = [0, 1, 2, 3].map((index) => mesh.member(index))
    for (const node of members) await mesh.start(node)
    for (const [i, a] of members.entries()) {
      mesh.hub.cut(mesh.provider.identity.peerId, a.identity.peerId)
      for (const b of members.slice(i + 1)) mesh.hub.cut(a.identity.peerId, b.identity.peerId)
    }
    await mesh.passSlots(SLOTS + 6)
    expect((await renter.evidence.bitmaps(mesh.id, 0)).map(({ down }) => down)).toEqual([0n, 0n, 0n, 0n])
  })

  it('a witness looks from its own side: a provider that can not dial it is up all the same', async () => {
    mesh = await startMesh(2)
    const provider = await mesh.start(mesh.provider)
    await mesh.start(mesh.renter)
    for (let index = 0; index < 4; index++) await mesh.start(mesh.member(index))
    // The provider's questions get lost; the witnesses' get through.
    const { network } = mesh.provider
    network.open = async () => {
      throw new Error('lost')
    }
    const renter = mesh.renter
    await mesh.passSlots(SLOTS + 6)
    expect((await provider.evidence.receipts(mesh.id, 2)).length).toBe(0)
    expect(mesh.chain.model.claimsOf(mesh.id)).toEqual([])
    expect(kinds(renter.events)).toEqual([])
  })

  it('a witness signs one bitmap a window, also when it starts again, and nothing of slots that it did not watch', async () => {
    mesh = await startMesh(2)
    await mesh.start(mesh.renter)
    const others = [1, 2, 3].map((index) => mesh.member(index))
    for (const node of others) await mesh.start(node)
    const first = await mesh.start(mesh.member(0))
    await mesh.passSlots(3)
    const stopped = first.stop()
    await mesh.passSlots(0.5)
    await stopped
    const renter = await mesh.start({
      ...mesh.renter,
      network: mesh.hub.join({ ...mesh.renter.identity, peerId: `${mesh.renter.identity.peerId}x` }),
      events: [],
    })
    const second = await mesh.start(mesh.member(0))
    await mesh.passSlots(SLOTS + 1)
    const own = await second.evidence.ownBitmap(mesh.id, 0, async () => null)
    // Slots 0 .. 2 were before the restart, or not whole.
    expect(own?.down).toBe(0b111000n)
    const again = await second.evidence.ownBitmap(mesh.id, 0, async () => ({ down: 0n, sig: new Uint8Array(65) }))
    expect(again).toEqual(own)
    expect(renter.cases().length).toBe(1)
  })

  it('end() shortens the case when the renter agrees, and not otherwise', async () => {
    mesh = await startMesh(2)
    let agrees = false
    const provider = await mesh.start(mesh.provider)
    await mesh.start(mesh.renter, { agreesToEnd: () => agrees })
    await mesh.passSlots(2)
    const ask = async (): Promise<boolean> => {
      const asked = provider.end(mesh.id, 2)
      await mesh.clock.settle(500)
      return await asked
    }
    expect(await ask()).toBe(false)
    agrees = true
    expect(await ask()).toBe(true)
    expect(mesh.one().slots).toBe(2)
  })

  it('startWatch() draws with the secrets of both parties, whoever of them asks', async () => {
    for (const draws of ['provider', 'renter'] as const) {
      mesh = await startMesh(2, { commitReveal: true })
      for (const role of ['provider', 'renter'] as const) await mesh.start(mesh[role], { automatic: role === draws })
      expect(mesh.one().state).toBe('opened')
      mesh.chain.mine(20)
      await mesh.passSlots(1)
      expect(mesh.one()).toMatchObject({ state: 'drawn', committee: { length: 4 } })
      expect(kinds(mesh[draws].events)).toEqual(['drawWitnesses'])
      if (draws === 'provider') await mesh.stop()
    }
  })

  it('reveal() is answered once the block that draws is known, and not to anybody before', async () => {
    mesh = await startMesh(2, { commitReveal: true })
    await mesh.start(mesh.renter, { automatic: false })
    const { network } = mesh.provider
    const reveal = async (id: Uint8Array): Promise<WatchAnswer> =>
      await ask({ network, clock: mesh.clock }, mesh.renter.identity.publicKey, { name: 'reveal', body: { id } })
    mesh.chain.mine(2)
    expect(await reveal(mesh.id)).toEqual(refusedFor('early'))
    mesh.chain.mine()
    const answer = await reveal(mesh.id)
    expect(answer.name === 'secret' && commitTo(answer.body.secret)).toEqual(mesh.one().renterCommit)
    expect(await reveal(new Uint8Array(32))).toEqual(refusedFor('unknown'))
  })

  it('startWatch() leaves a case undrawn, and says so, when the other party gives another secret or none', async () => {
    mesh = await startMesh(2, { commitReveal: true })
    let answer: WatchAnswer = refusedFor('none')
    await serve({ network: mesh.renter.network, clock: mesh.clock }, async () => answer)
    await mesh.start(mesh.provider)
    mesh.chain.mine(20)
    for (const next of [answer, { name: 'secret', body: { secret: new Uint8Array(32) } } as const]) {
      answer = next
      await mesh.passSlots(1)
      expect(mesh.one().state).toBe('opened')
      expect(mesh.provider.events.at(-1)).toMatchObject({ kind: 'trouble', about: 'drawWitnesses E_WATCH_SECRET' })
    }
  })

  it('commits() asks the renter for its part, and nobody where blocks are random', async () => {
    mesh = await startMesh(2, { commitReveal: true })
    const provider = await mesh.start(mesh.provider)
    const key = mesh.renter.identity.publicKey
    await expect(provider.commits(mesh.id, key)).rejects.toMatchObject({ code: 'E_PROTOCOL_UNSUPPORTED' })
    const renter = await mesh.start(mesh.renter)
    const { renterCommit, providerCommit } = mesh.one()
    expect(await provider.commits(mesh.id, key)).toEqual({ renterCommit, providerCommit })
    expect(await renter.commit(mesh.id)).toEqual(renterCommit)
    await mesh.stop()
    mesh = await startMesh(2)
    expect(await (await mesh.start(mesh.provider)).commits(mesh.id, key)).toEqual({ renterCommit: null, providerCommit: null })
  })
})
