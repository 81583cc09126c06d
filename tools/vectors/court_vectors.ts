// Vectors of the court: service levels, digests and signatures, draws, contradictions, and what a claim comes to.

import { fromHex, toHex } from '@haggle/wire'
import {
  bitmapDigest,
  caseId,
  contradict,
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
  type Sla,
  type Statement,
} from '@haggle/witness'
import type { Json } from './main.ts'

const bytes = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const DOMAIN = { chain: 31_337, court: bytes(0xc0, 20) }
const SECRET = '0101010101010101010101010101010101010101010101010101010101010101'

const SLAS: readonly Sla[] = [1, 2].map((rule) => ({
  ...DOMAIN,
  rule: rule as 1 | 2,
  slotS: 60,
  slots: 60 * rule,
  pricePerSlot: 1_000n,
  factor: 10,
  lock: 500_000n,
  fee: 2_500n,
  renter: bytes(1, 20),
  provider: bytes(2, 20),
}))

export async function make(): Promise<Readonly<Record<string, Json>>> {
  const parties = { provider: bytes(2, 20), renter: bytes(1, 20), terms: bytes(9, 32) }
  const id = caseId(DOMAIN, parties)
  const account = localAccount(fromHex(SECRET))
  const digests = {
    heartbeat: heartbeatDigest(DOMAIN, { id, slot: 61, block: 1_234, blockHash: bytes(5, 32) }),
    upReceipt: receiptDigest(DOMAIN, { id, slot: 61 }),
    bitmap: bitmapDigest(DOMAIN, { id, window: 1, down: 0b1010n }),
    endSla: endDigest(DOMAIN, { id, slots: 30 }),
  }
  const signed: Record<string, Json> = {}
  for (const [name, digest] of Object.entries(digests)) signed[name] = { digest: toHex(digest), sig: toHex(await account.sign(digest)) }
  return {
    'court.json': {
      page: 'spec/court.md',
      note: 'Bytes are hex, money and masks decimal text. `signed` is by the account of `secret`, with slot 61, window 1, down 10, block 1234, slots 30.',
      slas: SLAS.map((sla) => ({ ...jsonOf(sla), encoded: toHex(encodeSla(sla)) })),
      domain: { chain: DOMAIN.chain, court: toHex(DOMAIN.court), separator: toHex(domainSeparator(DOMAIN)) },
      case: { provider: toHex(parties.provider), renter: toHex(parties.renter), terms: toHex(parties.terms), id: toHex(id) },
      secret: SECRET,
      account: toHex(account.account),
      signed,
      draws: draws(id),
      contradictions: contradictions(),
      claims: claims(),
      settlements: settlements(),
    },
  }
}

function jsonOf(value: object): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      typeof field === 'bigint' ? field.toString() : field instanceof Uint8Array ? toHex(field) : (field as Json),
    ]),
  )
}

function draws(id: Uint8Array): Json {
  const seats = Array.from({ length: 12 }, (_, i) => ({
    account: bytes(i + 1, 20),
    enrolledBlock: i === 10 ? 100 : 5,
    leftBlock: i === 3 ? 50 : i === 4 ? 100 : 0,
  }))
  const cases = [bytes(6, 32), bytes(7, 32), bytes(8, 32)].flatMap((blockHash) =>
    ([4, 7] as const).map((n) => {
      const seed = drawSeed(id, blockHash)
      const drawn = drawSeats(seats, { seed, pinBlock: 100, n, parties: [bytes(1, 20), bytes(2, 20)] })
      return { blockHash: toHex(blockHash), seed: toHex(seed), n, drawn }
    }),
  )
  return { pinBlock: 100, parties: [toHex(bytes(1, 20)), toHex(bytes(2, 20))], seats: seats.map(jsonOf), cases }
}

function contradictions(): Json {
  const all: readonly Statement[] = [
    { kind: 'receipt', slot: 0 },
    { kind: 'receipt', slot: 61 },
    { kind: 'bitmap', window: 0, down: 1n },
    { kind: 'bitmap', window: 0, down: 2n },
    { kind: 'bitmap', window: 1, down: 2n },
    { kind: 'bitmap', window: 1, down: 1n },
  ]
  return all.flatMap((a, i) => all.slice(i).map((b) => ({ a: jsonOf(a), b: jsonOf(b), contradict: contradict(a, b) })))
}

function claims(): Json {
  const bitmaps = [0b1111n, 0b1110n, 0b0110n, 0b1111n, 0b0111n, 0b1100n, 0b0000n]
  return ([1, 2] as const).map((rule) => {
    const { n } = RULES[rule]
    const said = bitmaps.slice(0, n).map((down, index) => ({ index, down }))
    const plans = planClaims(RULES[rule], said, 0b1111n)
    return { rule, open: '15', bitmaps: said.map(jsonOf), plans: plans.map(({ mask, indices }) => ({ mask: mask.toString(), indices })) }
  })
}

function settlements(): Json {
  const cases = [
    { mask: 0b111n, refuted: 0n, pricePerSlot: 1_000n, factor: 10, lockLeft: 100_000n },
    { mask: 0b111n, refuted: 0b010n, pricePerSlot: 1_000n, factor: 10, lockLeft: 15_000n },
    { mask: 0b111n, refuted: 0b111n, pricePerSlot: 1_000n, factor: 10, lockLeft: 100_000n },
    { mask: 0b111n, refuted: 0n, pricePerSlot: 1_000n, factor: 1, lockLeft: 500n },
  ]
  return cases.map((one) => ({ ...jsonOf(one), ...jsonOf(settle(one)) }))
}
