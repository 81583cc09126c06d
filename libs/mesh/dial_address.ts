// Addresses as people type them, checked; and what went wrong when a node could not listen.

import { multiaddr } from '@multiformats/multiaddr'
import { HaggleError } from '@haggle/wire'
import { peerOf } from './addresses.ts'

/** Throws `E_ADDRESS` unless each is a multiaddr that ends in `/p2p/<PeerId>`. */
export function checkAddresses(addresses: readonly string[]): readonly string[] {
  for (const address of addresses) {
    let peer: string | undefined
    try {
      peer = peerOf(multiaddr(address))
    } catch (cause) {
      throw addressError(address, 'it is no multiaddr', cause)
    }
    if (peer === undefined) throw addressError(address, 'it lacks /p2p/ and the PeerId at its end')
  }
  return addresses
}

/** Throws `E_ADDRESS` unless each is a multiaddr; a PeerId at its end is not needed. */
export function checkListen(addresses: readonly string[]): readonly string[] {
  for (const address of addresses) {
    try {
      multiaddr(address)
    } catch (cause) {
      throw addressError(address, 'it is no multiaddr', cause)
    }
  }
  return addresses
}

/** The clear form of what libp2p throws when it can't listen: `E_PORT_TAKEN`, `E_PORT_DENIED`, or `E_LISTEN`. */
export function listenError(error: unknown): unknown {
  if (!(error instanceof Error) || !/listen/i.test(error.name + error.message)) return error
  const address = /(\/(?:ip4|ip6|dns|dns4|dns6)\/[^\s:]+)/.exec(error.message)?.[1] ?? 'the given address'
  const of = (code: string, why: string, next: string): HaggleError =>
    new HaggleError(code, `Cannot listen on ${address}: ${why}`, { cause: error, details: { address }, next })
  if (/EADDRINUSE/.test(error.message)) {
    return of('E_PORT_TAKEN', 'the port is taken', 'Stop the other program, or give another port with --listen (0 takes any free one)')
  }
  if (/EACCES|EPERM/.test(error.message)) return of('E_PORT_DENIED', 'this user may not use the port', 'Take a port above 1023')
  if (/EADDRNOTAVAIL/.test(error.message)) return of('E_LISTEN', 'this machine has no such address', 'Listen on /ip4/0.0.0.0/tcp/<port>')
  return of('E_LISTEN', 'it can not be used', 'Give an address such as /ip4/0.0.0.0/tcp/4101')
}

function addressError(address: string, why: string, cause?: unknown): HaggleError {
  return new HaggleError('E_ADDRESS', `Cannot use the address "${address}": ${why}`, {
    cause,
    details: { address },
    next: 'Give one such as /ip4/192.0.2.1/tcp/4101/p2p/12D3KooW…',
  })
}
