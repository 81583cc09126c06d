// The facade's own words: what a renter asks for and gets, what a provider offers and sees.

import type { ExitStatus } from '@haggle/job'
import type { Path } from '@haggle/mesh'
import type { PaymentRail } from '@haggle/payment'
import type { WatchService } from '@haggle/watch'
import type { MarketMemory } from './memory_types.ts'

/** Money as a person writes it: a decimal string in the rail's unit, such as "0.05". Never a float. */
export type Amount = string

/** What to run and what may be paid for it. */
export interface RunRequest {
  /** Constraint expression over offers, such as `gpu.vram>=24GiB price.hour<=0.40`. Default: everything fits. */
  readonly where?: string
  /** Deno job: a local path of the entry module. Give exactly one of `deno` and `command`. */
  readonly deno?: string
  /** Exec job: the command line. */
  readonly command?: readonly string[]
  /** Arguments of the deno module. */
  readonly args?: readonly string[]
  /** How it is paid: `free`, or a rail of this node by its name or by what its money is called. Default: the node's first rail. */
  readonly rail?: string
  /** Most the job may cost in all, in the rail's money. Becomes the cap of the terms. */
  readonly budget?: Amount
  /** Most per hour, in the rail's money. */
  readonly maxPrice?: Amount
  /** Wall limit of the job in ms. Default 10 minutes. */
  readonly timeoutMs?: number
  /** Local folder copied into the job's folder. */
  readonly inputs?: string
  /** More files of the job, in memory: relative path -> content. */
  readonly files?: Readonly<Record<string, Uint8Array>>
  /** Globs of the result files to keep for `job.download`. Default: every file in the job's `out/` folder. */
  readonly outputs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** True: `job.stdin` will be written. Default false. */
  readonly stdin?: boolean
  /** Providers to try in all when one is lost. Default 1: no failover. */
  readonly attempts?: number
  /** Only these providers (PeerIds). */
  readonly providers?: readonly string[]
  /** Never these providers. */
  readonly exclude?: readonly string[]
  readonly cpuMilli?: number
  readonly memMiB?: number
  readonly diskMiB?: number
  readonly outMiB?: number
  /** How long the job lives without its renter, ms. Default 60,000. */
  readonly idleMs?: number
  /** True: buys the service level that an offer sells: witnesses watch the provider, and it loses stake for what it misses. On a rail with a court only. */
  readonly sla?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RunProgress) => void
}

/** Steps of a run, in order, for whoever shows them. */
export type RunProgress =
  | { readonly step: 'searching'; readonly seen: number }
  | { readonly step: 'matched'; readonly fits: number; readonly seen: number }
  | { readonly step: 'asking'; readonly provider: string }
  | { readonly step: 'refused'; readonly provider: string; readonly reason: string }
  | { readonly step: 'signed'; readonly provider: string; readonly contract: string; readonly cap: Amount; readonly pricePerHour: Amount }
  | { readonly step: 'upload'; readonly sentBytes: number; readonly totalBytes: number }
  | { readonly step: 'started'; readonly provider: string }
  | { readonly step: 'metered'; readonly usedMs: number; readonly owed: Amount }
  | { readonly step: 'lost'; readonly provider: string; readonly reason: string }
  | { readonly step: 'ended'; readonly exit: ExitStatus }

/** The price of an hour on one rail. */
export interface RailPrice {
  /** As terms name it. */
  readonly rail: string
  readonly unit: string
  readonly pricePerHour: Amount
  /** Where it is paid: `0x` and 40 hex digits; null for credits. */
  readonly account: string | null
}

/** One row of what the market has, as shown to a person. */
export interface OfferRow {
  readonly provider: string
  /** Hex of the offer's envelope id. */
  readonly digest: string
  /** `probed`: it answered just now. `heard`: only its advert is known. */
  readonly seen: 'probed' | 'heard'
  readonly ageMs: number
  readonly devices: string
  readonly isolation: readonly string[]
  readonly runners: readonly string[]
  readonly region: string | null
  readonly freeSlots: number
  readonly slots: number
  /** On the rail that was asked for; on the offer's first one when it lacks that. `?`: no price by time. */
  readonly pricePerHour: Amount
  /** What the money of `pricePerHour` is called: `credits` are not money. */
  readonly unit: string
  /** The price of an hour on every rail of the offer. */
  readonly prices: readonly RailPrice[]
  /** This node's score of the provider, 0 to 1: 0.05 for a stranger, 0 when evidence convicts it. */
  readonly trust: number
  /** Contracts settled with it. */
  readonly jobs: number
  readonly path: Path | null
  readonly rttMs: number | null
}

/** What matched, and why the rest did not. */
export interface OfferView {
  readonly rows: readonly OfferRow[]
  readonly seen: number
  /** Per failed constraint, most failures first. */
  readonly failures: readonly {
    readonly constraint: string
    readonly count: number
    readonly nearest: string | null
    readonly relax: string | null
    readonly gains: number
  }[]
  readonly unknown: readonly { readonly property: string; readonly count: number }[]
}

