// What a node of the market is made of. Everything comes in from outside, so that the same market runs on libp2p, in memory and in tests.

import type { Identity } from '@haggle/identity'
import type { FileRef, Hashing, JobFiles, JobHost } from '@haggle/job'
import type { Network } from '@haggle/mesh'
import type { OnFault } from '@haggle/negotiate'
import type { Offer } from '@haggle/offer'
import type { PaymentRail, StakeBook } from '@haggle/payment'
import type { Store } from '@haggle/store'
import type { Clock, Random, Suite } from '@haggle/wire'
import type { AccountSigner, Court } from '@haggle/witness'
import type { WatchEvent } from '@haggle/watch'
import type { NodeMemory } from './node_memory.ts'

/** What a rail is opened with: it keeps its books in the node's store. */
export interface RailParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly sha256: Suite['sha256']
}

/** Opens a rail of a node, such as `(parts) => openChannelRail({ channels, ...parts })`. */
export type OpenRail = (parts: RailParts) => Promise<PaymentRail>

/** A node's account at a court. With it a node can sell and buy service levels on one of its rails, and be a witness of others'. */
export interface CourtAccount {
  /** Name of the rail whose token is the court's. */
  readonly rail: string
  readonly court: Court
  /** Signs for the account. */
  readonly signer: AccountSigner
  /** What the account has at stake. */
  readonly stake: StakeBook
  /** True: takes a seat, so that cases of others draw this node as their witness. */
  readonly witness: boolean
}

/** Opens a node's court, after its rails. Rejects while the chain can't be asked: it is tried again. */
export type OpenCourt = () => Promise<CourtAccount>

/** What a machine has, as offers say it. `findHardware` of `@haggle/hardware` fills it. */
export type Machine = Pick<Offer, 'devices' | 'cpu' | 'memMiB' | 'diskMiB' | 'net' | 'os' | 'arch'>

/** A node's parts. */
export interface MarketParts {
  readonly network: Network
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  readonly identity: Identity
  readonly suite: Suite
  readonly clock: Clock
  readonly random: Random
  readonly hashing: Hashing
  readonly store: Store
  readonly memory: NodeMemory
  /** How contracts are paid, the usual way first. The free rail is added where it is missing. */
  readonly rails: readonly PaymentRail[]
  /** The node's court; without it service levels are neither sold nor bought nor witnessed. */
  readonly court?: OpenCourt
  /** Told what the court's business of this node did by itself. */
  readonly onCourt?: (event: WatchEvent) => void
  /** Whoever runs jobs here; without it this node only rents. */
  readonly provider?: {
    readonly host: JobHost
    readonly files: JobFiles
    readonly machine: Machine
    /** MiB that are free now where jobs are kept; left out: the machine's own figure stands. */
    readonly freeDiskMiB?: () => Promise<number>
  }
  /** Local files of a job to run; without it jobs bring their files in memory. */
  readonly collect?: CollectFiles
  /** Writes downloaded files; without it `download` is refused. */
  readonly saveFile?: (folder: string, path: string, content: AsyncIterable<Uint8Array>) => Promise<string>
  /** Told what went wrong beside the answer to any call, such as a ledger that can't be written. The node goes on. */
  readonly onProblem?: (error: unknown) => void
  readonly onFault?: OnFault
}

/** Collects the files of a job. `collectFiles` on Node; in memory elsewhere. */
export type CollectFiles = (sources: {
  readonly entry?: string
  readonly inputs?: string
  readonly files?: Readonly<Record<string, Uint8Array>>
}) => Promise<CollectedFiles>

/** The files that a job is given, ready for its spec, and how to read them again. */
export interface CollectedFiles {
  readonly files: readonly FileRef[]
  readonly inline: readonly { readonly file: number; readonly bytes: Uint8Array }[]
  /** Path of the entry module within the job's folder; null without one. */
  readonly entry: string | null
  read(file: FileRef, offset: number): AsyncIterable<Uint8Array>
}
