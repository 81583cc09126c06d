import { createIdentity, portableSuite } from '@haggle/identity'
import { freeRate } from '@haggle/offer'
import { errorCode, type Message, type MessageType, networkId, seal, toHex } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { begin, restore, step, viewOf } from './engine.ts'
import type { Effect, SignEffect } from './effect.ts'
import type { Command } from './event.ts'
import { CONTRACT_MESSAGES, type Role } from './messages.ts'
import type { State } from './state.ts'
import type { Terms } from './terms.ts'
import { encodeTranscript } from './transcript.ts'
import { verifyTranscript } from './verify.ts'

const suite = portableSuite()
const network = networkId('devnet-test')
const who = { renter: createIdentity(new Uint8Array(32).fill(1)), provider: createIdentity(new Uint8Array(32).fill(2)) }
const thread = new Uint8Array(16).fill(3)
const other = (role: Role): Role => (role === 'renter' ? 'provider' : 'renter')

const terms: Terms = {
  renter: who.renter.publicKey,
  provider: who.provider.publicKey,
  offerDigest: new Uint8Array(32),
  devices: [],
  runner: 'deno',
  isolation: 'bubblewrap',
  rail: 'free',
  meters: freeRate(3_600_000n).meters,
  cap: 1_000_000n,
  tickMs: 1_000,
  graceMs: 2_000,
  stagingMs: 10_000,
  idleMs: 8_000,
  maxMs: 60_000,
  limits: { cpuMilli: 1, memMiB: 1, diskMiB: 1, outMiB: 1, pids: 1 },
  net: null,
  sla: null,
  visibility: 'private',
  extends: null,
}
const ACCEPT: Extract<Command, { do: 'accept' }> = { do: 'accept', terms, specHash: new Uint8Array(32), number: 1, funding: null }
const VOUCHER: Command = { do: 'voucher', owed: 0n, channel: null, channelCumulative: null, evmSig: null }
const PAID: Terms = { ...terms, rail: `evm:31337:0x${'0'.repeat(40)}`, tickMs: 2_000, graceMs: 2_000 }
const EXIT = { kind: 'exit', code: 0, word: null } as const

/** Two machines with real signatures and a link that carries a message only when told to. */
class Pair {
  nowMs = 0
  readonly chains: Record<Role, Message[]> = { renter: [], provider: [] }
  readonly states: Record<Role, State>
  readonly effects: Record<Role, Effect[]> = { renter: [], provider: [] }
  readonly taken: Record<Role, number> = { renter: 0, provider: 0 }

  constructor() {
    const init = (role: Role): State => begin({ role, self: who[role].publicKey, peer: who[other(role)].publicKey }, { atMs: 0 })
    this.states = { renter: init('renter'), provider: init('provider') }
  }

  do(role: Role, command: Command): this {
    return this.#run(role, { type: 'command', command, atMs: this.nowMs })
  }

  /** Carries every message that `to` lacks, or so many. */
  carry(to: Role, count = Infinity): this {
    const from = this.chains[other(to)]
    for (let at = 0; at < count && this.taken[to] < from.length; at++) {
      const message = from[this.taken[to]++]
      if (message !== undefined) this.deliver(to, message)
    }
    return this
  }

  deliver(to: Role, message: Message): this {
    return this.#run(to, { type: 'message', message, atMs: this.nowMs, unixS: this.unixS })
  }

  both(): this {
    for (let round = 0; round < 6; round++) this.carry('provider').carry('renter')
    return this
  }

  /** The provider starts again from a copy of its home that holds so many messages of each side. */
  backUp(own: number, peer: number): this {
    const stored = { own: this.chains.provider.slice(0, own), peer: this.chains.renter.slice(0, peer) }
    this.states.provider = restore(this.states.provider.init, stored, { nowMs: this.nowMs, nowS: this.unixS }).state
    return this
  }

