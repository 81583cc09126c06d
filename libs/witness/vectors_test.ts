// The published vectors hold for this code.

import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import {
  bitmapDigest,
  caseId,
  contradict,
  decodeSla,
  domainSeparator,
  drawSeats,
  drawSeed,
  encodeSla,
  endDigest,
  heartbeatDigest,
  localAccount,
  planClaims,
  receiptDigest,
  RULES,
  settle,
  signedBy,
  type Statement,
} from './mod.ts'

interface StatementJson {
  readonly kind: string
  readonly slot?: number
  readonly window?: number
  readonly down?: string
}

interface Vectors {
  readonly slas: readonly { readonly encoded: string; readonly lock: string }[]
  readonly domain: { readonly chain: number; readonly court: string; readonly separator: string }
  readonly case: { readonly provider: string; readonly renter: string; readonly terms: string; readonly id: string }
  readonly secret: string
  readonly account: string
  readonly signed: Readonly<Record<'heartbeat' | 'upReceipt' | 'bitmap' | 'endSla', { readonly digest: string; readonly sig: string }>>
  readonly draws: {
    readonly pinBlock: number
    readonly parties: readonly string[]
    readonly seats: readonly { readonly account: string; readonly enrolledBlock: number; readonly leftBlock: number }[]
    readonly cases: readonly { readonly blockHash: string; readonly seed: string; readonly n: number; readonly drawn: number[] | null }[]
  }
  readonly contradictions: readonly { readonly a: StatementJson; readonly b: StatementJson; readonly contradict: boolean }[]
  readonly claims: readonly {
    readonly rule: 1 | 2
    readonly open: string
    readonly bitmaps: readonly { readonly index: number; readonly down: string }[]
    readonly plans: readonly { readonly mask: string; readonly indices: readonly number[] }[]
  }[]
  readonly settlements: readonly (Readonly<
    Record<'mask' | 'refuted' | 'pricePerSlot' | 'lockLeft' | 'slash' | 'toVictim' | 'bondBack' | 'bondLost', string>
  > & {
    readonly factor: number
  })[]
}

const vectors = JSON.parse(readFileSync(new URL('../../spec/vectors/court.json', import.meta.url), 'utf8')) as Vectors
const domain = { chain: vectors.domain.chain, court: fromHex(vectors.domain.court) }
const id = fromHex(vectors.case.id)

describe('vectors of the court', () => {
  it('decodeSla() reads each service level, and encodeSla() writes it again', () => {
    for (const { encoded, lock } of vectors.slas) {
      const sla = decodeSla(fromHex(encoded))
      expect(sla.lock).toBe(BigInt(lock))
      expect(toHex(encodeSla(sla))).toBe(encoded)
    }
  })

  it('digests and signatures are those of the vectors', async () => {
    const account = localAccount(fromHex(vectors.secret))
    expect(toHex(account.account)).toBe(vectors.account)
    expect(toHex(domainSeparator(domain))).toBe(vectors.domain.separator)
    const { provider, renter, terms } = vectors.case
    expect(toHex(caseId(domain, { provider: fromHex(provider), renter: fromHex(renter), terms: fromHex(terms) }))).toBe(vectors.case.id)
    const digests = {
      heartbeat: heartbeatDigest(domain, { id, slot: 61, block: 1_234, blockHash: new Uint8Array(32).fill(5) }),
      upReceipt: receiptDigest(domain, { id, slot: 61 }),
      bitmap: bitmapDigest(domain, { id, window: 1, down: 10n }),
      endSla: endDigest(domain, { id, slots: 30 }),
    }
    for (const [name, { digest, sig }] of Object.entries(vectors.signed)) {
      expect(toHex(digests[name as keyof typeof digests])).toBe(digest)
      expect(signedBy(account.account, fromHex(digest), fromHex(sig))).toBe(true)
      expect(toHex(await account.sign(fromHex(digest)))).toBe(sig)
    }
  })

  it('drawSeats() draws the seats of the vectors', () => {
    const { pinBlock, parties, seats, cases } = vectors.draws
    for (const { blockHash, seed, n, drawn } of cases) {
      expect(toHex(drawSeed(id, fromHex(blockHash)))).toBe(seed)
      const pool = seats.map((seat) => ({ ...seat, account: fromHex(seat.account) }))
      expect(drawSeats(pool, { seed: fromHex(seed), pinBlock, n, parties: parties.map((party) => fromHex(party)) })).toEqual(drawn)
    }
  })

  it('contradict(), planClaims() and settle() say what the vectors say', () => {
    const statement = ({ down, ...rest }: StatementJson): Statement =>
      (down === undefined ? rest : { ...rest, down: BigInt(down) }) as Statement
    for (const { a, b, contradict: expected } of vectors.contradictions) expect(contradict(statement(a), statement(b))).toBe(expected)
    for (const { rule, open, bitmaps, plans } of vectors.claims) {
      const said = bitmaps.map(({ index, down }) => ({ index, down: BigInt(down) }))
      expect(planClaims(RULES[rule], said, BigInt(open))).toEqual(plans.map(({ mask, indices }) => ({ mask: BigInt(mask), indices })))
    }
    for (const { mask, refuted, pricePerSlot, lockLeft, factor, ...result } of vectors.settlements) {
      const settled = settle({
        mask: BigInt(mask),
        refuted: BigInt(refuted),
        pricePerSlot: BigInt(pricePerSlot),
        lockLeft: BigInt(lockLeft),
        factor,
      })
      expect(Object.fromEntries(Object.entries(settled).map(([name, amount]) => [name, String(amount)]))).toEqual(result)
    }
  })
})