/** One provider's answer to a request for a quote. */
export interface QuoteRow {
  readonly provider: string
  /** Null when it quoted; else the reason of its refusal, or `unreachable`. */
  readonly refused: string | null
  /** The same in words: "is busy (capacity)". */
  readonly refusal: string | null
  readonly pricePerHour: Amount | null
  readonly cap: Amount | null
  /** Hex hash of the quoted terms. */
  readonly termsHash: string | null
  readonly isolation: string | null
}

/** What a run would do, without doing it. */
export interface QuoteView extends OfferView {
  /** What the best providers answered to a request for a quote, signed by them, best first. */
  readonly quotes: readonly QuoteRow[]
  /** The best offer whose provider quoted it; null when nothing fits, or all who were asked refused. */
  readonly best: OfferRow | null
  /** Most that the run could cost, and its unit. */
  readonly cap: Amount
  readonly pricePerHour: Amount
  readonly unit: string
  /** As terms name it. */
  readonly rail: string
}

/** How a contract ended, both-signed where it says so. */
export interface ReceiptView {
  readonly contract: string
  readonly provider: string
  readonly renter: string
  readonly termsHash: string
  readonly usedMs: number
  readonly owed: Amount
  readonly unit: string
  /** As the terms name it: `free`, or `evm:…`. */
  readonly rail: string
  /** `both`: two signatures; otherwise whose word it is. */
  readonly signedBy: 'both' | 'renter' | 'provider'
  /** Outcome as in the contract's state machine, such as `settled`. */
  readonly outcome: string
}

/** How a job was, when it is over. */
export interface JobEnd {
  readonly exit: ExitStatus
  /** The exit code to pass on: the job's own, or haggle's. */
  readonly exitCode: number
  readonly usedMs: number
  readonly owed: Amount
  readonly receipt: ReceiptView | null
}

/** A job that runs on someone else's machine. */
export interface Job {
  /** Contract id, 64 hex digits. Changes when the job fails over. */
  readonly contract: string
  readonly provider: string
  readonly path: Path
  readonly device: string
  readonly isolation: string
  readonly termsHash: string
  readonly pricePerHour: Amount
  readonly cap: Amount
  readonly unit: string
  /** As the terms name it. */
  readonly rail: string
  /** Case of the service level that was bought, 64 hex digits: `haggle court` shows it. Null: none was. */
  readonly sla: string | null
  /** Ms from `run()` to the first output byte; null until then. */
  readonly firstOutputMs: number | null
  /** Raw output. Each may be iterated once. */
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  /** stdout as UTF-8 lines. */
  lines(): AsyncIterable<string>
  /** Writes to the job's stdin (the request said `stdin: true`). */
  write(chunk: Uint8Array | string): Promise<void>
  closeStdin(): Promise<void>
  /** Result files that exist now. */
  listFiles(): Promise<readonly { readonly path: string; readonly size: number; readonly sha256: string }[]>
  /** One result file, checked against its hash. */
  readFile(path: string): Promise<Uint8Array>
  /** Fetches every result into a local folder; resolves with the paths written. */
  download(folder: string, options?: { onProgress?: (doneBytes: number, totalBytes: number) => void }): Promise<readonly string[]>
  /** Ends the job and closes the contract. What was used is owed. */
  cancel(): Promise<void>
  /** Leaves the job running; the agent goes on paying up to the cap. */
  detach(): Promise<void>
  /**
   * Resolves when the job is over, with the receipt as it stands: a countersignature is waited for 5 s, and not longer, though it may still come for as long
   * as the contract's own deadlines allow. The transcript and the ledger have what came later.
   */
  readonly done: Promise<JobEnd>
  /** The transcript file of the contract, as `haggle verify` reads it. */
  transcript(): Promise<Uint8Array>
}

/** What an owner decides. Devices are found, not given. */
export interface ProvideRequest {
  /** Price per hour of one slot, in the money of `rail`. */
  readonly price: Amount
  /** How to be paid: `free`, or a rail of this node by its name or by what its money is called. Default: the node's first rail. */
  readonly rail?: string
  /** More ways to be paid, each with its own price per hour. A renter picks one. */
  readonly also?: readonly { readonly rail: string; readonly price: Amount }[]
  /** Jobs at a time. Default: one per GPU, or 1. */
  readonly slots?: number
  readonly region?: string
  readonly runners?: readonly string[]
  readonly for?: 'anyone' | 'friends'
  /** PeerIds that are friends. */
  readonly allow?: readonly string[]
  /** Longest job, ms. Default 600,000 for strangers. */
  readonly maxJobMs?: number
  /** Constraint expression over renters. */
  readonly accept?: string
  /** Sell `deno` without bubblewrap to anyone. Default false: only to friends. */
  readonly acceptWeakIsolation?: boolean
  /**
   * A service level for renters who ask for it: `price` is what a missed slot counts for, `fee` what opening and closing a case costs them, both in the
   * money of the rail whose court this node has. A slot has 60 s, a missed one costs `factor` (10) times its price, `rule` is the court's (1).
   */
  readonly sla?: { readonly price: Amount; readonly fee: Amount; readonly slotS?: number; readonly factor?: number; readonly rule?: 1 | 2 }
  /** Jobs that are over and whose output and results stay for their renters, each for 24 hours at most, and less while the disk is short. Default 256. */
  readonly keepJobs?: number
}

