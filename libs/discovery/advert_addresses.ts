// Which of a node's addresses an advert carries first.

/** Public addresses, then relayed ones, then private, then loopback: as many as fit are sent. */
export function orderAddresses(addresses: readonly string[]): string[] {
  return [...addresses].sort((a, b) => rankOf(a) - rankOf(b))
}

function rankOf(address: string): number {
  const ip = /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
  if (address.includes('/p2p-circuit')) return 1
  if (ip === undefined) return 0
  if (ip.startsWith('127.') || ip === '::1') return 3
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(ip)) return 2
  return /^(f[cd]|fe[89ab])/i.test(ip) ? 2 : 0
}
