// Reads what two dead processes left on disk, and says whether both came to the same end.

import { join } from 'node:path'
import { encodeTranscript, isEnd, type Outcome, restore, verifyTranscript, viewOf } from '@haggle/contract'
import { nodeSuite, openKeyFile } from '@haggle/identity/node'
import { CONTRACT_MESSAGES } from '@haggle/contract'
import { type ThreadRecord, threadStore } from '@haggle/negotiate'
import { openLevelStore } from '@haggle/store/level'
import { type Message, type MessageTypes, networkId, open, toHex } from '@haggle/wire'

/** One thread as one side has it. */
export interface KeptThread {
  readonly id: string
  readonly role: 'renter' | 'provider'
  readonly closed: boolean
  readonly phase: string
  readonly outcome: Outcome
  readonly contract: string | null
  readonly own: readonly string[]
  readonly theirs: readonly string[]
  /** What an independent reader finds wrong with the transcript. */
  readonly errors: readonly string[]
}

const suite = nodeSuite()
const TYPES = CONTRACT_MESSAGES as unknown as MessageTypes<unknown>

/** Every thread of a home whose process is gone. */
export async function readHome(home: string, network: string): Promise<readonly KeptThread[]> {
  const { publicKey } = await openKeyFile(join(home, 'key'))
  const store = await openLevelStore(join(home, 'store'))
  try {
    const threads = threadStore(store.sub('market').sub('threads'))
    const kept: KeptThread[] = []
    for await (const record of threads.all()) kept.push(await readThread(threads, record, { self: publicKey, network: networkId(network) }))
    return kept
  } finally {
    await store.close()
  }
}

async function readThread(
  threads: ReturnType<typeof threadStore>,
  record: ThreadRecord,
  { self, network }: { self: Uint8Array; network: Uint8Array },
): Promise<KeptThread> {
  const chains = await threads.chains(record.thread)
  const closed = (await threads.record(record.thread))?.closed ?? false
  const read = (bytes: Uint8Array): Message => open(bytes, TYPES, { network, suite })
  const [own, peer] = [chains.own.map(read), chains.theirs.map(read)]
  const { role } = record
  const now = { nowMs: 0, nowS: Math.floor(Date.now() / 1000), ended: closed }
  const view = viewOf(restore({ role, self, peer: record.peerKey }, { own, peer }, now).state)
  const [renter, provider] = role === 'renter' ? [chains.own, chains.theirs] : [chains.theirs, chains.own]
  const report = verifyTranscript(encodeTranscript({ renter, provider }, suite), suite, { network })
  return {
    id: toHex(record.thread),
    role,
    closed,
    phase: view.phase,
    outcome: view.outcome,
    contract: view.contract === null ? null : toHex(view.contract),
    own: chains.own.map(toHex),
    theirs: chains.theirs.map(toHex),
    errors: report.errors.map(({ at, code }) => `${at}: ${code}`),
  }
}

/** What two sides came to. */
export interface Judgement {
  /** False while a side may still say something: look again later. */
  readonly atRest: boolean
  /** What is wrong; empty when all is well. */
  readonly wrong: readonly string[]
  readonly outcomes: readonly string[]
}

/** Compares what both sides have, and what their ledgers say. */
export function judge(
  sides: Readonly<Record<'renter' | 'provider', { readonly threads: readonly KeptThread[]; readonly ledger: readonly string[] }>>,
): Judgement {
  const wrong: string[] = []
  const outcomes: string[] = []
  const ids = new Set([...sides.renter.threads, ...sides.provider.threads].map(({ id }) => id))
  const all = [...sides.renter.threads, ...sides.provider.threads]
  for (const { id, role, errors } of all) for (const error of errors) wrong.push(`${role} ${id.slice(0, 8)}: transcript ${error}`)
  for (const id of ids) {
    const ours = sides.renter.threads.find((thread) => thread.id === id)
    const theirs = sides.provider.threads.find((thread) => thread.id === id)
    const outcome = ours?.outcome ?? theirs?.outcome
    if (outcome === undefined) continue
    outcomes.push(outcome.kind)
    if (ours === undefined || theirs === undefined) {
      // One side never wrote a word: nothing may be owed for it.
      if (outcome.bound || outcome.owed > 0n) wrong.push(`${id.slice(0, 8)}: one side has never heard of a bound contract`)
      continue
    }
    wrong.push(...compare(ours, theirs), ...ledgers(ours, sides))
  }
  return { atRest: all.every(({ closed, phase }) => closed && isEnd(phase as never)), wrong, outcomes }
}

function compare(ours: KeptThread, theirs: KeptThread): string[] {
  const name = ours.id.slice(0, 8)
  const wrong: string[] = []
  if (text(ours.outcome) !== text(theirs.outcome)) wrong.push(`${name}: outcomes differ: ${text(ours.outcome)} and ${text(theirs.outcome)}`)
  // What one side has heard is what the other has on disk, octet by octet: nothing acknowledged is lost, nothing was signed twice.
  for (const [said, heard] of [[ours.own, theirs.theirs] as const, [theirs.own, ours.theirs] as const]) {
    if (heard.some((bytes, seq) => said[seq] !== bytes)) wrong.push(`${name}: a message that was heard is not what its signer has`)
  }
  return wrong
}

function ledgers({ contract, outcome, id }: KeptThread, sides: Parameters<typeof judge>[0]): string[] {
  if (!outcome.bound || contract === null) return []
  const short = contract.slice(0, 8)
  return (['renter', 'provider'] as const).flatMap((role) => {
    const lines = sides[role].ledger.filter((line) => line.includes(short))
    const has = (kind: string): boolean => lines.some((line) => line.startsWith(kind))
    return has('opened') && has('closed') ? [] : [`${id.slice(0, 8)}: the ${role}'s ledger has only: ${lines.join(', ') || 'nothing'}`]
  })
}

function text(outcome: Outcome): string {
  return JSON.stringify(outcome, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}
