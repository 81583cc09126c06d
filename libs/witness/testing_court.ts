// The compliance suite of courts: what any implementation of the Court seam does, in memory and on a chain.

import { type AccountSigner, keccak256 } from './account.ts'
import type { AttestedBitmap, Attestation, Case, Court, Member, SlaOpening } from './court.ts'
import { commitTo } from './draw_secret.ts'
import { RULES } from './rule.ts'
import { bitmapDigest, endDigest, receiptDigest } from './statement.ts'

/** A fresh court with ten accounts, each with stake and money enough for everything here. */
export interface CourtBench {
  /** Accounts 0 .. 9; 0 is the provider, 1 the renter, the others witnesses. */
  readonly signers: readonly AccountSigner[]
  court(account: number): Court
  /** Lets seconds of the chain pass. */
  pass(seconds: number): Promise<void>
  mine(blocks: number): Promise<void>
  /** All that an account has staked. */
  staked(account: number): Promise<bigint>
}

/** How the suite makes what it tests, and the test runner's functions. */
export interface CourtTestInit {
  readonly make: (options: { readonly commitReveal: boolean }) => Promise<CourtBench>
  readonly it: (title: string, run: () => Promise<void>) => void
  /** Deep equality. Throws when it does not hold. */
  readonly equal: (actual: unknown, expected: unknown) => void
}

