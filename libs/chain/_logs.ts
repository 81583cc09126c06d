// Event logs as a node gives them: checked, and asked for in ranges that it takes.

import { bytes, decodeAs, encodeAs, fields, fromHex, type Limits, list, toHex, uint } from '@haggle/wire'
import type { Address, Hex } from 'viem'
import { bigOf, type Chain, countOf, hashOf, lie, quantity } from './chain.ts'
import { RpcError } from './rpc.ts'

/** An event that a contract emitted. */
export interface ChainLog {
  /** The contract. */
  readonly address: Address
  /** Type of the event, then its indexed values. */
  readonly topics: readonly Hex[]
  /** Its other values. */
  readonly data: Hex
  /** Height of its block. */
  readonly block: number
  /** Hash of its block. */
  readonly blockHash: Hex
  /** Hash of its transaction. */
  readonly transaction: Hex
  /** Its place among the events of its block. */
  readonly index: number
}

/** Which logs are asked for. */
export interface LogFilter {
  readonly addresses: readonly Address[]
  readonly topics?: readonly (Hex | readonly Hex[] | null)[]
}

/** The logs of blocks `from` to `to`, in order. Where a node says that it is too much, the range is halved. */
export async function fetchLogs(
  chain: Chain,
  filter: LogFilter,
  range: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): Promise<ChainLog[]> {
  const { from, to } = range
  const question = {
    address: filter.addresses,
    ...(filter.topics && { topics: filter.topics }),
    fromBlock: quantity(from),
    toBlock: quantity(to),
  }
  try {
    const answer = await chain.rpc.request('eth_getLogs', [question], signal && { signal })
    return parseLogs(answer, filter, range)
  } catch (error) {
    if (!(error instanceof RpcError) || from === to) throw error
    const middle = Math.floor((from + to) / 2)
    const lower = await fetchLogs(chain, filter, { from, to: middle }, signal)
    return [...lower, ...(await fetchLogs(chain, filter, { from: middle + 1, to }, signal))]
  }
}

function parseLogs(answer: unknown, { addresses }: LogFilter, { from, to }: { readonly from: number; readonly to: number }): ChainLog[] {
  if (!Array.isArray(answer)) throw lie('it gives something else for events')
  const wanted = new Set(addresses.map((address) => address.toLowerCase()))
  const logs = answer.map((one: unknown) => parseLog(one as Record<string, unknown>))
  for (const [i, log] of logs.entries()) {
    if (log.block < from || log.block > to || !wanted.has(log.address)) throw lie('it gives events that were not asked for')
    const before = logs[i - 1]
    if (before && (before.block > log.block || (before.block === log.block && before.index >= log.index)))
      throw lie('its events are out of order')
  }
  return logs
}

function parseLog({
  address,
  topics,
  data,
  blockNumber,
  blockHash,
  transactionHash,
  logIndex,
  removed,
}: Record<string, unknown>): ChainLog {
  if (removed === true) throw lie('it gives an event that was removed')
  if (typeof address !== 'string' || !/^0x[0-9a-f]{40}$/i.test(address)) throw lie('it gives something else for an address')
  if (typeof data !== 'string' || !/^0x([0-9a-f]{2})*$/i.test(data)) throw lie('it gives something else for data')
  if (!Array.isArray(topics) || topics.length > 4) throw lie('it gives something else for topics')
  return {
    address: address.toLowerCase() as Address,
    topics: topics.map(hashOf),
    data: data.toLowerCase() as Hex,
    block: countOf(blockNumber),
    blockHash: hashOf(blockHash),
    transaction: hashOf(transactionHash),
    index: Number(bigOf(logIndex)),
  }
}

/** Logs of one block are bounded by its gas: a few thousand small ones. */
const LIMITS: Limits = { maxBytes: 16 * 1024 * 1024, maxDepth: 5, maxItems: 400_000 }
const word = bytes({ length: 32 })
const stored = fields({
  address: bytes({ length: 20 }),
  topics: list(word, { max: 4 }),
  data: bytes({ max: 1024 * 1024 }),
  transaction: word,
  index: uint(),
})
const mark = fields({ hash: word, logs: list(stored, { max: 50_000 }) })

/** A block that was consumed, with what was given of it. */
export interface Mark {
  readonly number: number
  readonly hash: Hex
  readonly logs: readonly ChainLog[]
}

const unhex = (value: Hex): Uint8Array => fromHex(value.slice(2))
const hex = (value: Uint8Array): Hex => `0x${toHex(value)}`

/** Begin of the keys of marks. */
export const MARKS = 'mark!'

/** Key of the mark of block `number`: in order. */
export function markKey(number: number): string {
  return `${MARKS}${number.toString(16).padStart(12, '0')}`
}

/** Bytes of a mark. */
export function encodeMark({ hash, logs }: Mark): Uint8Array {
  const kept = logs.map(({ address, topics, data, transaction, index }) => ({
    address: unhex(address),
    topics: topics.map(unhex),
    data: unhex(data),
    transaction: unhex(transaction),
    index,
  }))
  return encodeAs(mark, { hash: unhex(hash), logs: kept }, LIMITS)
}

/** The mark under `key`. */
export function decodeMark(key: string, value: Uint8Array): Mark {
  const { hash, logs } = decodeAs(mark, value, LIMITS)
  const number = Number.parseInt(key.slice(MARKS.length), 16)
  const blockHash = hex(hash)
  return {
    number,
    hash: blockHash,
    logs: logs.map(({ address, topics, data, transaction, index }) => ({
      address: hex(address),
      topics: topics.map(hex),
      data: hex(data),
      block: number,
      blockHash,
      transaction: hex(transaction),
      index,
    })),
  }
}
