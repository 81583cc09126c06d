// The DHT for provider records only: values are refused, and what strangers may store is bounded per peer, per key and in all.

import { kadDHT } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { PeerInfo } from '@libp2p/interface'
import type { MeshLimits } from './limits.ts'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['get']>[0]

/** Options of {@link meshDht}. */
export interface DhtOptions {
  /** libp2p protocol id; nodes of another network speak another one. */
  readonly protocol: string
  /** A client asks and stores nothing for others. */
  readonly client: boolean
  readonly limits: MeshLimits
  /** Told when a record is refused. */
  readonly onRefused?: (reason: DhtReason) => void
}

/** Why a record was not stored. */
export type DhtReason = 'value' | 'keys-per-peer' | 'peers-per-key' | 'bytes'

/** `/dht/provider/<key>/<peer>`: the only records there are. */
const PROVIDER_KEY = /^\/dht\/provider\/([^/]+)\/([^/]+)$/
/** Index entry, map slots and key text of one record, measured as a generous round figure. */
const RECORD_OVERHEAD_BYTES = 256

/** The kad-dht service with the market's settings. */
export function meshDht(options: DhtOptions): (components: KadDHTComponents) => KadDHT {
  const refuse = async (): Promise<void> => {
    options.onRefused?.('value')
    throw new Error('this network stores no values')
  }
  return (components) => {
    const own = components.peerId.toString()
    const datastore = boundedProviders({ ...options, own })
    // kad-dht keeps provider records in the node's datastore, among everything else: it gets a bounded one of its own.
    const bounded = new Proxy(components, {
      get: (target, property): unknown => (property === 'datastore' ? datastore : Reflect.get(target, property)),
    })
    return kadDHT({
      protocol: options.protocol,
      clientMode: options.client,
      // A cold joiner would wait a second for its first query otherwise.
      initialQuerySelfInterval: 20,
      // Records under a namespace are refused here; kad-dht itself refuses those without one.
      validators: { pk: refuse },
      peerInfoMapper: (peer: PeerInfo) => ({ ...peer, multiaddrs: peer.multiaddrs.slice(0, options.limits.addressesPerPeer) }),
      maxInboundStreams: 32,
    })(bounded)
  }
}

/** A datastore in memory that takes provider records up to the limits and nothing else. `own` is this node's PeerId: its records are not counted. */
export function boundedProviders(options: { limits: MeshLimits; own: string; onRefused?: (reason: DhtReason) => void }): Datastore {
  const { limits, own } = options
  const records = new Map<string, Map<string, { key: Key; value: Uint8Array }>>()
  const keysOf = new Map<string, number>()
  let bytes = 0

  const refuse = (reason: DhtReason): never => {
    options.onRefused?.(reason)
    throw new Error(`record refused: ${reason}`)
  }
  const parse = (key: Key): { cid: string; peer: string } | undefined => {
    const match = PROVIDER_KEY.exec(key.toString())
    return match?.[1] === undefined || match[2] === undefined ? undefined : { cid: match[1], peer: match[2] }
  }
  const sizeOf = (key: Key, value: Uint8Array): number => key.toString().length + value.byteLength + RECORD_OVERHEAD_BYTES
  const find = (key: Key): { key: Key; value: Uint8Array } | undefined => {
    const at = parse(key)
    return at === undefined ? undefined : records.get(at.cid)?.get(at.peer)
  }

  const put = async (key: Key, value: Uint8Array): Promise<Key> => {
    const at = parse(key)
    if (at === undefined) return refuse('value')
    const peers = records.get(at.cid)
    const old = peers?.get(at.peer)
    if (old === undefined && at.peer !== own) {
      if ((keysOf.get(at.peer) ?? 0) >= limits.dhtKeysPerPeer) refuse('keys-per-peer')
      if ((peers?.size ?? 0) >= limits.dhtPeersPerKey) refuse('peers-per-key')
      if (bytes + sizeOf(key, value) > limits.dhtBytes) refuse('bytes')
    }
    if (old === undefined) {
      keysOf.set(at.peer, (keysOf.get(at.peer) ?? 0) + 1)
      bytes += sizeOf(key, value)
    } else {
      bytes += value.byteLength - old.value.byteLength
    }
    const into = peers ?? new Map<string, { key: Key; value: Uint8Array }>()
    into.set(at.peer, { key, value })
    records.set(at.cid, into)
    return key
  }
  const remove = async (key: Key): Promise<void> => {
    const at = parse(key)
    const peers = at === undefined ? undefined : records.get(at.cid)
    const old = at === undefined ? undefined : peers?.get(at.peer)
    if (at === undefined || peers === undefined || old === undefined) return
    peers.delete(at.peer)
    if (peers.size === 0) records.delete(at.cid)
    const left = (keysOf.get(at.peer) ?? 1) - 1
    if (left === 0) keysOf.delete(at.peer)
    else keysOf.set(at.peer, left)
    bytes -= sizeOf(key, old.value)
  }
  const get = async (key: Key): Promise<Uint8Array> => {
    const found = find(key)
    if (found === undefined) throw Object.assign(new Error('Not Found'), { name: 'NotFoundError' })
    return found.value
  }
  async function* query(q: { prefix?: string }): AsyncGenerator<{ key: Key; value: Uint8Array }> {
    // One key's providers, which is what a request asks, without a walk over all records.
    const one = /^\/dht\/provider\/([^/]+)\/?$/.exec(q.prefix ?? '')?.[1]
    const groups = one === undefined ? [...records.values()] : [records.get(one) ?? new Map<string, { key: Key; value: Uint8Array }>()]
    for (const group of groups) {
      for (const record of [...group.values()]) if (record.key.toString().startsWith(q.prefix ?? '')) yield record
    }
  }
  return {
    put,
    get,
    query,
    delete: remove,
    has: async (key: Key) => find(key) !== undefined,
    async *putMany(source: AsyncIterable<{ key: Key; value: Uint8Array }> | Iterable<{ key: Key; value: Uint8Array }>) {
      for await (const { key, value } of source) yield await put(key, value)
    },
    async *getMany(source: AsyncIterable<Key> | Iterable<Key>) {
      for await (const key of source) yield { key, value: await get(key) }
    },
    async *deleteMany(source: AsyncIterable<Key> | Iterable<Key>) {
      for await (const key of source) {
        await remove(key)
        yield key
      }
    },
    async *queryKeys(q: { prefix?: string }) {
      for await (const { key } of query(q)) yield key
    },
    batch: () => {
      const todo: (() => Promise<unknown>)[] = []
      return {
        put: (key: Key, value: Uint8Array) => void todo.push(() => put(key, value)),
        delete: (key: Key) => void todo.push(() => remove(key)),
        commit: async () => {
          for (const write of todo.splice(0)) await write()
        },
      }
    },
  } as Datastore
}
