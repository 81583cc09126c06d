// The properties, judged when a run is over and each side has at last got what the other signed.

import { ACCEPT_MS, isEnd, type Machine, type Outcome, type Role, type State, type Terms, type ThreadMessage } from '@haggle/contract'
import { toHex } from '@haggle/wire'
import type { NodeModel } from './node_model.ts'
import type { Record } from './world.ts'

/** What is judged. */
export interface Case {
  readonly nodes: { readonly [R in Role]: NodeModel }
  readonly record: Record
  readonly machine: Machine
  readonly terms: Terms
  readonly keys: { readonly [R in Role]: Uint8Array }
  readonly nowMs: number
  readonly honest: boolean
}

/** Longer than any state lasts in the simulator's terms: whoever started this long ago has ended. */
const LONGEST_MS = 250_000

const ROLES: readonly Role[] = ['renter', 'provider']

function show(outcome: Outcome): string {
  const { kind, by, reason, bound, usage, owed, claimed, signedBy } = outcome
  return [kind, by, reason, bound, usage.join('+'), owed, claimed, signedBy].join(' ')
}

/** The messages of one side that ever left it. */
function chainOf(test: Case, role: Role): ThreadMessage[] {
  const chain: ThreadMessage[] = []
  for (const sent of test.record.sent[role]) {
    const first = sent?.[0]
    if (first === undefined) break
    chain.push(first)
  }
  const { own } = test.nodes[role].disk
  return own.length > chain.length ? own : chain
}

/** Nobody signs two messages for one seq. */
function signOnce({ record }: Case): void {
  for (const role of ROLES) {
    record.sent[role].forEach((sent, seq) => {
      if (sent !== undefined && sent.length > 1)
        record.wrong.push(`${role} signed ${sent.length} messages for seq ${seq}: ${sent.map((m) => m.type).join(', ')}`)
    })
  }
}

/** Whoever holds a contract holds the other's signature on it. */
function undeniable({ nodes, record }: Case): void {
  for (const role of ROLES) {
    const { disk, state } = nodes[role]
    if (state === null || !state.mine.bound) continue
    const confirm = [...disk.own, ...disk.peer].find((message) => message.type === 'confirm')
    const peers = [...disk.peer, ...disk.unsynced, ...disk.waiting]
    if (role === 'renter' && !peers.some((message) => message.type === 'confirm'))
      record.wrong.push('the renter is bound without the CONFIRM')
    if (role === 'provider') {
      const seqs = new Map(disk.own.map((message) => [toHex(message.id), message.seq]))
      const acks = peers.some(
        (message) => confirm !== undefined && message.ack !== null && (seqs.get(toHex(message.ack)) ?? -1) >= confirm.seq,
      )
      if (!acks) record.wrong.push('the provider counts the renter as bound without its acknowledgement')
    }
  }
}

/** CONFIRM must have come before ACCEPT's end; and an end without a bond stays one. */
function inTime({ nodes, record, honest: _ }: Case, final: Outcome): void {
  const { mine } = nodes.renter.state ?? {}
  if (final.bound && mine !== undefined) {
    const accept = mine.accept?.id ?? ''
    const confirm = nodes.renter.disk.peer.concat(nodes.renter.disk.unsynced).find((message) => message.type === 'confirm')
    const sentAt = record.sentAt.get(accept)
    const takenAt = confirm === undefined ? undefined : record.takenAt.get(toHex(confirm.id))
    // A renter whose disk lost the ACCEPT counts from when it got it back.
    const knows = !nodes.renter.rolledBack
    if (knows && sentAt !== undefined && takenAt !== undefined && takenAt - sentAt > ACCEPT_MS + 100)
      record.wrong.push('a CONFIRM that came too late binds the renter')
  }
  const ended = record.ended.renter
  if (ended === null || nodes.renter.rolledBack) return
  if (final.bound && !ended.bound) record.wrong.push('the renter ended unbound, and was bound by what was in flight')
  if (final.owed > ended.owed) record.wrong.push(`the renter ended owing ${ended.owed}, and owes ${final.owed} by what was in flight`)
}

