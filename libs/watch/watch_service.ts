// The court's business of one account, by itself: every case in which it is party or witness, from the draw to the close.

import type { Network } from '@haggle/mesh'
import type { Store } from '@haggle/store'
import { type Clock, equalBytes, errorCode, fromHex, HaggleError, toHex } from '@haggle/wire'
import {
  type AccountSigner,
  type AttestedStatement,
  bitmapDigest,
  type Case,
  type Claim,
  contradiction,
  type Court,
  endDigest,
  maskSlots,
  signedBy,
  windowsOf,
} from '@haggle/witness'
import { ask, serve } from './ask.ts'
import { type Commits, DrawSecrets } from './_draw_secrets.ts'
import { collectBitmaps } from './_collect.ts'
import { EvidenceBook } from './evidence.ts'
import { refusedFor, type WatchAnswer, type WatchQuestion, type WatchQuestions } from './protocol.ts'
import { Providing } from './_providing.ts'
import { Renting } from './_renting.ts'
import type { RoleParts } from './_role.ts'
import { Witnessing } from './_witnessing.ts'

/** What {@link startWatch} needs. */
export interface WatchInit {
  readonly network: Network
  readonly court: Court
  /** Signs for the court's account. */
  readonly signer: AccountSigner
  readonly clock: Clock
  /** A store or sub-store of its own: receipts and bitmaps. */
  readonly store: Store
  /** Default true: draws, claims, refutes, finalises, closes and collects by itself. False: people do, with the methods here and the court's. */
  readonly automatic?: boolean
  /** As provider: is this case's job served now? A heartbeat says so. Default: yes, while this runs. */
  readonly serving?: (id: Uint8Array) => boolean
  /** As renter: may the case end after so many slots? Default: no. */
  readonly agreesToEnd?: (id: Uint8Array, slots: number) => boolean
  /** Told of what was done here, and of what could not be. */
  readonly onEvent?: (event: WatchEvent) => void
}

/** Something that was done by itself. */
export interface WatchEvent {
  /** The call: `drawWitnesses`, `claimDowntime`, `refute`, `finalize`, `proveWitnessEquivocation`, `close`, `collect`; `trouble`: one of them failed, and is tried again. */
  readonly kind: 'drawWitnesses' | 'claimDowntime' | 'refute' | 'finalize' | 'proveWitnessEquivocation' | 'close' | 'collect' | 'trouble'
  readonly id: Uint8Array
  /** The claim, place in the committee, or error code that it is about; null when there is none. */
  readonly about: string | null
}

/** What a node is in a case. */
export type WatchRole = 'provider' | 'renter' | 'witness'

/** A case and this node's part in it. */
export interface WatchedCase {
  readonly one: Case
  readonly roles: readonly WatchRole[]
}

/** A running service. */
export interface WatchService {
  /** Cases that are not closed, and what this node is in them. */
  cases(): readonly WatchedCase[]
  /** Reads a case from the court now, as after an event. */
  refresh(id: Uint8Array): Promise<void>
  /** As renter: claims what the bitmaps at hand allow. Returns the claims' numbers. */
  claim(id: Uint8Array, window: number): Promise<readonly bigint[]>
  /** As provider: refutes what the receipts at hand refute. Returns the number of slots. */
  refute(claim: bigint): Promise<number>
  /** As provider: asks the renter to agree that the case ends after `slots`, and ends it. False when it does not agree. */
  end(id: Uint8Array, slots: number): Promise<boolean>
  /** What is kept: bitmaps and up-receipts. */
  readonly evidence: EvidenceBook
  /** What this node's account commits to for the draw of a case, 32 bytes; null where blocks are random. */
  commit(id: Uint8Array): Promise<Uint8Array | null>
  /**
   * As provider, before it opens a case: what both parties commit to, nulls where blocks are random. Rejects when the renter, the peer of `renterKey`, does
   * not say: `E_DIAL`, `E_PROTOCOL_UNSUPPORTED`, `E_WATCH_*`.
   */
  commits(id: Uint8Array, renterKey: Uint8Array): Promise<Commits>
  stop(): Promise<void>
}

interface Handled {
  one: Case
  provider?: Providing
  renter?: Renting
  witness?: Witnessing
  /** Unix ms at which the chain is looked at again. */
  lookAtMs: number
  looking: boolean
  readonly refuted: Map<bigint, bigint>
}

