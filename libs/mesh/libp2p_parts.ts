// What the network takes from libp2p, found in a node or in the components that a service is given, with missing services named.

import { contentRoutingSymbol } from '@libp2p/interface'
import type {
  Connection,
  ContentRouting,
  DialTarget,
  Libp2p,
  Libp2pEvents,
  PeerId,
  StreamHandler,
  StreamHandlerOptions,
  TypedEventTarget,
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { HaggleError } from '@haggle/wire'

/** The part of gossipsub that the network uses. */
interface PubSubPart {
  readonly globalSignaturePolicy: string
  readonly topicValidators: Map<string, (from: PeerId, message: { readonly data: Uint8Array }) => 'accept' | 'ignore' | 'reject'>
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  publish(
    topic: string,
    data: Uint8Array,
    options: { allowPublishToZeroTopicPeers: boolean; ignoreDuplicatePublishError: boolean },
  ): Promise<{ readonly recipients: readonly PeerId[] }>
}

/** The components that a libp2p service factory is given. Its other services are found among them when the network is made: in `start()`, not before. */
export interface Libp2pComponents {
  readonly peerId: PeerId
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly contentRouting: ContentRouting
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** A libp2p node, or the components inside it. */
export type Libp2pSource = Libp2p | Libp2pComponents

/** What {@link libp2pParts} found. */
export interface Libp2pParts {
  readonly peerId: PeerId
  readonly contentRouting: ContentRouting
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly pubsub: PubSubPart
  addresses(): Multiaddr[]
  connections(peerId?: PeerId): Connection[]
  dial(
    target: DialTarget,
    options: { signal?: AbortSignal; onProgress?: (event: { type: string; detail?: unknown }) => void },
  ): Promise<Connection>
  hangUp(peerId: PeerId): Promise<void>
  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions): Promise<void>
  unhandle(protocol: string): Promise<void>
}

/** Finds the parts. Services are looked for by what they can do, so their names do not matter. Throws `E_SERVICE_MISSING` or `E_SERVICE_SETTING`. */
export function libp2pParts(source: Libp2pSource): Libp2pParts {
  const pubsub = checkServices(servicesOf(source))
  if ('dialProtocol' in source) {
    return {
      peerId: source.peerId,
      contentRouting: source.contentRouting,
      events: source,
      pubsub,
      addresses: () => source.getMultiaddrs(),
      connections: (peerId) => source.getConnections(peerId),
      dial: (target, options) => source.dial(target, options),
      hangUp: (peerId) => source.hangUp(peerId),
      handle: (protocol, handler, options) => source.handle(protocol, handler, options),
      unhandle: (protocol) => source.unhandle(protocol),
    }
  }
  return {
    peerId: source.peerId,
    contentRouting: source.contentRouting,
    events: source.events,
    pubsub,
    addresses: () => source.addressManager.getAddresses(),
    connections: (peerId) => source.connectionManager.getConnections(peerId),
    dial: (target, options) => source.connectionManager.openConnection(target, options),
    hangUp: (peerId) => source.connectionManager.closeConnections(peerId),
    handle: (protocol, handler, options) => source.registrar.handle(protocol, handler, options),
    unhandle: (protocol) => source.registrar.unhandle(protocol),
  }
}

/** A node lists its services; the components that a service gets are a proxy whose own `components` lists them. */
function servicesOf(source: Libp2pSource): readonly unknown[] {
  if ('dialProtocol' in source) return Object.values(source.services)
  const listed: unknown = Reflect.get(source, 'components')
  return Object.values(typeof listed === 'object' && listed !== null ? listed : source)
}

/** Identify needs no look: libp2p itself refuses to start gossipsub and kad-dht without it. */
function checkServices(services: readonly unknown[]): PubSubPart {
  const pubsub =
    services.find(isPubSub) ??
    missing('gossipsub', "pubsub: gossipsub({ globalSignaturePolicy: 'StrictNoSign', allowPublishToZeroTopicPeers: true })")
  if (pubsub.globalSignaturePolicy !== 'StrictNoSign') {
    throw new HaggleError(
      'E_SERVICE_SETTING',
      "The node's gossipsub must use globalSignaturePolicy StrictNoSign: the market signs its messages itself",
      {
        details: { service: 'gossipsub', setting: 'globalSignaturePolicy' },
        next: "gossipsub({ globalSignaturePolicy: 'StrictNoSign' }), or meshServices() of @haggle/mesh/node",
      },
    )
  }
  if (!services.some((service) => has(service, contentRoutingSymbol))) missing('kad-dht', 'dht: kadDHT({ initialQuerySelfInterval: 20 })')
  return pubsub
}

function isPubSub(service: unknown): service is PubSubPart {
  return typeof service === 'object' && service !== null && 'topicValidators' in service && 'publish' in service
}

function has(service: unknown, key: symbol): boolean {
  return typeof service === 'object' && service !== null && Reflect.get(service, key) !== undefined
}

function missing(service: string, line: string): never {
  throw new HaggleError('E_SERVICE_MISSING', `The libp2p node lacks the ${service} service`, {
    details: { service },
    next: `Add to createLibp2p({ services }): ${line}; meshServices() of @haggle/mesh/node gives all that the market needs`,
  })
}