  /** SYNC of the renter to the provider: heads, and every message that either side has signed. */
  sync(): this {
    const { renter, provider } = this.chains
    this.#run('provider', { type: 'sync', mine: renter.length, yours: provider.length, atMs: this.nowMs })
    // In any order that keeps both chains: what still lacks what it acknowledges is ignored, and comes again.
    for (let round = 0; round <= renter.length; round++) for (const message of [...provider, ...renter]) this.deliver('provider', message)
    this.taken.provider = renter.length
    return this
  }

  /** The renter answers the last METER. */
  vouch(): this {
    const { metered, terms: inForce } = viewOf(this.states.renter)
    const paid = inForce !== null && inForce.rail !== 'free'
    return this.do('renter', {
      do: 'voucher',
      owed: metered,
      channel: paid ? new Uint8Array(32) : null,
      channelCumulative: paid ? metered : null,
      evmSig: paid ? new Uint8Array(65) : null,
    })
  }

  pass(ms: number): this {
    this.nowMs += ms
    for (const role of ['renter', 'provider'] as const) this.#run(role, { type: 'wake', atMs: this.nowMs })
    return this
  }

  get unixS(): number {
    return 1_800_000_000 + Math.floor(this.nowMs / 1000)
  }

  kinds(role: Role): string[] {
    return this.effects[role]
      .splice(0)
      .map((effect) => (effect.kind === 'job' || effect.kind === 'capacity' ? `${effect.kind} ${effect.action}` : effect.kind))
  }

  phases(): [string, string] {
    return [this.states.renter.phase, this.states.provider.phase]
  }

  file(): Uint8Array {
    return encodeTranscript({ renter: this.chains.renter.map((m) => m.bytes), provider: this.chains.provider.map((m) => m.bytes) }, suite)
  }

  #run(role: Role, event: Parameters<typeof step>[1]): this {
    const { state, effects } = step(this.states[role], event)
    this.states[role] = state
    for (const effect of effects) {
      if (effect.kind === 'sign') this.#sign(role, effect)
      else this.effects[role].push(effect)
    }
    return this
  }

  #sign(role: Role, effect: SignEffect): void {
    const { type, body, seq, prev, ack, lifetimeS } = effect
    const iat = this.unixS
    const audience = who[other(role)].publicKey
    const messageType = CONTRACT_MESSAGES[type] as MessageType<typeof body>
    const message = seal(
      messageType,
      { network, audience, thread, seq, prev, ack, iat, exp: iat + lifetimeS, body },
      who[role].signer,
      suite,
    )
    this.chains[role].push(message)
    this.#run(role, { type: 'message', message, atMs: this.nowMs, unixS: this.unixS })
  }
}

function running(wanted: Terms = terms): Pair {
  const pair = new Pair()
    .do('renter', { ...ACCEPT, terms: wanted })
    .carry('provider')
    .do('provider', { do: 'confirm', number: 5 })
    .do('provider', { do: 'ready' })
  return pair.both().pass(250).vouch().both()
}