/** Blocks that a renter leaves the draw to the provider. */
const RENTER_WAITS_BLOCKS = 12
/** Longest and shortest ms between steps, and between looks at the chain. */
const STEP_MS = { least: 100, most: 5_000 } as const
const LOOK_MS = { least: 400, most: 60_000 } as const

/**
 * Serves `/haggle/witness/1` and minds the cases of one account until it is stopped. As witness it answers heartbeats and signs bitmaps; as provider it
 * beats; as renter it collects. Rejects when the court can't be asked for the account's cases.
 */
export async function startWatch(init: WatchInit): Promise<WatchService> {
  const service = new Watcher(init)
  await service.start()
  return service
}

class Watcher implements WatchService {
  readonly evidence: EvidenceBook
  readonly #init: WatchInit
  readonly #parts: RoleParts
  readonly #secrets: DrawSecrets
  readonly #handled = new Map<string, Handled>()
  readonly #work = new Set<Promise<unknown>>()
  readonly #ends: (() => unknown)[] = []
  readonly #accused = new Set<string>()
  readonly #stopping = new AbortController()

  constructor(init: WatchInit) {
    this.#init = init
    this.evidence = new EvidenceBook(init.store)
    this.#parts = {
      court: init.court,
      signer: init.signer,
      clock: init.clock,
      evidence: this.evidence,
      ask: (peerKey, question, withinMs) =>
        equalBytes(peerKey, init.network.publicKey)
          ? this.#answer(question)
          : ask(init, peerKey, question, { withinMs, signal: this.#stopping.signal }),
      signal: this.#stopping.signal,
      tell: (kind, id, about) => init.onEvent?.({ kind, id, about }),
      run: (work) => this.#run(work),
    }
    this.#secrets = new DrawSecrets(this.#parts)
  }

  async start(): Promise<void> {
    const { court, signer } = this.#init
    this.#ends.push(court.follow(({ id }) => this.#run(this.refresh(id))))
    for (const id of await court.cases(signer.account)) await this.refresh(id)
    this.#ends.push(await serve(this.#init, (question) => this.#answer(question)))
    this.#tick()
  }

  cases(): readonly WatchedCase[] {
    return [...this.#handled.values()].map(({ one, provider, renter, witness }) => ({
      one,
      roles: [
        ...(provider ? (['provider'] as const) : []),
        ...(renter ? (['renter'] as const) : []),
        ...(witness ? (['witness'] as const) : []),
      ],
    }))
  }

  async refresh(id: Uint8Array): Promise<void> {
    const { court, signer, serving = () => true, clock } = this.#init
    const one = await court.caseOf(id)
    const key = toHex(id)
    if (one === null || one.state === 'closed') return void this.#handled.delete(key)
    const isProvider = equalBytes(one.provider, signer.account)
    const isRenter = equalBytes(one.renter, signer.account)
    const index = one.committee.findIndex(({ account }) => equalBytes(account, signer.account))
    if (!isProvider && !isRenter && index < 0) return
    const before = this.#handled.get(key)
    const handled: Handled = before ?? { one, lookAtMs: 0, looking: false, refuted: new Map() }
    handled.one = one
    handled.lookAtMs = Math.min(handled.lookAtMs, clock.now())
    this.#handled.set(key, handled)
    if (one.state !== 'drawn') return
    // Roles keep the schedule that they began with: a case that was shortened only has fewer slots that count.
    if (isProvider) handled.provider ??= new Providing(this.#parts, one, () => serving(id))
    if (isRenter) handled.renter ??= new Renting(this.#parts, one)
    if (index >= 0) handled.witness ??= new Witnessing(this.#parts, one, index)
  }

  async claim(id: Uint8Array, window: number): Promise<readonly bigint[]> {
    return (await this.#handled.get(toHex(id))?.renter?.claim(window)) ?? []
  }

  async refute(claim: bigint): Promise<number> {
    const one = await this.#init.court.claimOf(claim)
    return one === null ? 0 : ((await this.#handled.get(toHex(one.id))?.provider?.refute(one)) ?? 0)
  }

  async end(id: Uint8Array, slots: number): Promise<boolean> {
    const { court } = this.#init
    const handled = this.#handled.get(toHex(id))
    if (handled?.provider === undefined) return false
    const { renter, renterKey, slotS } = handled.one
    const answer = await this.#parts.ask(renterKey, { name: 'end', body: { id, slots } }, Math.max(2_000, slotS * 1_000))
    if (answer.name !== 'yes' || answer.body.sig === null) return false
    if (!signedBy(renter, endDigest(court.parameters, { id, slots }), answer.body.sig)) return false
    await court.endSla(id, slots, answer.body.sig)
    return true
  }

  async commit(id: Uint8Array): Promise<Uint8Array | null> {
    return await this.#secrets.commit(id)
  }

  async commits(id: Uint8Array, renterKey: Uint8Array): Promise<Commits> {
    return await this.#secrets.commits(id, renterKey)
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new HaggleError('E_ABORTED', 'The witness service stops'))
    for (const end of this.#ends.splice(0)) await end()
    await Promise.allSettled(this.#work)
  }

  async #answer(question: WatchQuestion): Promise<WatchAnswer> {
    if (question.name === 'commit') return await this.#secrets.sayCommit(question.body.id)
    const handled = this.#handled.get(toHex(question.body.id))
    if (handled === undefined) return refusedFor('unknown')
    const { provider, witness } = handled
    switch (question.name) {
      case 'beat':
        return witness ? await witness.beat(question.body) : refusedFor('unknown')
      case 'alive':
        return provider ? await provider.alive(question.body.slot) : refusedFor('unknown')
      case 'here':
        return witness ? { name: 'yes', body: { sig: null } } : refusedFor('unknown')
      case 'bitmap':
        return witness ? await witness.bitmap(question.body.window) : refusedFor('unknown')
      case 'said':
        return await this.#take(handled.one, question.body)
      case 'end':
        return await this.#agree(handled, question.body)
      case 'reveal':
        return await this.#secrets.reveal(handled.one)
    }
  }

  /** A witness brings its bitmap. Whoever carries it: its signature says whose it is. */
  async #take(one: Case, { window, down, sig }: WatchQuestions['said']): Promise<WatchAnswer> {
    const { id } = one
    const digest = bitmapDigest(this.#init.court.parameters, { id, window, down })
    const index = one.committee.findIndex(({ account }) => signedBy(account, digest, sig))
    if (index < 0 || window >= windowsOf(one)) return refusedFor('unknown')
    await this.evidence.keepBitmap(id, window, { index, down, sig })
    return { name: 'yes', body: { sig: null } }
  }

  async #agree({ one, renter }: Handled, { id, slots }: WatchQuestions['end']): Promise<WatchAnswer> {
    const { court, signer, agreesToEnd = () => false } = this.#init
    if (!renter || slots >= one.slots || !agreesToEnd(id, slots)) return refusedFor('none')
    return { name: 'yes', body: { sig: await signer.sign(endDigest(court.parameters, { id, slots })) } }
  }

  #tick(): void {
    if (this.#stopping.signal.aborted) return
    const { clock } = this.#init
    let nextMs: number = STEP_MS.most
    for (const handled of this.#handled.values()) {
      nextMs = Math.min(nextMs, (handled.one.slotS * 1_000) / 12)
      handled.witness?.step()
      handled.provider?.step()
      if (this.#init.automatic === false) continue
      handled.renter?.step()
      if (clock.now() < handled.lookAtMs || handled.looking) continue
      handled.looking = true
      handled.lookAtMs = clock.now() + clamp(handled.one.slotS * 500, LOOK_MS)
      this.#run(this.#look(handled).finally(() => (handled.looking = false)))
    }
    const cancel = clock.after(clamp(nextMs, STEP_MS), () => {
      this.#ends.splice(this.#ends.indexOf(cancel), 1)
      this.#tick()
    })
    this.#ends.push(cancel)
  }

  /** What the chain lets be done now, as whatever this node is. */
  async #look(handled: Handled): Promise<void> {
    const { court } = this.#init
    const { one, provider, renter } = handled
    const options = { signal: this.#stopping.signal }
    const isParty = equalBytes(one.provider, this.#init.signer.account) || equalBytes(one.renter, this.#init.signer.account)
    if (!isParty) return
    if (one.state === 'opened') {
      const { block } = await court.latestBlock()
      // The provider is paid for it: its renter waits a little, and then does it itself rather than go without.
      const patience = equalBytes(one.provider, this.#init.signer.account) ? 0 : RENTER_WAITS_BLOCKS
      if (block > one.drawBlock + patience)
        await this.#do('drawWitnesses', one, null, async () => court.drawWitnesses(one.id, await this.#secrets.both(one), options))
      return void (await this.refresh(one.id))
    }
    const now = await court.nowS()
    for (const claim of await court.claimsOf(one.id)) {
      if (claim.finalized) continue
      const about = String(claim.number)
      if (provider && now <= claim.untilS) {
        await this.#refuteOnce(handled, provider, claim)
        // Who says "down" here may have given a receipt there: the bitmaps behind the claim show it.
        await collectBitmaps(this.#parts, one, claim.window)
      }
      const fresh = (await court.claimOf(claim.number)) ?? claim
      const standing = fresh.mask & ~fresh.refuted
      if (standing === 0n || (renter && now > fresh.untilS))
        await this.#do('finalize', one, about, () => court.finalize(claim.number, options))
    }
    await this.#accuse(one)
    if ((await court.owed(this.#init.signer.account)) > 0n) await this.#do('collect', one, null, () => court.collect(options))
    const over = now > one.startsAtS + one.slots * one.slotS + court.parameters.claimS
    const fresh = over ? await court.caseOf(one.id) : null
    if (over && fresh?.openClaims === 0 && fresh.state !== 'closed') await this.#do('close', one, null, () => court.close(one.id, options))
    if (over) await this.refresh(one.id)
  }

  async #refuteOnce({ one, refuted }: Handled, provider: Providing, claim: Claim): Promise<void> {
    if (refuted.get(claim.number) === claim.refuted) return
    await this.#do('refute', one, String(claim.number), async () => {
      // Nothing to refute with is no reason to look at every slot again and again.
      if ((await provider.refute(claim)) === 0) refuted.set(claim.number, claim.refuted)
    })
  }

  /** Shows every witness that contradicts itself in what is kept here. */
  async #accuse(one: Case): Promise<void> {
    const { court, clock } = this.#init
    for (let window = 0; window < windowsOf(one) && clock.now() >= (one.startsAtS + window * 60 * one.slotS) * 1_000; window++) {
      const bitmaps = await this.evidence.bitmaps(one.id, window)
      for (const [index] of one.committee.entries()) {
        const maps = bitmaps.filter((bitmap) => bitmap.index === index)
        const statements: AttestedStatement[] = maps.map(({ down, sig }) => ({ kind: 'bitmap', window, down, sig }))
        for (const slot of maps[0]
          ? maskSlots(
              window,
              maps.reduce((mask, { down }) => mask | down, 0n),
            )
          : []) {
          const receipt = (await this.evidence.receipts(one.id, slot)).find((held) => held.index === index)
          if (receipt) statements.push({ kind: 'receipt', slot, sig: receipt.sig })
        }
        const pair = contradiction(statements) as readonly [AttestedStatement, AttestedStatement] | null
        const key = `${toHex(one.id)}/${index}`
        if (pair === null || this.#accused.has(key)) continue
        this.#accused.add(key)
        await this.#do('proveWitnessEquivocation', one, String(index), () =>
          court.proveWitnessEquivocation({ id: one.id, index, a: pair[0], b: pair[1] }, { signal: this.#stopping.signal }),
        )
      }
    }
  }

  async #do(kind: Exclude<WatchEvent['kind'], 'trouble'>, { id }: Case, about: string | null, call: () => Promise<unknown>): Promise<void> {
    try {
      await call()
      this.#init.onEvent?.({ kind, id, about })
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      // Somebody else was first, or it is too early by the chain's clock: it is looked at again. Whatever else: too, and told.
      this.#init.onEvent?.({ kind: 'trouble', id, about: `${kind} ${errorCode(error)}` })
    }
  }

  #run(work: Promise<unknown>): void {
    const done = work.catch(() => undefined).finally(() => this.#work.delete(done))
    this.#work.add(done)
  }
}

function clamp(ms: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(most, Math.max(least, ms))
}

/** Reads a case id that a person typed: 64 hex digits. Throws `E_HEX`. */
export function parseCaseId(text: string): Uint8Array {
  return fromHex(text, 32)
}
