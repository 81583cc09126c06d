// The connection gate: who may connect, from where and how often. Counts live connections itself, so that nothing can drift.

import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { HaggleError } from '@haggle/wire'
import { inRange, originOf } from './addresses.ts'
import type { MeshLimits } from './limits.ts'

/** Options of {@link createGate}. */
export interface GateOptions {
  readonly limits: MeshLimits
  /** True for keys that are safe to verify signatures of (`Suite.screenKey`). */
  readonly screenKey: (publicKey: Uint8Array) => boolean
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  /** Ranges such as `127.0.0.0/8` whose addresses are counted like public ones. Default: none, for many nodes share them. */
  readonly cappedRanges?: readonly string[]
  /** Told of every refusal. */
  readonly onRefused?: (reason: GateReason) => void
}

/** Why a connection was refused. */
export type GateReason = 'ip' | 'subnet' | 'rate' | 'relay' | 'relayed-key' | 'key' | 'key-type' | 'key-screen' | 'banned' | 'closing'

/** The gate of a node. */
export interface Gate {
  /** What libp2p asks. */
  readonly gater: ConnectionGater
  /** Refuses a peer until `banMs` from now. */
  ban(peerId: string): void
  isBanned(peerId: string): boolean
  /** Refuses every new inbound connection, reservation and circuit from now on: the node is about to stop. */
  close(): void
  /** Refusals so far by reason. */
  readonly refused: ReadonlyMap<GateReason, number>
}

/** Makes the gate. */
export function createGate(options: GateOptions): Gate {
  const { limits, nowMs } = options
  const live = new Counter()
  const rates = new Map<string, { tokens: number; at: number }>()
  const bans = new Map<string, number>()
  const refused = new Map<GateReason, number>()
  let isClosing = false

  const refuse = (reason: GateReason): true => {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
    options.onRefused?.(reason)
    return true
  }

  const isBanned = (peerId: string): boolean => {
    const until = bans.get(peerId)
    if (until === undefined) return false
    if (until > nowMs()) return true
    bans.delete(peerId)
    return false
  }

  const screen = (peer: PeerId): boolean => {
    if (isBanned(peer.toString())) return refuse('banned')
    if (peer.type !== 'Ed25519') return refuse('key-type')
    if (!options.screenKey(peer.publicKey.raw)) return refuse('key-screen')
    return false
  }

  const isCapped = (ip: string, isPublic: boolean): boolean => isPublic || (options.cappedRanges ?? []).some((range) => inRange(ip, range))

  const overRate = (ip: string): boolean => {
    const now = nowMs()
    const burst = limits.newPerIpPerSecond * 4
    const bucket = rates.get(ip) ?? { tokens: burst, at: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * limits.newPerIpPerSecond)
    bucket.at = now
    rates.delete(ip)
    rates.set(ip, bucket)
    // Full buckets say nothing; the oldest entries go first, so a scan can't fill memory.
    const oldest = rates.keys().next()
    if (rates.size > 4_096 && oldest.done !== true) rates.delete(oldest.value)
    if (bucket.tokens < 1) return true
    bucket.tokens -= 1
    return false
  }

  const gater: ConnectionGater = {
    // libp2p's browser build refuses private addresses unless told otherwise.
    denyDialMultiaddr: () => false,
    denyDialPeer: (peer) => {
      if (!screen(peer)) return false
      if (peer.type !== 'Ed25519' || options.screenKey(peer.publicKey.raw)) return true
      // libp2p's own words for a denied dial don't tell a mistyped PeerId from a banned peer.
      throw new HaggleError('E_PEER_ID', 'no such key can exist: a letter of the PeerId is wrong', { next: 'copy the PeerId again' })
    },
    denyInboundConnection: (connection) => {
      if (isClosing) return refuse('closing')
      const { ip, subnet, isPublic, relay } = originOf(connection.remoteAddr)
      if (relay !== undefined || ip === undefined || subnet === undefined || !isCapped(ip, isPublic)) return false
      if (overRate(ip)) return refuse('rate')
      if (live.of(`ip ${ip}`) >= limits.maxPerIp) return refuse('ip')
      if (live.of(`net ${subnet}`) >= limits.maxPerSubnet) return refuse('subnet')
      live.hold(connection, `ip ${ip}`, `net ${subnet}`)
      return false
    },
    denyInboundEncryptedConnection: (peer, connection) => {
      if (screen(peer)) return true
      const { relay } = originOf(connection.remoteAddr)
      const key = peer.toString()
      if (relay === undefined) {
        if (live.of(`key ${key}`) >= limits.maxPerKey) return refuse('key')
        live.hold(connection, `key ${key}`)
        return false
      }
      if (live.of(`relay ${relay}`) >= limits.maxPerRelay) return refuse('relay')
      if (live.of(`relayed ${key}`) >= limits.maxPerRelayedKey) return refuse('relayed-key')
      live.hold(connection, `relay ${relay}`, `relayed ${key}`)
      return false
    },
    denyOutboundEncryptedConnection: (peer) => screen(peer),
    denyInboundRelayReservation: (peer) => (isClosing ? refuse('closing') : isBanned(peer.toString())),
    denyOutboundRelayedConnection: () => isClosing && refuse('closing'),
  }

  return {
    gater,
    refused,
    isBanned,
    close: () => {
      isClosing = true
    },
    ban: (peerId) => {
      for (const [peer, until] of bans) if (until <= nowMs()) bans.delete(peer)
      bans.set(peerId, nowMs() + limits.banMs)
    },
  }
}

/** Counts connections by label until they close. */
class Counter {
  readonly #counts: Map<string, number> = new Map()

  of(label: string): number {
    return this.#counts.get(label) ?? 0
  }

  hold(connection: Pick<MultiaddrConnection, 'addEventListener'>, ...labels: readonly string[]): void {
    for (const label of labels) this.#counts.set(label, this.of(label) + 1)
    connection.addEventListener(
      'close',
      () => {
        for (const label of labels) {
          const left = this.of(label) - 1
          if (left <= 0) this.#counts.delete(label)
          else this.#counts.set(label, left)
        }
      },
      { once: true },
    )
  }
}