describe('step() on a rail that pays ahead', () => {
  const meter = (pair: Pair): Pair => pair.do('provider', { do: 'meter', usage: [BigInt(pair.nowMs)] }).carry('renter')

  it('asks for a METER a quarter of a tick early', () => {
    const pair = running(PAID)
    pair.kinds('provider')
    pair.pass(1_499 - pair.nowMs)
    expect(pair.kinds('provider')).not.toContain('measure')
    pair.pass(1)
    expect(pair.kinds('provider')).toContain('measure')
  })

  it('says CANCEL(unpaid) when the grace is over since READY, whatever the renter says instead of paying', () => {
    const pair = running(PAID)
    pair.pass(1_500 - pair.nowMs)
    const { contract } = viewOf(pair.states.provider)
    expect(contract).not.toBe(null)
    pair.do('renter', { do: 'grant', grantee: new Uint8Array(32).fill(3), right: 'read', until: 1_900_000_000 }).both()
    pair.pass(499)
    expect(pair.states.provider.phase).toBe('running')
    pair.pass(1)
    expect(pair.kinds('provider')).toContain('job stop')
    expect(pair.chains.provider.at(-1)?.body).toEqual({ reason: 'unpaid' })
  })

  it('runs on for a grace from the METER that a VOUCHER acknowledges, not from the moment it comes', () => {
    const pair = meter(running(PAID).pass(1_250))
    expect(pair.nowMs).toBe(1_500)
    pair.vouch()
    pair.pass(300).carry('provider').pass(1_699)
    expect(pair.states.provider.phase).toBe('running')
    pair.pass(1)
    expect(pair.chains.provider.at(-1)?.body).toEqual({ reason: 'unpaid' })
    expect(viewOf(pair.states.provider).outcome).toMatchObject({ kind: 'failed', by: 'renter', reason: 'unpaid' })
  })

  it('signs no VOUCHER that was made for an earlier METER', () => {
    const pair = meter(running(PAID).pass(1_250))
    const stale: Command = {
      do: 'voucher',
      owed: viewOf(pair.states.renter).metered,
      channel: new Uint8Array(32),
      channelCumulative: 1n,
      evmSig: new Uint8Array(65),
    }
    meter(pair.pass(100))
    const before = pair.chains.renter.length
    pair.do('renter', stale)
    expect(pair.chains.renter.length).toBe(before)
    pair.vouch()
    expect(pair.chains.renter.at(-1)?.type).toBe('voucher')
  })

  it('pays nothing and says CANCEL(meter) when METER claims more than the renter saw', () => {
    const pair = running(PAID)
      .pass(1_250)
      .do('provider', { do: 'meter', usage: [9_000n] })
      .carry('renter')
    expect(pair.chains.renter.at(-1)?.body).toEqual({ reason: 'meter' })
    expect(pair.chains.renter.filter(({ type }) => type === 'voucher')).toHaveLength(1)
  })

  it('says CANCEL(silent) when no METER comes for two ticks and the grace', () => {
    const pair = running(PAID)
    pair.nowMs += 6_000
    pair.pass(1)
    expect(pair.chains.renter.at(-1)?.body).toEqual({ reason: 'silent' })
  })
})

