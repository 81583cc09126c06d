// Writes threads message by message, right ones and wrong ones: every position of an envelope can be overridden.

import { type Bodies, CONTRACT_MESSAGES, type ContractMessageName, encodeTerms, type Role, type Terms, termsHash } from '@haggle/contract'
import { createIdentity, type Identity, portableSuite } from '@haggle/identity'
import { concat, encode, networkId, signingInput, tbsOf, utf8, type Value } from '@haggle/wire'

export const suite = portableSuite()
export const NETWORK: Uint8Array = networkId('devnet-vectors')
export const RENTER: Identity = createIdentity(new Uint8Array(32).fill(11))
export const PROVIDER: Identity = createIdentity(new Uint8Array(32).fill(22))
export const STRANGER: Identity = createIdentity(new Uint8Array(32).fill(33))
export const SPEC_HASH: Uint8Array = suite.sha256(utf8('a spec'))
const THREAD = new Uint8Array(16).fill(0xab)
const START_S = 1_800_000_000

/** What may be put in place of the right thing. */
export interface Wrong {
  readonly signer?: Identity
  readonly audience?: Uint8Array
  readonly network?: Uint8Array
  readonly thread?: Uint8Array
  readonly seq?: number
  readonly prev?: Uint8Array | null
  /** Id to acknowledge; left out: the other side's last message. */
  readonly ack?: Uint8Array | null
  readonly iat?: number
  readonly lifetimeS?: number
  /** The body's positions, instead of what the schema builds. */
  readonly rawBody?: Value
}

/** A message in the file. */
export interface Said {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** Both chains of one thread, in the order in which they are said. */
export class ThreadBuilder {
  readonly said: Said[] = []
  readonly #last: Record<Role, { seq: number; id: Uint8Array | null }> = { renter: { seq: 0, id: null }, provider: { seq: 0, id: null } }
  #iat = START_S

  /** A copy that goes on by itself. */
  fork(): ThreadBuilder {
    const copy = new ThreadBuilder()
    copy.said.push(...this.said)
    copy.#last.renter = { ...this.#last.renter }
    copy.#last.provider = { ...this.#last.provider }
    copy.#iat = this.#iat
    return copy
  }

  /** Id of a side's last message. */
  lastOf(role: Role): Uint8Array | null {
    return this.#last[role].id
  }

  say<N extends ContractMessageName>(by: Role, type: N, body: Bodies[N], wrong: Wrong = {}): Said {
    const other: Role = by === 'renter' ? 'provider' : 'renter'
    const identity = wrong.signer ?? (by === 'renter' ? RENTER : PROVIDER)
    const chain = this.#last[by]
    this.#iat++
    const iat = wrong.iat ?? this.#iat
    const tbs: Value = [
      1,
      type,
      wrong.network ?? NETWORK,
      identity.publicKey,
      wrong.audience ?? (by === 'renter' ? PROVIDER : RENTER).publicKey,
      wrong.thread ?? THREAD,
      wrong.seq ?? chain.seq,
      wrong.prev === undefined ? chain.id : wrong.prev,
      wrong.ack === undefined ? this.#last[other].id : wrong.ack,
      iat,
      iat + (wrong.lifetimeS ?? CONTRACT_MESSAGES[type].maxLifetimeS),
      wrong.rawBody ?? CONTRACT_MESSAGES[type].schema.build(body),
    ]
    const said = sealed(type, tbs, { identity, network: wrong.network ?? NETWORK })
    this.said.push(said)
    this.#last[by] = { seq: chain.seq + 1, id: said.id }
    return said
  }

  /** The transcript file of what was said, in that order. */
  file(): Uint8Array {
    return fileOf(this.said.map(({ bytes }) => bytes))
  }
}

/** Signs `tbs` whatever it says. */
function sealed(type: string, tbs: Value, options: { readonly identity: Identity; readonly network: Uint8Array }): Said {
  const unsigned = encode([tbs, new Uint8Array(64)])
  const signature = options.identity.signer.sign(signingInput(type, options.network, tbsOf(unsigned), suite))
  const bytes = encode([tbs, signature])
  return { bytes, id: suite.sha256(concat(utf8('haggle-id/1\0'), tbsOf(bytes))) }
}

/** A transcript file of these messages, in this order. */
export function fileOf(messages: readonly Uint8Array[]): Uint8Array {
  const framed = messages.map((bytes) => {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, bytes.length)
    return concat(length, bytes)
  })
  return concat(utf8('haggle-transcript/1\n'), ...framed)
}

/** Terms between the two parties. */
export function termsOf(changes: Partial<Terms> = {}): Terms {
  return {
    renter: RENTER.publicKey,
    provider: PROVIDER.publicKey,
    offerDigest: suite.sha256(utf8('an offer')),
    devices: [{ id: 'gpu0', kind: 'gpu', model: 'RTX 4090', vramMiB: 24_576 }],
    runner: 'deno',
    isolation: 'bubblewrap',
    rail: 'free',
    meters: [{ unit: 'ms', price: 310_000n, per: 3_600_000n }],
    cap: 50_000n,
    tickMs: 5_000,
    graceMs: 15_000,
    stagingMs: 60_000,
    idleMs: 60_000,
    maxMs: 600_000,
    limits: { cpuMilli: 4_000, memMiB: 8_192, diskMiB: 16_384, outMiB: 64, pids: 256 },
    net: null,
    sla: null,
    visibility: 'private',
    extends: null,
    ...changes,
  }
}

/** Bytes and hash of terms. */
export function termsBytes(terms: Terms): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const bytes = encodeTerms(terms)
  return { bytes, hash: termsHash(bytes) }
}
