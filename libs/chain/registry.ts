// Heads of logs on an EVM chain: the ChainAnchor seam over the registry, and the proof that somebody signed two histories.

import { bytes as octets, type Clock, decodeAs, encodeAs, equalBytes, fields, text, toHex, uint } from '@haggle/wire'
import type { AnchorClaim, Anchored, AnchorOptions, ChainAnchor, Head } from '@haggle/reputation'
import type { Store } from '@haggle/store'
import { type Address, decodeEventLog, encodeEventTopics, encodeFunctionData, type Hex } from 'viem'
import { peerRegistryAbi } from './abi/mod.ts'
import { hex, unhex } from './_bytes.ts'
import type { Chain, ReadOptions } from './chain.ts'
import { type ChainHead, headDigest } from './eip712.ts'
import { type ChainLog, fetchLogs } from './_logs.ts'
import { submit } from './_outcome.ts'
import type { Mined, TransactionSender } from './sending.ts'
import type { WalletSigner } from './wallet.ts'

/** Where a registry is. */
export interface RegistryPlace {
  readonly chain: Chain
  /** The `PeerRegistry` contract. */
  readonly contract: Address
  /** Block of its deployment: nothing of it is older. Default 0. */
  readonly fromBlock?: number
}

/** What {@link evmRegistry} needs. */
export interface RegistryInit extends RegistryPlace {
  /** Sends for the account that anchors. */
  readonly sender: TransactionSender
  /** Signs heads: the same account. */
  readonly signer: WalletSigner
  /** A store or sub-store of its own: the own newest anchors. */
  readonly store: Store
  readonly clock: Clock
}

/** A head with the session signer's word for it. */
export interface SignedChainHead extends ChainHead {
  /** EIP-712 signature, 65 bytes. */
  readonly sig: Uint8Array
}

/** The registry as one account uses it. */
export interface Registry extends ChainAnchor {
  /** Signs a head so that the chain can judge it. */
  signHead(head: ChainHead): SignedChainHead
  /** Shows the chain two heads of one signer that no one history can have: its stake is gone. Rejects with `E_ANCHOR` when they can. */
  proveEquivocation(a: SignedChainHead, b: SignedChainHead, options?: AnchorOptions): Promise<Mined>
}

const stored = fields({ size: uint(), root: octets({ length: 32 }), block: uint(), transaction: text({ max: 66 }) })

/** Bytes of a root that the registry keeps beside the size; events have all of it. */
const KEPT_ROOT_BYTES = 26

/** The registry for one account. */
export function evmRegistry(init: RegistryInit): Registry {
  const { chain, contract, sender, signer, store } = init
  const account = sender.account
  const domain = { chainId: chain.id, contract: unhex(contract) }
  const send = (data: Hex, key: string, options: AnchorOptions): Promise<Mined> =>
    submit({ ...init, refusal: 'E_ANCHOR' }, { to: contract, data }, { ...options, key })
  const keyOf = (log: number): string => `anchor!${chain.id}!${contract.toLowerCase()}!${toHex(account)}!${log}`

  async function keep(anchored: Anchored): Promise<Anchored> {
    await store.write([{ key: keyOf(anchored.log), value: encodeAs(stored, anchored) }])
    return anchored
  }

  async function latest(log: number, options: AnchorOptions = {}): Promise<Anchored | null> {
    const newest = await newestAnchor(init, { account, log }, options)
    if (newest.size === 0) return null
    const known = await store.get(keyOf(log))
    if (known !== undefined) {
      const kept = { log, ...decodeAs(stored, known) }
      if (kept.size === newest.size && startsWith(kept.root, newest.root)) return kept
    }
    const found = (await anchorsOf(init, { account, log }, options)).findLast(({ size }) => size === newest.size)
    return found === undefined ? null : await keep(found)
  }

  return {
    account,
    latest,
    async anchor({ log, size, root }: Head, options = {}) {
      options.signal?.throwIfAborted()
      const args = [BigInt(log), BigInt(size), hex(root)] as const
      const data = encodeFunctionData({ abi: peerRegistryAbi, functionName: 'anchor', args })
      const mined = await send(data, `anchor:${log}:${size}:${toHex(root.subarray(0, 8))}`, options)
      return await keep({ log, size, root, block: mined.block, transaction: mined.hash })
    },
    check: (claim, options) => checkAnchor(init, claim, options),
    signHead: (head) => ({ ...head, sig: signer.sign(headDigest(domain, head)) }),
    async proveEquivocation(a, b, options = {}) {
      const args = [headArgument(a), hex(a.sig), headArgument(b), hex(b.sig)] as const
      const data = encodeFunctionData({ abi: peerRegistryAbi, functionName: 'proveEquivocation', args })
      return await send(data, `equivocation:${toHex(a.peerKey)}:${a.log}`, options)
    },
  }
}