describe('step()', () => {
  it('reaches first output with two signatures when a standing offer is taken', () => {
    const pair = new Pair().do('renter', ACCEPT).carry('provider')
    pair.kinds('provider')
    pair.do('provider', { do: 'confirm', number: 5 })
    expect(pair.kinds('provider')).toEqual(['notify', 'capacity reserve', 'job start', 'wake'])
    expect([...pair.chains.renter, ...pair.chains.provider].map(({ type }) => type)).toEqual(['accept', 'confirm'])
    pair.carry('renter')
    expect(pair.phases()).toEqual(['staging', 'confirmed'])
    expect(viewOf(pair.states.renter).bound).toBe(false)
  })

  it('settles with two receipts, and both ledgers open and close, when the job ends', () => {
    const pair = running().pass(1_000)
    pair
      .do('provider', { do: 'meter', usage: [1_000n] })
      .carry('renter')
      .vouch()
      .both()
    pair.do('provider', { do: 'result', exit: EXIT, usage: [1_500n], output: null }).both()
    pair.do('renter', { do: 'receipt', reason: null }).both()
    expect(pair.phases()).toEqual(['settled', 'settled'])
    for (const role of ['renter', 'provider'] as const) {
      const entries = pair.effects[role].flatMap((effect) => (effect.kind === 'ledger' ? [effect.entry] : []))
      expect(entries.map(({ kind, number }) => `${kind} ${number}`)).toEqual([
        `opened ${role === 'renter' ? 1 : 5}`,
        `closed ${role === 'renter' ? 1 : 5}`,
      ])
    }
    const report = verifyTranscript(pair.file(), suite)
    expect(report).toMatchObject({ ok: true, owed: 1_500n, outcome: { kind: 'settled', signedBy: 'both' } })
    expect(report.outcome).toEqual(viewOf(pair.states.renter).outcome)
  })

  it('throws E_CONTRACT_STATE with the phase when a command does not fit', () => {
    const pair = new Pair()
    for (const command of [VOUCHER, { do: 'cancel', reason: 'user' }, { do: 'ready' }, { do: 'confirm', number: 1 }] as const) {
      let thrown: unknown
      try {
        pair.do('renter', command)
      } catch (error) {
        thrown = error
      }
      // A voucher without a contract says nothing and is no error: `pay` may be overtaken by an end.
      if (command.do === 'voucher') expect(thrown).toBeUndefined()
      else expect([errorCode(thrown), (thrown as { details: { phase: string } }).details.phase]).toEqual(['E_CONTRACT_STATE', 'idle'])
    }
  })

  it('takes the ACCEPT back when CONFIRM comes after 5 s, and nobody owes anything', () => {
    const pair = new Pair().do('renter', ACCEPT).carry('provider').do('provider', { do: 'confirm', number: 5 })
    pair.nowMs += 5_000
    pair.carry('renter')
    expect(pair.chains.renter.map(({ type }) => type)).toEqual(['accept', 'cancel'])
    pair.both()
    expect(verifyTranscript(pair.file(), suite)).toMatchObject({
      ok: true,
      owed: 0n,
      outcome: { kind: 'expired', by: 'provider', bound: false },
    })
  })

  it('resends ACCEPT at 1 s and 3 s, the same bytes, and starts one job', () => {
    const pair = new Pair().do('renter', ACCEPT)
    const [accept] = pair.chains.renter
    if (accept === undefined) throw new Error('no ACCEPT')
    pair.pass(1_000)
    expect(pair.effects.renter).toContainEqual({ kind: 'resend', seqs: [0] })
    pair.deliver('provider', accept).do('provider', { do: 'confirm', number: 5 })
    pair.nowMs += 300
    pair.kinds('provider')
    pair.deliver('provider', accept)
    expect(pair.kinds('provider')).toEqual(['ignored', 'sync'])
    expect(pair.chains.provider).toHaveLength(1)
  })

  it('stops the job at its first METER when its cap is 0 and its time has a price, and never for its cap when it has none', () => {
    const stops = (wanted: Partial<Terms>): boolean => {
      const pair = running({ ...terms, ...wanted }).pass(1_000)
      pair.kinds('provider')
      return pair
        .do('provider', { do: 'meter', usage: [1_000n] })
        .kinds('provider')
        .includes('job stop')
    }
    expect([stops({ cap: 0n }), stops({ cap: 0n, meters: freeRate(0n).meters }), stops({})]).toEqual([true, false, false])
  })

  it('stops the job after one tick when nobody acknowledged CONFIRM', () => {
    const pair = new Pair()
      .do('renter', ACCEPT)
      .carry('provider')
      .do('provider', { do: 'confirm', number: 5 })
      .do('provider', { do: 'ready' })
    pair.kinds('provider')
    pair.pass(1_000)
    expect(pair.kinds('provider')).toContain('job stop')
    expect(pair.chains.provider.at(-1)?.body).toEqual({ reason: 'unacked' })
  })

  it('cancels instead of paying when METER claims more than the renter saw', () => {
    const pair = running()
      .pass(1_000)
      .do('provider', { do: 'meter', usage: [1_999n] })
      .carry('renter')
    expect(pair.states.renter.phase).toBe('running')
    pair
      .vouch()
      .both()
      .pass(1_000)
      .do('provider', { do: 'meter', usage: [3_999n] })
      .carry('renter')
    expect(pair.chains.renter.at(-1)?.body).toEqual({ reason: 'meter' })
  })

  it('does not bill a gap of more than two ticks without a METER', () => {
    const pair = running().pass(1_000)
    pair.do('provider', { do: 'meter', usage: [1_000n] })
    pair.nowMs += 5_000
    pair.do('provider', { do: 'meter', usage: [6_000n] }).do('provider', { do: 'meter', usage: [6_500n] })
    expect(pair.chains.provider.slice(-2).map(({ body }) => (body as { usage: bigint[] }).usage[0])).toEqual([3_000n, 3_500n])
  })

  it('raises cap and run when an extension is confirmed, and bills by the higher cap', () => {
    const pair = running()
    pair.do('renter', { do: 'extend', cap: 2_000_000n, maxMs: 120_000, funding: null }).carry('provider')
    expect(viewOf(pair.states.provider).extension).toBe('accepted')
    pair.do('provider', { do: 'confirm', number: 5 }).both()
    expect(viewOf(pair.states.renter).terms?.cap).toBe(2_000_000n)
    expect(verifyTranscript(pair.file(), suite).ok).toBe(true)
  })

  it('keeps evidence when the peer signs two messages for one seq', () => {
    const pair = new Pair().do('renter', ACCEPT).carry('provider')
    const twin = new Pair().do('renter', { ...ACCEPT, number: 2 } as Command)
    const [second] = twin.chains.renter
    if (second === undefined) throw new Error('no ACCEPT')
    pair.kinds('provider')
    pair.deliver('provider', second)
    expect(pair.kinds('provider')).toEqual(['evidence', 'ignored'])
  })

  it('ignores a message that its signer could not rightly say', () => {
    const pair = running()
    const fake = new Pair()
    fake.do('renter', ACCEPT)
    const body = { n: 1, usage: [5_000n], owed: 1n }
    const [last] = pair.chains.provider.slice(-1)
    const draft = {
      network,
      audience: who.renter.publicKey,
      thread,
      seq: 2,
      prev: last?.id ?? null,
      ack: null,
      iat: pair.unixS,
      exp: pair.unixS + 1,
      body,
    }
    pair.deliver('renter', seal(CONTRACT_MESSAGES.meter, draft, who.provider.signer, suite) as Message)
    const ignored = pair.effects.renter.find((effect) => effect.kind === 'ignored')
    expect(ignored).toMatchObject({ reason: 'ack' })
  })

  it('is pure: the same state and event give the same, and the state can be cloned', () => {
    const { states } = running()
    const event = { type: 'wake', atMs: 10_000 } as const
    const copy = structuredClone(states.renter)
    expect(step(states.renter, event)).toEqual(step(copy, event))
    expect(copy).toEqual(states.renter)
  })
})