/** Holds a {@link Court} to its interface. */
export function testCourt(name: string, { make, it, equal }: CourtTestInit): void {
  const PROVIDER = 0
  const RENTER = 1
  const PRICE = 1_000n
  const keyOf = (account: number): Uint8Array => new Uint8Array(32).fill(account + 1)

  async function reasonOf(run: () => Promise<unknown>): Promise<unknown> {
    try {
      await run()
    } catch (error) {
      return (error as { details?: { reason?: unknown } }).details?.reason
    }
    return 'accepted'
  }

  async function opening(bench: CourtBench, change: Partial<SlaOpening> = {}): Promise<SlaOpening> {
    const startsAtS = (await bench.court(RENTER).nowS()) + 20
    return {
      renter: bench.signers[RENTER]!.account,
      renterKey: keyOf(RENTER),
      providerKey: keyOf(PROVIDER),
      terms: keccak256(Uint8Array.of(1)),
      rule: 2,
      slotS: 1,
      slots: 90,
      startsAtS,
      pricePerSlot: PRICE,
      factor: 10,
      lock: 100_000n,
      renterCommit: null,
      providerCommit: null,
      ...change,
    }
  }

  /** Six seats, a case of rule 2, its committee. */
  async function drawn(bench: CourtBench): Promise<{ id: Uint8Array; one: Case; member: (index: number) => number }> {
    for (let account = 2; account < 8; account++) await bench.court(account).enroll(keyOf(account))
    await bench.mine(1)
    const { id } = await bench.court(PROVIDER).openSla(await opening(bench))
    await bench.mine(3)
    await bench.court(RENTER).drawWitnesses(id)
    const one = (await bench.court(RENTER).caseOf(id))!
    return { id, one, member: (index) => accountOf(bench, one.committee[index]!) }
  }

  function accountOf(bench: CourtBench, { account }: Member): number {
    return bench.signers.findIndex((signer) => signer.account.every((byte, i) => byte === account[i]))
  }

  async function bitmaps(bench: CourtBench, one: Case, down: bigint, indices: readonly number[] = [0, 1, 2]): Promise<AttestedBitmap[]> {
    return await Promise.all(
      indices.map(async (index) => {
        const signer = bench.signers[accountOf(bench, one.committee[index]!)]!
        const sig = await signer.sign(bitmapDigest(bench.court(0).parameters, { id: one.id, window: 0, down }))
        return { index, down, sig }
      }),
    )
  }

  async function receipts(bench: CourtBench, one: Case, slot: number, indices: readonly number[] = [0, 1]): Promise<Attestation[]> {
    return await Promise.all(
      indices.map(async (index) => {
        const signer = bench.signers[accountOf(bench, one.committee[index]!)]!
        return { index, sig: await signer.sign(receiptDigest(bench.court(0).parameters, { id: one.id, slot })) }
      }),
    )
  }

  it(`${name}: drawWitnesses() draws a committee of seats that were held before the case, without its parties`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one } = await drawn(bench)
    equal(one.state, 'drawn')
    equal(one.committee.length, RULES[2].n)
    equal(new Set(one.committee.map(({ seat }) => seat)).size, RULES[2].n)
    equal(
      one.committee.every((member) => accountOf(bench, member) >= 2),
      true,
    )
    equal(
      one.committee.map(({ peerKey }) => peerKey[0]),
      one.committee.map((member) => accountOf(bench, member) + 1),
    )
    equal(one.lockLeft, 100_000n)
    equal(await bench.court(RENTER).cases(bench.signers[PROVIDER]!.account), [id])
    equal(await bench.court(RENTER).cases(bench.signers[RENTER]!.account), [id])
    equal(await bench.court(RENTER).cases(one.committee[0]!.account), [id])
    equal(await bench.court(RENTER).cases(bench.signers[9]!.account), [])
    equal(await reasonOf(() => bench.court(RENTER).drawWitnesses(id)), 'WrongState')
  })

  it(`${name}: drawWitnesses() is refused before the drawing block, and pins anew when its hash is forgotten`, async () => {
    const bench = await make({ commitReveal: false })
    for (let account = 2; account < 8; account++) await bench.court(account).enroll(keyOf(account))
    const { id } = await bench.court(PROVIDER).openSla(await opening(bench))
    equal(await reasonOf(() => bench.court(RENTER).drawWitnesses(id)), 'TooEarly')
    const before = (await bench.court(RENTER).caseOf(id))!.drawBlock
    await bench.mine(260)
    await bench.court(RENTER).drawWitnesses(id)
    const one = (await bench.court(RENTER).caseOf(id))!
    equal([one.state, one.drawBlock > before], ['opened', true])
    await bench.mine(3)
    await bench.court(RENTER).drawWitnesses(id)
    equal((await bench.court(RENTER).caseOf(id))!.state, 'drawn')
  })

  it(`${name}: drawWitnesses() draws with the secrets that the parties committed to, and with no others, where blocks are not random`, async () => {
    const bench = await make({ commitReveal: true })
    for (let account = 2; account < 8; account++) await bench.court(account).enroll(keyOf(account))
    await bench.mine(1)
    const [provider, renter] = [keyOf(20), keyOf(21)]
    const commits = { providerCommit: commitTo(provider), renterCommit: commitTo(renter) }
    equal(await reasonOf(async () => bench.court(PROVIDER).openSla(await opening(bench))), 'BadSla')
    const { id } = await bench.court(PROVIDER).openSla(await opening(bench, commits))
    const { providerCommit, renterCommit } = (await bench.court(RENTER).caseOf(id))!
    equal({ providerCommit, renterCommit }, commits)
    await bench.mine(3)
    equal(await reasonOf(() => bench.court(RENTER).drawWitnesses(id, { provider, renter: provider })), 'BadSecrets')
    await bench.court(RENTER).drawWitnesses(id, { provider, renter })
    equal((await bench.court(RENTER).caseOf(id))!.committee.length, RULES[2].n)
  })

  it(`${name}: finalize() slashes for a claim that nobody refuted, pays the victim the price and returns the bond`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one } = await drawn(bench)
    await bench.pass(90)
    const before = await bench.staked(PROVIDER)
    const { claim } = await bench.court(RENTER).claimDowntime({ id, window: 0, mask: 0b110n, bitmaps: await bitmaps(bench, one, 0b1110n) })
    equal((await bench.court(RENTER).claimOf(claim))!.mask, 0b110n)
    equal(
      (await bench.court(RENTER).claimsOf(id)).map(({ number }) => number),
      [claim],
    )
    equal(await reasonOf(() => bench.court(PROVIDER).finalize(claim)), 'TooEarly')
    await bench.pass(bench.court(0).parameters.refuteS + 2)
    await bench.court(PROVIDER).finalize(claim)
    equal(before - (await bench.staked(PROVIDER)), 20n * PRICE)
    equal((await bench.court(RENTER).caseOf(id))!.lockLeft, 80_000n)
    equal(await bench.court(RENTER).owed(bench.signers[RENTER]!.account), 2n * PRICE)
    await bench.court(RENTER).collect()
    equal(await bench.court(RENTER).owed(bench.signers[RENTER]!.account), 0n)
    equal(await reasonOf(() => bench.court(RENTER).collect()), 'NothingOwed')
    equal(await reasonOf(() => bench.court(PROVIDER).finalize(claim)), 'WrongState')
  })

  it(`${name}: claimDowntime() takes a slot once, with t bitmaps in order, from the renter, in time`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one } = await drawn(bench)
    const renter = bench.court(RENTER)
    const good = await bitmaps(bench, one, 0b111n)
    const claim = { id, window: 0, mask: 0b11n, bitmaps: good }
    equal(await reasonOf(() => renter.claimDowntime(claim)), 'TooEarly')
    await bench.pass(90)
    equal(await reasonOf(() => bench.court(PROVIDER).claimDowntime(claim)), 'NotParty')
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, mask: 0n })), 'BadMask')
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, mask: 1n << 60n })), 'BadMask')
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, mask: 0b1000n })), 'BadBitmaps')
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, bitmaps: good.slice(1) })), 'BadBitmaps')
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, bitmaps: [good[0]!, good[0]!, good[1]!] })), 'BadBitmaps')
    equal(
      await reasonOf(() => renter.claimDowntime({ ...claim, bitmaps: [good[0]!, good[1]!, { ...good[2]!, sig: good[0]!.sig }] })),
      'BadSignature',
    )
    await renter.claimDowntime(claim)
    equal(await renter.claimedSlots(id, 0), 0b11n)
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, mask: 0b110n })), 'SlotClaimed')
    await bench.pass(bench.court(0).parameters.claimS)
    equal(await reasonOf(() => renter.claimDowntime({ ...claim, mask: 0b100n })), 'TooLate')
  })

  it(`${name}: refute() takes slots out of a claim with q up-receipts, and their bond goes to the provider`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one } = await drawn(bench)
    await bench.pass(90)
    const { claim } = await bench.court(RENTER).claimDowntime({ id, window: 0, mask: 0b11n, bitmaps: await bitmaps(bench, one, 0b11n) })
    const provider = bench.court(PROVIDER)
    const up = await receipts(bench, one, 1)
    equal(await reasonOf(() => provider.refute(claim, [{ slot: 2, receipts: up }])), 'BadMask')
    equal(await reasonOf(() => provider.refute(claim, [{ slot: 61, receipts: up }])), 'BadMask')
    equal(await reasonOf(() => provider.refute(claim, [{ slot: 1, receipts: up.slice(1) }])), 'BadReceipts')
    equal(await reasonOf(() => provider.refute(claim, [{ slot: 1, receipts: [up[0]!, up[0]!] }])), 'BadReceipts')
    equal(await reasonOf(() => provider.refute(claim, [{ slot: 0, receipts: up }])), 'BadSignature')
    await provider.refute(claim, [{ slot: 1, receipts: up }])
    equal((await provider.claimOf(claim))!.refuted, 0b10n)
    await bench.pass(bench.court(0).parameters.refuteS + 2)
    equal(await reasonOf(async () => provider.refute(claim, [{ slot: 0, receipts: await receipts(bench, one, 0) }])), 'TooLate')
    await provider.finalize(claim)
    equal((await provider.caseOf(id))!.lockLeft, 90_000n)
    equal(await provider.owed(bench.signers[PROVIDER]!.account), PRICE)
    equal(await provider.owed(bench.signers[RENTER]!.account), PRICE)
  })

  it(`${name}: finalize() ends a claim at once, without a slash, when every slot was refuted`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one } = await drawn(bench)
    await bench.pass(90)
    const { claim } = await bench.court(RENTER).claimDowntime({ id, window: 0, mask: 0b1n, bitmaps: await bitmaps(bench, one, 0b1n) })
    await bench.court(PROVIDER).refute(claim, [{ slot: 0, receipts: await receipts(bench, one, 0, [0, 3]) }])
    await bench.court(PROVIDER).finalize(claim)
    const after = (await bench.court(PROVIDER).caseOf(id))!
    equal([after.lockLeft, after.openClaims], [100_000n, 0])
  })

  it(`${name}: proveWitnessEquivocation() takes a witness's stake once, for a receipt against its bit or two bitmaps, and its old word counts on`, async () => {
    const bench = await make({ commitReveal: false })
    const { id, one, member } = await drawn(bench)
    const [map] = await bitmaps(bench, one, 0b10n, [0])
    const [other] = await bitmaps(bench, one, 0b100n, [0])
    const [receipt] = await receipts(bench, one, 1, [0])
    const a = { kind: 'bitmap', window: 0, down: 0b10n, sig: map!.sig } as const
    const b = { kind: 'receipt', slot: 1, sig: receipt!.sig } as const
    const reporter = bench.court(9)
    const before = await bench.staked(member(0))
    equal(await reasonOf(() => reporter.proveWitnessEquivocation({ id, index: 0, a, b: { ...b, slot: 2 } })), 'NoContradiction')
    equal(await reasonOf(() => reporter.proveWitnessEquivocation({ id, index: 1, a, b })), 'BadSignature')
    equal(await reasonOf(() => reporter.proveWitnessEquivocation({ id, index: 4, a, b })), 'NoContradiction')
    await reporter.proveWitnessEquivocation({ id, index: 0, a, b })
    equal(before - (await bench.staked(member(0))), bench.court(0).parameters.witnessStake)
    const c = { kind: 'bitmap', window: 0, down: 0b100n, sig: other!.sig } as const
    equal(await reasonOf(() => reporter.proveWitnessEquivocation({ id, index: 0, a, b: c })), 'NothingToSlash')
    await bench.pass(90)
    const { claim } = await bench.court(RENTER).claimDowntime({ id, window: 0, mask: 0b10n, bitmaps: await bitmaps(bench, one, 0b10n) })
    await bench.court(PROVIDER).refute(claim, [{ slot: 1, receipts: await receipts(bench, one, 1, [0, 1]) }])
    equal((await reporter.claimOf(claim))!.refuted, 0b10n)
  })

  it(`${name}: close() frees the lock once nothing can be claimed any more, and endSla() brings that forward`, async () => {
    const bench = await make({ commitReveal: false })
    const { id } = await drawn(bench)
    const provider = bench.court(PROVIDER)
    equal(await reasonOf(() => provider.close(id)), 'TooEarly')
    const sig = await bench.signers[RENTER]!.sign(endDigest(provider.parameters, { id, slots: 1 }))
    equal(await reasonOf(() => bench.court(RENTER).endSla(id, 1, sig)), 'NotParty')
    equal(await reasonOf(() => provider.endSla(id, 2, sig)), 'BadSignature')
    await provider.endSla(id, 1, sig)
    equal(await reasonOf(() => provider.endSla(id, 1, sig)), 'BadSla')
    await bench.pass(21 + bench.court(0).parameters.claimS + 2)
    await provider.close(id)
    const one = (await provider.caseOf(id))!
    equal([one.state, one.lockLeft], ['closed', 0n])
    equal(await reasonOf(() => provider.close(id)), 'WrongState')
  })

  it(`${name}: release() gives a seat's stake back only when it was left, no draw can reach it and no case needs it`, async () => {
    const bench = await make({ commitReveal: false })
    const witness = bench.court(5)
    equal(await reasonOf(() => witness.release()), 'NoSeat')
    await witness.enroll(keyOf(5))
    equal(await reasonOf(() => witness.enroll(keyOf(5))), 'SeatTaken')
    equal(await reasonOf(() => witness.release()), 'TooEarly')
    await witness.vacate()
    equal(await reasonOf(() => witness.vacate()), 'TooLate')
    equal(await reasonOf(() => witness.release()), 'TooEarly')
    await bench.mine(260)
    await witness.release()
    equal(await witness.seatOf(bench.signers[5]!.account), null)
  })

  it(`${name}: openSla() refuses what breaks a limit, and a case that is there already`, async () => {
    const bench = await make({ commitReveal: false })
    const provider = bench.court(PROVIDER)
    const now = await provider.nowS()
    const bad: Partial<SlaOpening>[] = [
      { rule: 3 as never },
      { slotS: 0 },
      { slots: 0 },
      { factor: 11 },
      { pricePerSlot: 0n },
      { lock: 0n },
      { lock: 10n * PRICE * 90n + 1n },
      { renter: bench.signers[PROVIDER]!.account },
      { startsAtS: now - 10 },
      { startsAtS: now + 90_000 },
    ]
    for (const change of bad) {
      const one = await opening(bench, change)
      equal(await reasonOf(() => provider.openSla(one)), 'BadSla')
    }
    const good = await opening(bench)
    await provider.openSla(good)
    equal(await reasonOf(() => provider.openSla(good)), 'CaseExists')
  })
}