/** Whether exactly this head was ever anchored by that account, as of enough confirmations. Throws `E_CHAIN_UNREACHABLE` and what the chain throws. */
export async function checkAnchor(place: RegistryPlace, claim: AnchorClaim, options: ReadOptions = {}): Promise<'anchored' | 'absent'> {
  return (await findAnchor(place, claim, options)) === undefined ? 'absent' : 'anchored'
}

/** The anchor that is exactly this, or undefined. */
export async function findAnchor(place: RegistryPlace, claim: AnchorClaim, options: ReadOptions = {}): Promise<Anchored | undefined> {
  const newest = await newestAnchor(place, claim, options)
  // Sizes only grow: the newest decides about all that are larger. The contract keeps the root's beginning, so even the newest is looked up.
  if (claim.size > newest.size) return undefined
  if (claim.size === newest.size && !startsWith(claim.root, newest.root)) return undefined
  const found = await anchorsOf(place, claim, options)
  return found.find(({ size, root }) => size === claim.size && equalBytes(root, claim.root))
}

async function newestAnchor(
  { chain, contract }: RegistryPlace,
  { account, log }: { readonly account: Uint8Array; readonly log: number },
  options: ReadOptions,
): Promise<{ readonly size: number; readonly root: Uint8Array }> {
  const args = [hex(account), BigInt(log)] as const
  const [size, root] = await chain.view({ address: contract, abi: peerRegistryAbi, functionName: 'anchorOf', args }, options)
  return { size: Number(size), root: unhex(root) }
}

/** Every anchor of a log, oldest first. */
async function anchorsOf(
  place: RegistryPlace,
  { account, log }: { readonly account: Uint8Array; readonly log: number },
  options: ReadOptions,
): Promise<Anchored[]> {
  const args = { signer: hex(account), log: BigInt(log) }
  const topics = encodeEventTopics({ abi: peerRegistryAbi, eventName: 'Anchored', args })
  return (await logsOf(place, topics as (Hex | null)[], options)).map((one) => {
    const { args: values } = decodeEventLog({
      abi: peerRegistryAbi,
      eventName: 'Anchored',
      topics: one.topics as [Hex, ...Hex[]],
      data: one.data,
    })
    return { log, size: Number(values.size), root: unhex(values.root), block: one.block, transaction: one.transaction }
  })
}

async function logsOf(
  { chain, contract, fromBlock = 0 }: RegistryPlace,
  topics: (Hex | null)[],
  options: ReadOptions,
): Promise<ChainLog[]> {
  const { number: to } = await chain.confirmed(options)
  return await fetchLogs(chain, { addresses: [contract], topics }, { from: Math.min(fromBlock, to), to }, options.signal)
}

function startsWith(root: Uint8Array, beginning: Uint8Array): boolean {
  return equalBytes(root.subarray(0, KEPT_ROOT_BYTES), beginning)
}

function headArgument({ peerKey, log, size, root, prevSize, prevRoot }: ChainHead) {
  return {
    peerKey: hex(peerKey),
    log: BigInt(log),
    size: BigInt(size),
    root: hex(root),
    prevSize: BigInt(prevSize),
    prevRoot: hex(prevRoot),
  }
}
