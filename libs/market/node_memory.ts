// A node's memory opened and among others: what the market writes into it, how peers stand, and what its owner may ask of it.

import { peerIdOf, publicKeyOf } from '@haggle/identity'
import { fetchAnchor, type LogEvent, type LogService, startLog } from '@haggle/log'
import type { Network } from '@haggle/mesh'
import { type Aggregator, type Facts, type Journal, type Memory, openMemory } from '@haggle/reputation'
import type { Store } from '@haggle/store'
import { type Clock, decodeAs, encodeAs, fromHex, HaggleError, type Random, type Signer, type Suite, toHex, uint } from '@haggle/wire'
import { explanationOf } from './explanation.ts'
import { type LedgerLine, type LedgerPort, ledgerPort, type WaitingLedgerPort } from './ledger_port.ts'
import type { AnchorFile, MarketMemory, MemoryStatus, PeerRole, ProofFile } from './memory_types.ts'
import { proveContract } from './prove_contract.ts'
import { targetOfText } from './target.ts'
import { STRANGER, type Trust, trustOf } from './trust.ts'
import { leftOut, voidOf } from './left_out.ts'
import { openWaiting, type WaitingEntries } from './waiting_entries.ts'

/** The memory of a node, as the market uses it. */
export interface NodeMemory extends MarketMemory, LedgerPort {
  /** How peers stand, in their order. Never rejects: who can't be looked up counts as a stranger. */
  trust(keys: readonly Uint8Array[], role: PeerRole): Promise<readonly Trust[]>
  /**
   * The least that a new contract may have: the number behind the highest that the ledger knows. While entries are missing, as many more, since each of them
   * may have opened a contract; what turns out to have been left out in vain is void once they are back.
   */
  readonly nextNumber: number
  /** Shows a connected peer who vouches for this node, once: before it is asked for anything that it may give to trusted peers only. */
  introduce(peerId: string): Promise<void>
  /** Signs the last head, ends the service and closes the ledger. The store stays open. */
  close(): Promise<void>
}

/** What {@link openNodeMemory} needs. */
export interface NodeMemoryInit {
  readonly network: Network
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  /** A store or sub-store of the memory's own. */
  readonly store: Store
  /** Opens the journal of log `log`: `ledgerJournals(home)` of `@haggle/reputation/node`. */
  readonly journal: (log: number) => Promise<Journal>
  readonly signer: Signer
  readonly suite: Suite
  readonly clock: Clock
  readonly random: Random
  /** True when the store had to be repaired. */
  readonly suspect?: boolean
  /** Told what happens to the log: a state that changes, a cosignature, evidence, entries fetched back. */
  readonly onEvent?: (event: LogEvent) => void
  /** Told what went wrong beside the answer to any call. */
  readonly onProblem?: (error: unknown) => void
}

/** Stands for a contract whose terms make its entries public. */
const PUBLIC = Uint8Array.of(1)

/** Entries from the end of the ledger that are read for the highest number: contracts overlap, but by less. */
const NUMBERS_READ = 512

/** Entries written in one append. */
const VOIDS_AT_ONCE = 1_024

const MS_PER_S = 1000

/** Receipts in an explanation unless told otherwise. */
const RECEIPTS = 20

/** Opens a node's memory and its log among others. Throws what `openMemory` throws. */
export async function openNodeMemory(init: NodeMemoryInit): Promise<NodeMemory> {
  const { store, networkId, network, clock, onEvent } = init
  const memory = await openMemory({ ...init, network: networkId, store: store.sub('memory') })
  const open = store.sub('public')
  const longest = store.sub('longest')
  const { onProblem = () => undefined } = init
  let opened: OpenNodeMemory | undefined
  try {
    const log = await startLog({
      network,
      networkId,
      memory,
      store: store.sub('log'),
      signer: init.signer,
      suite: init.suite,
      clock,
      longestOf: async (contract) => {
        const known = await longest.get(toHex(contract))
        return known && decodeAs(uint(), known)
      },
      isPublic: async ({ entry }) => entry.contract !== null && (await open.get(toHex(entry.contract))) !== undefined,
      onEvent: (event) => {
        onEvent?.(event)
        if (event.kind === 'fetched') void opened?.fetched().catch(onProblem)
        // What could not be appended to a log that lacked its end can be, now.
        if (event.kind === 'state') void opened?.flush().catch(onProblem)
      },
    })
    opened = new OpenNodeMemory(init, { memory, log, open, longest, waiting: await openWaiting(store.sub('waiting')) })
    await opened.countNumbers()
    await opened.flush()
    return opened
  } catch (error) {
    await memory.close()
    throw error
  }
}

/** What is open once a memory is. */
interface OpenParts {
  readonly memory: Memory
  readonly log: LogService
  /** Contracts whose terms make their entries public. */
  readonly open: Store
  /** Seconds that contracts may last, by their terms. */
  readonly longest: Store
  readonly waiting: WaitingEntries
}

class OpenNodeMemory implements NodeMemory {
  readonly #init: NodeMemoryInit
  readonly #memory: Memory
  readonly #log: LogService
  readonly #public: Store
  readonly #longest: Store
  readonly #waiting: WaitingEntries
  readonly #port: WaitingLedgerPort
  #closed: Promise<void> | undefined
  #nextNumber = 0
  /** What {@link nextNumber} was when the ledger was last read for it. */
  #counted = 0

  constructor(init: NodeMemoryInit, parts: OpenParts) {
    const { memory, log, open, longest, waiting } = parts
    this.#init = init
    this.#memory = memory
    this.#log = log
    this.#public = open
    this.#longest = longest
    this.#waiting = waiting
    this.#port = ledgerPort(() => memory.ledger, { ...init, waiting })
  }

