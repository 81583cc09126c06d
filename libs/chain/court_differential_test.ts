// Court.sol against its model: the same random calls to both, and after each the same answer and the same state.

import { errorCode, fromHex, type HaggleError, systemClock, toHex } from '@haggle/wire'
import {
  type AttestedBitmap,
  type AttestedStatement,
  bitmapDigest,
  type CallContext,
  CourtModel,
  type CourtRefusal,
  endDigest,
  receiptDigest,
  type SlaOpening,
  WITNESS_LOCK,
  word,
} from '@haggle/witness'
import { encodeFunctionData, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { courtAbi, stakeVaultAbi } from './abi/mod.ts'
import { openChain } from './chain.ts'
import { revertReason } from './revert_reason.ts'
import { chainRpc } from './rpc.ts'
import { COURT, hashOfBlock, STAKED, startStakedChain, type StakedChain } from './_test_court.ts'
import { NO_ANVIL, onAnvil } from './_test_chain.ts'

/** Random numbers that repeat (xorshift). */
function chance(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const hex = (bytes: Uint8Array): Hex => `0x${toHex(bytes)}`
const PROVIDER = 0
const RENTER = 1
const STEPS = 260

describe.skipIf(NO_ANVIL)(onAnvil('Court.sol and CourtModel'), () => {
  let chain: StakedChain
  let snapshot: string
  beforeAll(async () => {
    chain = await startStakedChain()
    snapshot = await chain.anvil.snapshot()
  }, 60_000)
  afterAll(() => chain.anvil.stop())

  it('CourtModel says and keeps what the contract does when calls are random', async () => {
    const accepted = new Map<string, number>()
    for (const seed of [1, 2]) {
      await chain.anvil.revert(snapshot)
      snapshot = await chain.anvil.snapshot()
      for (const [name, count] of await compare(chain, chance(seed))) accepted.set(name, (accepted.get(name) ?? 0) + count)
    }
    // Something of every kind went through: else the two agree about nothing.
    expect([...accepted.keys()].toSorted()).toEqual([
      'claimDowntime',
      'close',
      'collect',
      'drawWitnesses',
      'endSla',
      'enroll',
      'finalize',
      'openSla',
      'proveWitnessEquivocation',
      'refute',
      'release',
      'vacate',
    ])
  }, 240_000)
})

/** Runs the calls; returns how many of each kind went through. */
async function compare(
  { anvil, deployment, signers, call, refusal }: StakedChain,
  int: (below: number) => number,
): Promise<Map<string, number>> {
  const domain = { chain: anvil.chainId, court: fromHex(deployment.court.slice(2)) }
  const model = new CourtModel({ parameters: { ...domain, ...COURT, commitReveal: false } })
  for (const { account } of signers) model.vault.stake(account, STAKED)
  const reader = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock: systemClock() }) })
  const view = (functionName: string, args: readonly unknown[]): Promise<unknown> =>
    reader.view({ address: deployment.court, abi: courtAbi, functionName, args } as never)
  const vault = (functionName: string, args: readonly unknown[]): Promise<unknown> =>
    reader.view({ address: deployment.vault, abi: stakeVaultAbi, functionName, args } as never)
  const accepted = new Map<string, number>()
  const ids: Uint8Array[] = []
  const hashes = new Map<number, Uint8Array>()
  let claims = 0
  let terms = 0

  async function both(from: number, name: string, args: readonly unknown[], run: (context: CallContext) => unknown): Promise<unknown> {
    const data = encodeFunctionData({ abi: courtAbi, functionName: name, args } as never)
    for (const id of ids) {
      const drawBlock = model.caseOf(id)?.drawBlock ?? 0
      if (!hashes.has(drawBlock) && (await reader.head()).number >= drawBlock) hashes.set(drawBlock, await hashOfBlock(anvil, drawBlock))
    }
    const mined = await call(from, deployment.court, data)
    const context = {
      sender: signers[from]!.account,
      block: mined.block,
      nowS: mined.timestamp,
      blockHash: (block: number) => hashes.get(block) ?? new Uint8Array(32),
    }
    let result: unknown
    let reason: string | null = null
    try {
      result = run(context)
      accepted.set(name, (accepted.get(name) ?? 0) + 1)
    } catch (error) {
      if (errorCode(error) !== 'E_COURT') throw error
      reason = (error as HaggleError).details['reason'] as CourtRefusal
    }
    expect([name, mined.ok ? null : 'refused']).toEqual([name, reason === null ? null : 'refused'])
    if (reason !== null) {
      const said = revertReason((await refusal(from, deployment.court, data)) ?? '0x')?.replace(/\(.*$/, '')
      expect([name, said === 'AboveFree' ? 'StakeTooSmall' : said]).toEqual([name, reason])
    }
    return result
  }

  // Mostly a case of the newest few, so that something comes of it.
  const someId = (): Uint8Array => ids.slice(int(8) === 0 ? 0 : -3)[int(Math.min(3, ids.length))] ?? new Uint8Array(32)
  const signerOf = (id: Uint8Array, index: number) => {
    const member = model.caseOf(id)?.committee[index]
    return signers.find(({ account }) => toHex(account) === toHex(member?.account ?? new Uint8Array())) ?? signers[9]!
  }
  const bitmap = async (id: Uint8Array, index: number, window: number, down: bigint): Promise<AttestedBitmap> => ({
    index,
    down,
    sig: await signerOf(id, index).sign(bitmapDigest(domain, { id, window, down })),
  })
  const places = (count: number): number[] => {
    const all = [0, 1, 2, 3, 4, 5, 6].slice(0, 4)
    while (all.length > count) all.splice(int(all.length), 1)
    return int(12) === 0 ? all.toReversed() : all
  }
  const maskWithin = (): bigint => BigInt(int(31) + (int(9) === 0 ? 0 : 1))

  const steps: readonly (() => Promise<unknown>)[] = [
    async () => {
      const from = 2 + int(8)
      const key = word(from)
      return await both(from, 'enroll', [hex(key)], (context) => model.enroll(context, key))
    },
    async () => int(2) === 0 && (await both(2 + int(8), 'vacate', [], (context) => model.vacate(context))),
    async () => await both(2 + int(8), 'release', [], (context) => model.release(context)),
    async () => {
      const now = (await reader.head()).timestamp
      const opening: SlaOpening = {
        renter: signers[int(8) === 0 ? PROVIDER : RENTER]!.account,
        renterKey: word(7),
        providerKey: word(8),
        terms: word(int(6) === 0 ? terms : ++terms),
        rule: int(10) === 0 ? (3 as never) : 2,
        slotS: int(10) === 0 ? 0 : 1,
        slots: 5 + int(70),
        startsAtS: now + 2 + (int(10) === 0 ? -5 : int(5)),
        pricePerSlot: 100n,
        factor: 1 + int(11),
        lock: BigInt(1 + int(9_000)),
        renterCommit: null,
        providerCommit: null,
      }
      const zero = `0x${'0'.repeat(64)}`
      const { startsAtS, renterCommit: _r, providerCommit: _p, ...rest } = opening
      const sla = {
        ...rest,
        renter: hex(opening.renter),
        renterKey: hex(opening.renterKey),
        providerKey: hex(opening.providerKey),
        terms: hex(opening.terms),
        startsAt: BigInt(startsAtS),
        renterCommit: zero,
        providerCommit: zero,
      }
      const id = (await both(PROVIDER, 'openSla', [sla], (context) => model.openSla(context, opening))) as Uint8Array | undefined
      if (id) ids.push(id)
      return id
    },
    async () => {
      const id = someId()
      const zero = `0x${'0'.repeat(64)}`
      return await both(int(9), 'drawWitnesses', [hex(id), zero, zero], (context) => model.drawWitnesses(context, id))
    },
    async () => {
      const id = someId()
      const window = int(8) === 0 ? 1 : 0
      const mask = maskWithin()
      const down = int(8) === 0 ? mask ^ 1n : mask | BigInt(int(64))
      const bitmaps = await Promise.all(places(int(8) === 0 ? 2 : 3).map((index) => bitmap(id, index, window, down)))
      if (int(12) === 0 && bitmaps[0]) bitmaps[0] = { ...bitmaps[0], sig: bitmaps[1]?.sig ?? new Uint8Array(65) }
      const said = bitmaps.map((one) => ({ ...one, sig: hex(one.sig) }))
      const claim = await both(int(9) === 0 ? PROVIDER : RENTER, 'claimDowntime', [hex(id), window, mask, said], (context) =>
        model.claimDowntime(context, { id, window, mask, bitmaps }),
      )
      if (claim !== undefined) claims++
      return claim
    },
    async () => {
      const claim = BigInt(int(claims + 1))
      const one = model.claimOf(claim)
      const id = one?.id ?? someId()
      const slots = await Promise.all(
        Array.from({ length: 1 + int(2) }, async () => {
          const slot = (one?.window ?? 0) * 60 + int(5)
          const receipts = await Promise.all(
            places(int(8) === 0 ? 1 : 2).map(async (index) => ({
              index,
              sig: await signerOf(id, index).sign(receiptDigest(domain, { id, slot: int(15) === 0 ? slot + 1 : slot })),
            })),
          )
          return { slot, receipts }
        }),
      )
      const said = slots.map(({ slot, receipts }) => ({ slot, receipts: receipts.map(({ index, sig }) => ({ index, sig: hex(sig) })) }))
      return await both(int(9), 'refute', [claim, said], (context) => model.refute(context, claim, slots))
    },
    async () => {
      const claim = BigInt(int(claims + 1))
      return await both(int(9), 'finalize', [claim], (context) => model.finalize(context, claim))
    },
    async () => {
      const id = someId()
      const index = int(5)
      const attest = async (): Promise<AttestedStatement> => {
        const signer = signerOf(id, index)
        const down = BigInt(int(4))
        if (int(2) === 0) return { kind: 'bitmap', window: 0, down, sig: await signer.sign(bitmapDigest(domain, { id, window: 0, down })) }
        const slot = int(2)
        return { kind: 'receipt', slot, sig: await signer.sign(receiptDigest(domain, { id, slot })) }
      }
      const [a, b] = [await attest(), await attest()]
      const said = (one: AttestedStatement) => ({
        bitmap: one.kind === 'bitmap',
        number: one.kind === 'bitmap' ? one.window : one.slot,
        down: one.kind === 'bitmap' ? one.down : 0n,
        sig: hex(one.sig),
      })
      return await both(9, 'proveWitnessEquivocation', [hex(id), index, said(a), said(b)], (context) =>
        model.proveWitnessEquivocation(context, { id, index, a, b }),
      )
    },
    async () => {
      const id = someId()
      const slots = int(40)
      const sig = await signers[int(6) === 0 ? 3 : RENTER]!.sign(endDigest(domain, { id, slots }))
      const from = int(6) === 0 ? RENTER : PROVIDER
      return int(3) === 0 && (await both(from, 'endSla', [hex(id), slots, hex(sig)], (context) => model.endSla(context, id, slots, sig)))
    },
    async () => {
      const id = someId()
      return await both(int(9), 'close', [hex(id)], (context) => model.close(context, id))
    },
    async () => {
      const from = int(3)
      return await both(from, 'collect', [hex(signers[from]!.account)], (context) => model.collect(context))
    },
    async () => await anvil.mine(1 + int(4)),
    async () => int(6) === 0 && (await anvil.mine(250 + int(20))),
    async () => {
      await anvil.rpc('evm_increaseTime', [1 + int(int(4) === 0 ? 700 : 60)])
      await anvil.mine(1)
    },
  ]

  for (let step = 0; step < STEPS; step++) {
    // Enrolling, opening, drawing and claiming come more often: the rest needs them.
    const order = [0, 0, 3, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10, 11, 12, 12, 12, 13, 14, 14, 1, 2]
    await steps[step < 14 ? 0 : (order[int(order.length)] as number)]?.()
    if (step % 10 === 9) await sameState()
  }
  await sameState()
  return accepted

  async function sameState(): Promise<void> {
    for (const id of ids) {
      const theirs = (await view('caseOf', [hex(id)])) as { state: number; slots: number; openClaims: number }
      const [seats] = (await view('committeeOf', [hex(id)])) as [number[]]
      const ours = model.caseOf(id)!
      expect([theirs.state, theirs.slots, theirs.openClaims, seats]).toEqual([
        { opened: 1, drawn: 2, closed: 3 }[ours.state],
        ours.slots,
        ours.openClaims,
        ours.committee.map(({ seat }) => seat),
      ])
      expect(await view('claimedSlots', [hex(id), 0])).toBe(model.claimedSlots(id, 0))
      expect(await vault('lockOf', [hex(signers[PROVIDER]!.account), hex(id)])).toBe(ours.lockLeft)
    }
    for (const { account } of signers) {
      const [staked, locked] = (await vault('stakeOf', [hex(account)])) as [bigint, bigint]
      expect([staked, locked]).toEqual([model.vault.stakedOf(account), model.vault.lockedOf(account)])
      expect(await vault('lockOf', [hex(account), hex(WITNESS_LOCK)])).toBe(model.vault.lockOf(account, WITNESS_LOCK))
      expect(await vault('credits', [hex(account)])).toBe(model.vault.creditOf(account))
      expect(await view('owed', [hex(account)])).toBe(model.owed(account))
    }
    expect(await vault('toBurn', [])).toBe(model.vault.burned)
  }
}