/** Refusals by reason, counted since start. */
export type RefusalCounts = Readonly<Record<string, number>>

/** A provider that is running. */
export interface Providing {
  readonly offer: OfferRow
  status(): ProviderStatus
  /** Changes the price; a fresh offer goes out at once. */
  reprice(price: Amount): Promise<void>
  /** Leaves politely: no new jobs, running ones end as they would. */
  stop(options?: { drain?: boolean }): Promise<void>
}

/** What a provider's page shows. */
export interface ProviderStatus {
  readonly running: readonly JobSummary[]
  readonly requests: number
  readonly accepted: number
  readonly refusals: RefusalCounts
  /** On the first rail of the offer; `money` has all of them. */
  readonly earned: Amount
  /** Used and not yet vouched for, on the first rail of the offer. */
  readonly exposure: Amount
  readonly unit: string
  /** Every rail of this node. */
  readonly money: readonly MoneyRow[]
  readonly devices: string
  readonly runners: readonly { readonly runner: string; readonly isolation: string }[]
  /** MiB of the disk that jobs may have now; 0: nothing is taken before there is more. Null where nobody can say. */
  readonly roomMiB: number | null
}

/** What stands on one rail of a node now. */
export interface MoneyRow {
  /** As terms name it. */
  readonly rail: string
  readonly unit: string
  /** False for credits: every print says so. */
  readonly isMoney: boolean
  /** As provider: what contracts that ended in this process came to. */
  readonly earned: Amount
  /** As provider: used and not yet vouched for. */
  readonly unpaid: Amount
  /** As provider: vouched for, due and not yet claimed. */
  readonly claimable: Amount
  /** As renter: promised in channels and not yet claimed. */
  readonly promised: Amount
}

/** How a node's court is. */
export interface CourtStatus {
  /** The rail whose token is the court's; null before it was opened. */
  readonly rail: string | null
  /** `opening`: its chain can't be asked yet, and is asked again. `watching`: its cases are minded. */
  readonly state: 'opening' | 'watching'
  /** True when cases of others may draw this node as their witness. */
  readonly seat: boolean
  /** Cases that are not closed, by this node's part in them. */
  readonly provides: number
  readonly rents: number
  readonly witnesses: number
  /** What went wrong last; null: nothing, or it is over. Jobs go on. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

/** A node's court, and the service that minds its cases. */
export interface CourtView {
  readonly status: CourtStatus
  /** Null until the court was opened. */
  readonly watch: WatchService | null
}

/** One line of `ps`. */
export interface JobSummary {
  readonly contract: string
  readonly role: 'renter' | 'provider'
  readonly peer: string
  /** Phase of the contract's state machine. */
  readonly phase: string
  readonly command: string
  readonly startedAt: number | null
  readonly usedMs: number
  readonly owed: Amount
  readonly unit: string
  readonly exit: ExitStatus | null
  /** Case of the service level that was bought with it, 64 hex digits; null: none was. */
  readonly sla: string | null
}

/** A node of the market. */
export interface Market extends AsyncDisposable {
  readonly peerId: string
  /** What this node remembers: its log, whom it trusts, proofs. */
  readonly memory: MarketMemory
  /** Addresses others can dial. */
  addresses(): string[]
  offers(request?: { where?: string; rail?: string; signal?: AbortSignal; waitMs?: number; probe?: boolean }): Promise<OfferView>
  quote(request: RunRequest): Promise<QuoteView>
  run(request: RunRequest): Promise<Job>
  /** A job of this node (or, with a grant, of another renter), with all its output from the first byte. */
  attach(contract: string, options?: { signal?: AbortSignal }): Promise<Job>
  jobs(): Promise<readonly JobSummary[]>
  provide(request: ProvideRequest): Promise<Providing>
  /** What stands open on each rail of this node, the free one included. */
  money(): readonly MoneyRow[]
  /**
   * Pays and is paid on one more rail from now on: one that could not be opened when the node joined, because its chain was away. The node closes it.
   *
   * @throws HaggleError `E_RAIL_TWICE` when the node has one of that name.
   */
  addRail(rail: PaymentRail): void
  /** This node's court; null: it has none. */
  court(): CourtView | null
  ping(target: string, options?: { signal?: AbortSignal }): Promise<{ peerId: string; rttMs: number; path: Path }>
  /** The node's ledger: newest entries first. */
  ledger(options?: {
    limit?: number
  }): Promise<
    readonly { readonly index: number; readonly kind: string; readonly at: number; readonly peer: string; readonly summary: string }[]
  >
  close(): Promise<void>
}