describe('restore()', () => {
  it('signs nothing until SYNC has come, and then what waited', () => {
    const pair = running()
    const { renter, provider } = pair.chains
    const init = pair.states.provider.init
    const { state, effects } = restore(init, { own: provider, peer: renter }, { nowMs: 50, nowS: pair.unixS })
    expect(effects.map(({ kind }) => kind)).toEqual(['capacity', 'sync', 'job', 'ledger', 'wake'])
    const waiting = step(state, { type: 'command', command: { do: 'cancel', reason: 'shutdown' }, atMs: 60 })
    expect(waiting.effects.some(({ kind }) => kind === 'sign')).toBe(false)
    const synced = step(waiting.state, { type: 'sync', mine: renter.length, yours: provider.length, atMs: 70 })
    expect(synced.effects.find(({ kind }) => kind === 'sign')).toMatchObject({ type: 'cancel' })
  })

  it('signs nothing at all while the peer holds more of our chain than we do', () => {
    const pair = running()
    const { renter, provider } = pair.chains
    const { state } = restore(
      pair.states.provider.init,
      { own: provider.slice(0, 1), peer: renter.slice(0, 1) },
      { nowMs: 0, nowS: pair.unixS },
    )
    const synced = step(state, { type: 'sync', mine: 1, yours: 2, atMs: 10 })
    expect(synced.state.synced).toBe(false)
  })

  it('says RESULT for no less than the last METER when the job ended before SYNC gave READY and METERs back', () => {
    const pair = running()
    for (let tick = 1; tick <= 3; tick++) {
      pair
        .pass(1_000)
        .do('provider', { do: 'meter', usage: [BigInt(tick) * 1_000n] })
        .carry('renter')
        .vouch()
        .carry('provider')
    }
    pair.backUp(1, 1)
    pair.do('provider', { do: 'result', exit: EXIT, usage: [3_400n], output: null })
    expect(pair.chains.provider.map(({ type }) => type)).toEqual(['confirm', 'ready', 'meter', 'meter', 'meter'])
    pair.sync()
    expect(pair.states.provider.synced).toBe(true)
    expect(pair.chains.provider.at(-1)).toMatchObject({ type: 'result', body: { usage: [3_000n], owed: 3_000n, exit: EXIT } })
    pair.both().do('renter', { do: 'receipt', reason: null }).both()
    expect(pair.phases()).toEqual(['settled', 'settled'])
    expect(viewOf(pair.states.provider).outcome).toMatchObject({ claimed: 3_000n, owed: 3_000n, signedBy: 'both' })
    expect(verifyTranscript(pair.file(), suite)).toMatchObject({ ok: true, owed: 3_000n })
  })

  it('says a RESULT that every METER allows, however old the copy is that its home came back from', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 1_500 }), { maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 9_000 }),
        (ticks, own, peer, used) => {
          const pair = running()
          for (const usage of ticks) {
            const more = viewOf(pair.states.provider).usage[0] ?? 0n
            pair
              .pass(1_000)
              .do('provider', { do: 'meter', usage: [more + BigInt(usage)] })
              .carry('renter')
            if (usage % 2 === 0) pair.vouch()
            pair.carry('provider')
          }
          const { provider, renter } = pair.chains
          pair.backUp(1 + (own % provider.length), 1 + (peer % renter.length))
          pair.do('provider', { do: 'result', exit: EXIT, usage: [BigInt(used)], output: null }).sync()
          expect(pair.states.provider.synced).toBe(true)
          pair.both()
          expect(pair.chains.provider.filter(({ type }) => type === 'result')).toHaveLength(1)
          expect(verifyTranscript(pair.file(), suite).errors).toEqual([])
        },
      ),
    )
  })

  it('stays where it had ended, whatever comes', () => {
    const pair = new Pair().do('renter', ACCEPT).carry('provider').do('provider', { do: 'confirm', number: 5 })
    const { init } = pair.states.renter
    const { state } = restore(init, { own: pair.chains.renter, peer: [] }, { nowMs: 0, nowS: pair.unixS, ended: true })
    expect(state.phase).toBe('expired')
    const [confirm] = pair.chains.provider
    if (confirm === undefined) throw new Error('no CONFIRM')
    const later = step(state, { type: 'message', message: confirm, atMs: 10, unixS: pair.unixS })
    expect([later.state.phase, viewOf(later.state).outcome.bound]).toEqual(['expired', false])
  })

  it('gives the state of the machine that never stopped', () => {
    const moves: ((pair: Pair) => void)[] = [
      (pair) => pair.carry('provider', 1),
      (pair) => pair.carry('renter', 1),
      (pair) => pair.pass(300),
      (pair) => pair.do('provider', { do: 'confirm', number: 5 }),
      (pair) => pair.do('provider', { do: 'ready' }),
      (pair) => pair.do('provider', { do: 'meter', usage: [BigInt(pair.nowMs)] }),
      (pair) => pair.vouch(),
      (pair) => pair.do('provider', { do: 'result', exit: EXIT, usage: [BigInt(pair.nowMs)], output: null }),
      (pair) => pair.do('renter', { do: 'receipt', reason: null }),
      (pair) => pair.do('renter', { do: 'cancel', reason: 'user' }),
    ]
    fc.assert(
      fc.property(fc.array(fc.nat(moves.length - 1), { maxLength: 30 }), (picks) => {
        const pair = new Pair().do('renter', ACCEPT)
        for (const pick of [0, 3, 1, ...picks]) {
          try {
            moves[pick]?.(pair)
          } catch (error) {
            if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
          }
        }
        for (const role of ['renter', 'provider'] as const) {
          const { state } = restore(
            pair.states[role].init,
            { own: pair.chains[role], peer: pair.chains[other(role)].slice(0, pair.taken[role]) },
            { nowMs: pair.nowMs, nowS: pair.unixS },
          )
          expect(state.mine).toEqual(pair.states[role].mine)
        }
        pair.both()
        const report = verifyTranscript(pair.file(), suite)
        expect(report.errors).toEqual([])
        expect(toHex(pair.file())).toBe(toHex(pair.file()))
      }),
      { numRuns: 40 },
    )
  })
})
