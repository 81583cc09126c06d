// What an address says about its sender: the IP, its subnet, whether it is public, and the relay in front of it.

import { isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'

/** The origin of a connection. */
export interface Origin {
  /** The IP address of the next hop: the peer's own, or the relay's. Undefined when the address has none (a DNS name, memory). */
  readonly ip: string | undefined
  /** The /24 of an IPv4 address, the /48 of an IPv6 one. */
  readonly subnet: string | undefined
  /** False for loopback, private, link-local and unique-local ranges. */
  readonly isPublic: boolean
  /** PeerId of the relay, when there is one. */
  readonly relay: string | undefined
}

/** Reads an address. */
export function originOf(address: Multiaddr): Origin {
  let ip: string | undefined
  let relay: string | undefined
  let lastPeer: string | undefined
  for (const part of address.getComponents()) {
    if ((part.name === 'ip4' || part.name === 'ip6') && ip === undefined) ip = part.value
    if (part.name === 'p2p') lastPeer = part.value
    if (part.name === 'p2p-circuit') relay = lastPeer ?? 'unknown'
  }
  return { ip, subnet: ip === undefined ? undefined : subnetOf(ip), isPublic: ip !== undefined && !isPrivate(address), relay }
}

/** The PeerId that an address ends in. One that ends in `p2p-circuit` names its relay before that, and nobody at its end. */
export function peerOf(address: Multiaddr): string | undefined {
  const last = address.getComponents().at(-1)
  return last?.name === 'p2p' ? last.value : undefined
}

/** `192.0.2.7` is in `192.0.2`; `2001:db8:1:2::1` is in `2001:db8:1`. */
export function subnetOf(ip: string): string {
  if (!ip.includes(':')) return ip.split('.').slice(0, 3).join('.')
  return expandIp6(ip).slice(0, 3).join(':')
}

/** True when `ip` is in the range `base/bits`. */
export function inRange(ip: string, range: string): boolean {
  const [base = '', bits] = range.split('/')
  if (base.includes(':') !== ip.includes(':')) return false
  const a = bitsOf(ip)
  const b = bitsOf(base)
  const length = bits === undefined ? a.length : Number(bits)
  return a.slice(0, length) === b.slice(0, length)
}

/**
 * Which address of a peer to dial first; the lowest. An address in a private network that is not ours leads nowhere, and dialling it takes seconds to find
 * out: it comes after the relay. Loopback fails at once when it is not meant for us.
 */
export function dialRank(address: Multiaddr, ownSubnets: ReadonlySet<string>): number {
  const { ip, subnet, isPublic, relay } = originOf(address)
  if (relay !== undefined) return 2
  if (ip === undefined || isPublic || (subnet !== undefined && ownSubnets.has(subnet))) return 0
  return inRange(ip, '127.0.0.0/8') || ip === '::1' ? 1 : 3
}

/** Loopback, private and link-local ranges, where many peers share an address without sharing an owner. */
export const PRIVATE_RANGES: readonly string[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]

function bitsOf(ip: string): string {
  if (!ip.includes(':'))
    return ip
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  return expandIp6(ip)
    .map((part) => Number.parseInt(part, 16).toString(2).padStart(16, '0'))
    .join('')
}

function expandIp6(ip: string): string[] {
  const [head = '', tail] = (ip.split('%')[0] ?? '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map((part) => (part === '' ? '0' : part))
}