/** What is owed is one ceil over usage, within the cap, and not more than the renter could see for itself. */
function money({ nodes, record, honest }: Case, final: Outcome, terms: Terms & { readonly extended: boolean }): void {
  if (!final.bound) {
    if (final.owed !== 0n) record.wrong.push('something is owed without a contract')
    return
  }
  const meter = terms.meters[0]
  const used = final.usage[0] ?? 0n
  if (final.owed > final.claimed) record.wrong.push('more is owed than was ever claimed')
  if (meter !== undefined) {
    const exact = used * meter.price
    const ceil = exact / meter.per + (exact % meter.per === 0n ? 0n : 1n)
    const most = ceil < terms.cap ? ceil : terms.cap
    // A METER from before an extension was bounded by the lower cap.
    if (terms.extended ? final.owed > most : final.owed !== most) {
      record.wrong.push(`owed ${final.owed} for ${used} ms is not one ceil over usage`)
    }
  }
  const { job } = nodes.provider
  if (job === null) return
  const ran = Math.max(0, Math.min(job.exitAt, job.stoppedAt ?? Infinity) - job.readyAt)
  if (honest && Number(used) > ran + 1) record.wrong.push(`${used} ms are billed of a job that ran ${ran}`)
}

/** Every state has a timeout: whoever is alive has ended, stopped its job, let its capacity go and closed its books. */
function ended({ nodes, record, nowMs }: Case): void {
  for (const role of ROLES) {
    const { state, reserved, disk, job } = nodes[role]
    if (state === null || state.phase === 'idle') continue
    if (!isEnd(state.phase)) {
      if (nowMs - nodes[role].startedAt < LONGEST_MS) continue
      record.wrong.push(`the ${role} hangs in ${state.phase}${state.synced ? '' : ' (not synced)'}`)
      continue
    }
    if (reserved) record.wrong.push(`capacity stays reserved in ${state.phase}`)
    if (role === 'provider' && job !== null && job.stoppedAt === null && job.exitAt > nowMs)
      record.wrong.push('a job runs on after the end')
    if (state.mine.bound && state.outbox.length === 0) {
      const contract = state.mine.accept?.id ?? ''
      if (!disk.ledger.has(`${contract} opened`) || !disk.ledger.has(`${contract} closed`))
        record.wrong.push(`the ${role}'s ledger lacks the contract`)
    }
  }
}

/** Judges a run; returns what became of it. Broken properties are added to the record. */
export function judge(test: Case): string {
  const { nodes, machine, keys, record, terms } = test
  signOnce(test)
  ended(test)
  undeniable(test)
  const chains = { renter: chainOf(test, 'renter'), provider: chainOf(test, 'provider') }
  for (const role of ROLES) {
    const other: Role = role === 'renter' ? 'provider' : 'renter'
    const { state } = nodes[role]
    if (state === null) continue
    // In turn: a message is only taken once what it acknowledges is there.
    for (let before = -1, now: State = state; before !== now.own.next + now.peer.next; now = nodes[role].state ?? now) {
      before = now.own.next + now.peer.next
      nodes[role].learn(chains[role].slice(now.own.next + now.outbox.length))
      nodes[role].learn(chains[other].slice(now.peer.next))
    }
  }
  const restored = ROLES.map((role) => {
    const other: Role = role === 'renter' ? 'provider' : 'renter'
    const read = machine.restore(
      { role, self: keys[role], peer: keys[other] },
      { own: chains[role], peer: chains[other] },
      { nowMs: 0, nowS: 1_900_000_000 },
    )
    return read.state
  })
  const [final, mirrored] = restored.map((state) => machine.viewOf(state).outcome) as [Outcome, Outcome]
  if (show(final) !== show(mirrored)) record.wrong.push(`outcomes differ: renter ${show(final)} / provider ${show(mirrored)}`)
  for (const role of ROLES) {
    const { state } = nodes[role]
    if (state === null || state.outbox.length > 0 || !isEnd(state.phase)) continue
    const live = machine.viewOf(state).outcome
    if (show(live) !== show(final))
      record.wrong.push(`the ${role}'s outcome after SYNC is ${show(live)}, that of all messages ${show(final)}`)
  }
  inTime(test, final)
  money(test, final, { ...terms, ...restored[0]?.mine.inForce?.terms, extended: (restored[0]?.mine.confirms.length ?? 0) > 1 })
  return final.kind
}
