// What an address means for a person: who can dial it.

/** Who can use an address: anybody, whoever reaches the relay, the local network, or this machine. */
export type Scope = 'public' | 'relay' | 'lan' | 'loopback'

const ORDER: readonly Scope[] = ['public', 'relay', 'lan', 'loopback']

/** Who can dial an address. */
export function scopeOf(address: string): Scope {
  if (address.includes('/p2p-circuit')) return 'relay'
  const [, protocol, host = ''] = address.split('/')
  if (protocol === 'ip4') {
    if (host.startsWith('127.')) return 'loopback'
    return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|0\.)/.test(host)
      ? 'lan'
      : 'public'
  }
  if (protocol === 'ip6') {
    if (host === '::1') return 'loopback'
    return /^(f[cd]|fe[89ab])/i.test(host) ? 'lan' : 'public'
  }
  return host === 'localhost' ? 'loopback' : 'public'
}

/** The address to give to somebody else: the widest scope first, TCP before the rest. Undefined when there is none. */
export function bestAddress(addresses: readonly string[]): string | undefined {
  const rank = (address: string): number => ORDER.indexOf(scopeOf(address)) * 2 + (/\/tcp\/\d+(\/p2p\/|$)/.test(address) ? 0 : 1)
  return [...addresses].sort((a, b) => rank(a) - rank(b))[0]
}

/** True when there are addresses, and nothing but this machine can dial any of them. */
export function isLocal(addresses: readonly string[]): boolean {
  return addresses.length > 0 && addresses.every((address) => scopeOf(address) === 'loopback')
}

/** The relay's PeerId in an address through one. */
export function relayOf(address: string): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1]
}

/** How a node with these addresses is reached, in one line. */
export function reachText(addresses: readonly string[], short: (peerId: string) => string): string {
  const best = bestAddress(addresses)
  if (best === undefined) return 'not reachable from outside: no listening address and no relay; give --bootstrap ADDR'
  switch (scopeOf(best)) {
    case 'public':
      return `direct where its port is open: ${best}`
    case 'relay':
      return `no open port: reached via relay ${short(relayOf(best) ?? '')}; to be direct, open a TCP port and give --listen /ip4/0.0.0.0/tcp/PORT`
    case 'lan':
      return 'on the local network; from outside only with an open TCP port or a relay (--bootstrap ADDR)'
    case 'loopback':
      return 'from this machine only; give --listen /ip4/0.0.0.0/tcp/4001 or --bootstrap ADDR'
  }
}