  get nextNumber(): number {
    return Math.max(this.#nextNumber, this.#counted + this.#log.status().missing)
  }

  /** Reads the newest numbers of the ledger: what was fetched back may be newer than this home. */
  async countNumbers(): Promise<void> {
    const { ledger } = this.#memory
    for (let index = Math.max(0, ledger.size - NUMBERS_READ); index < ledger.size; index++) {
      const entry = await ledger.get(index).then(
        (stored) => stored.entry,
        // One that is lost tells no number, and is told of elsewhere.
        () => undefined,
      )
      if (entry !== undefined && entry.kind !== 'succeeds') this.#noteNumber(entry.number)
    }
    for await (const { number } of this.#waiting.list()) this.#noteNumber(number)
    this.#counted = this.#nextNumber
  }

  /** Entries are back: numbers go on behind theirs, and those that were left out meanwhile are void. */
  async fetched(): Promise<void> {
    const { ledger, heads } = this.#memory
    // What stands behind the head that was fetched was written here since.
    const from = heads.status().signedSize
    await this.flush()
    await this.countNumbers()
    const voids = (await leftOut(ledger.entries(), from)).map((number) => voidOf(number, Math.floor(this.#init.clock.now() / MS_PER_S)))
    for (let at = 0; at < voids.length; at += VOIDS_AT_ONCE) await ledger.append(voids.slice(at, at + VOIDS_AT_ONCE))
  }

  /** Appends what waits for the ledger. */
  flush(): Promise<void> {
    return this.#port.flush()
  }

  #noteNumber(number: number | null): void {
    if (number !== null) this.#nextNumber = Math.max(this.#nextNumber, number + 1)
  }

  async append(line: LedgerLine): Promise<void> {
    this.#noteNumber(line.number)
    if (line.isPublic) await this.#public.write([{ key: toHex(line.contract), value: PUBLIC }])
    if (line.longestS !== null) await this.#longest.write([{ key: toHex(line.contract), value: encodeAs(uint(), line.longestS) }])
    await this.#port.append(line)
    // Whoever this contract is with can be asked for my last head now, and may be gone when one is to be signed.
    if (this.#log.status().state === 'unconfirmed') void this.#log.confirm().catch(this.#init.onProblem ?? (() => undefined))
  }

  list(options: { readonly limit: number }): ReturnType<LedgerPort['list']> {
    return this.#port.list(options)
  }

  async trust(keys: readonly Uint8Array[], role: PeerRole): Promise<readonly Trust[]> {
    try {
      return (await this.#memory.scores.standings(keys, role satisfies Facts['role'])).map(trustOf)
    } catch (error) {
      // A memory that can't be read is no reason not to deal: it is a reason to tell the owner.
      this.#init.onProblem?.(error)
      return keys.map(() => STRANGER)
    }
  }

  introduce(peerId: string): Promise<void> {
    return this.#log.present(peerId)
  }

  async status(): Promise<MemoryStatus> {
    const { state: ledger, healed } = this.#memory.ledger.status()
    let convicted = 0
    for await (const _ of this.#memory.book.convicts()) convicted++
    return { ...this.#log.status(), ledger, healed, convicted, waiting: this.#port.waiting }
  }

  async explain(peerId: string, { receipts = RECEIPTS }: { readonly receipts?: number } = {}): ReturnType<MarketMemory['explain']> {
    return await explanationOf(this.#memory, publicKeyOf(peerId), { receipts, suite: this.#init.suite })
  }

  async prove(contract: string): Promise<ProofFile> {
    return await proveContract(this.#memory, this.#log, { contract: fromHex(contract, 32), suite: this.#init.suite })
  }

  async importProof(file: Uint8Array): ReturnType<MarketMemory['importProof']> {
    const { kind, proof } = await this.#log.importProof(file)
    const { peer, contract } = proof.entry
    if (peer === null || contract === null) throw new HaggleError('E_PROOF_USELESS', 'The proof is about no contract with anybody')
    return { kind, owner: peerIdOf(proof.owner), about: peerIdOf(peer), contract: toHex(contract) }
  }

  async evidence(peerId: string): Promise<Uint8Array | null> {
    return (await this.#memory.book.convicted(publicKeyOf(peerId))) ?? null
  }

  async checkpoint(): ReturnType<MarketMemory['checkpoint']> {
    if (this.#log.status().state === 'unconfirmed') await this.#log.confirm()
    const { head, cosigned, failed } = await this.#log.checkpoint()
    const { log, size, root } = head.body
    return { log, size, root, cosigned, failed }
  }

  aggregate(on: Parameters<MarketMemory['aggregate']>[0]): Promise<Aggregator> {
    return this.#log.aggregate(on)
  }

  async anchorFile(from: string, options: { readonly signal?: AbortSignal } = {}): Promise<AnchorFile> {
    const { state, size, signedSize } = this.#log.status()
    if (state === 'ok' && size > signedSize) await this.#log.checkpoint()
    const target = targetOfText(from) ?? { peerId: from }
    const { file, proof } = await fetchAnchor({ ...this.#init, memory: this.#memory }, target, options)
    const { log, size: covered } = proof.head.body
    return { file, log, size: covered, chain: proof.chain, account: proof.account }
  }

  fetchLost(): Promise<number> {
    return this.#log.fetchLost()
  }

  check(options: Parameters<MarketMemory['check']>[0] = {}): ReturnType<MarketMemory['check']> {
    return this.#memory.ledger.check(options)
  }

  async succeed(): Promise<void> {
    // What counterparties know is the last word on whether the log can be gone on with.
    await this.#log.confirm()
    await this.#memory.succeed()
    this.#memory.scores.reread()
    await this.flush()
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#log.stop()
      await this.#memory.close()
    })()
    return this.#closed
  }
}
