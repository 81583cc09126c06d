// For the tests of this library: a court in memory, a network in memory, a clock that is moved by hand, and everybody of one case on them.

import { createIdentity, type Identity } from '@haggle/identity'
import { type MemoryNetwork, memoryNetwork, type MemoryNode } from '@haggle/mesh'
import { memoryStore, type Store } from '@haggle/store'
import { virtualClock, type VirtualClock } from '@haggle/wire/testing'
import {
  type AccountSigner,
  bitmapDigest,
  type Case,
  caseId,
  commitTo,
  type Court,
  drawSecret,
  keccak256,
  localAccount,
  receiptDigest,
  RULES,
  type RuleNumber,
} from '@haggle/witness'
import { type MemoryCourts, memoryCourts } from '@haggle/witness/testing'
import { serve } from './ask.ts'
import { refusedFor } from './protocol.ts'
import { startWatch, type WatchEvent, type WatchInit, type WatchService } from './watch_service.ts'

/** Seconds of a slot. */
export const SLOT_S = 10
/** Slots of a case: one short window. */
export const SLOTS = 6
/** Base units that a missed slot counts for. */
export const PRICE = 1_000n

/** One node with its account. */
export interface TestNode {
  readonly identity: Identity
  readonly signer: AccountSigner
  readonly network: MemoryNode
  readonly court: Court
  readonly store: Store
  readonly events: WatchEvent[]
}

/** All of it. */
export interface TestMesh {
  readonly clock: VirtualClock
  readonly hub: MemoryNetwork
  readonly chain: MemoryCourts
  readonly provider: TestNode
  readonly renter: TestNode
  /** Nodes with seats, two more than a committee needs. */
  readonly witnesses: readonly TestNode[]
  readonly id: Uint8Array
  /** The witness at a place of the committee. */
  member(index: number): TestNode
  /** The case now. */
  one(): Case
  start(node: TestNode, init?: Partial<WatchInit>): Promise<WatchService>
  /** A liar in a witness's place: `receipts`: gives them to whoever asks; `down`: the bitmap that it shows to everybody. */
  lie(node: TestNode, lies: { readonly receipts: boolean; readonly down: bigint }): Promise<void>
  /** Moves the clock to the end of the slot and its grace. */
  passSlots(slots: number): Promise<void>
  stop(): Promise<void>
}

/** Opens a case of `rule` whose committee is drawn, but where that takes the parties' secrets, and whose slot 0 begins in ten seconds. */
export async function startMesh(rule: RuleNumber, { commitReveal = false }: { readonly commitReveal?: boolean } = {}): Promise<TestMesh> {
  const clock = virtualClock()
  const hub = memoryNetwork()
  const parameters = {
    chain: 31_337,
    court: new Uint8Array(20).fill(7),
    witnessStake: 100_000n,
    claimS: 150,
    refuteS: 60,
    drawDelay: 2,
    commitReveal,
  }
  const chain = memoryCourts({ parameters, now: () => clock.now() })
  const running: WatchService[] = []
  let seed = 0
  const node = (): TestNode => {
    const identity = createIdentity(new Uint8Array(32).fill(++seed))
    const signer = localAccount(new Uint8Array(32).fill(100 + seed))
    chain.model.vault.stake(signer.account, 1_000_000n)
    return { identity, signer, network: hub.join(identity), court: chain.court(signer.account), store: memoryStore(), events: [] }
  }
  const provider = node()
  const renter = node()
  const witnesses = Array.from({ length: RULES[rule].n + 2 }, node)
  for (const { court, identity } of witnesses) await court.enroll(identity.publicKey)
  chain.mine()
  const terms = keccak256(Uint8Array.of(rule))
  const named = caseId(parameters, { provider: provider.signer.account, renter: renter.signer.account, terms })
  const commitOf = async ({ signer }: TestNode): Promise<Uint8Array | null> =>
    commitReveal ? commitTo(await drawSecret(signer, parameters, named)) : null
  const { id } = await provider.court.openSla({
    renter: renter.signer.account,
    renterKey: renter.identity.publicKey,
    providerKey: provider.identity.publicKey,
    terms,
    rule,
    slotS: SLOT_S,
    slots: SLOTS,
    startsAtS: Math.floor(clock.now() / 1_000) + 10,
    pricePerSlot: PRICE,
    factor: 10,
    lock: 60_000n,
    renterCommit: await commitOf(renter),
    providerCommit: await commitOf(provider),
  })
  if (!commitReveal) {
    chain.mine(3)
    await renter.court.drawWitnesses(id)
  }
  const one = (): Case => chain.model.caseOf(id) as Case
  return {
    clock,
    hub,
    chain,
    provider,
    renter,
    witnesses,
    id,
    one,
    member(index) {
      const account = one().committee[index]?.account ?? new Uint8Array()
      return witnesses.find(({ signer }) => signer.account.every((byte, i) => byte === account[i])) as TestNode
    },
    async start(who, init = {}) {
      const { network, court, signer, store, events } = who
      const service = await startWatch({ network, court, signer, clock, store, onEvent: (event) => void events.push(event), ...init })
      running.push(service)
      return service
    },
    async lie({ network, signer }, { receipts, down }) {
      await serve({ network, clock }, async (question) => {
        const { name, body } = question
        if (name === 'beat' && receipts)
          return { name: 'receipt', body: { sig: await signer.sign(receiptDigest(parameters, { id, slot: body.slot })) } }
        if (name === 'here') return { name: 'yes', body: { sig: null } }
        if (name === 'bitmap')
          return { name: 'bitmap', body: { down, sig: await signer.sign(bitmapDigest(parameters, { id, window: body.window, down })) } }
        return refusedFor('none')
      })
    },
    async passSlots(slots) {
      await clock.settle(slots * SLOT_S * 1_000)
    },
    async stop() {
      const stopped = Promise.all(running.map((service) => service.stop()))
      await clock.settle(20_000)
      await stopped
      await hub.stop()
    },
  }
}
