// What the network takes from libp2p, found in a node or in the components that a service is given, with missing services named.

import type {
  Connection, ContentRouting, DialTarget, Libp2p, Libp2pEvents, PeerId, StreamHandler, StreamHandlerOptions, TypedEventTarget,
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { HaggleError } from '@haggle/wire'

/** The part of gossipsub that the network uses. */
export interface PubSubPart {
  readonly topicValidators: Map<string, (from: PeerId, message: { readonly data: Uint8Array }) => 'accept' | 'ignore' | 'reject'>
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  publish(
    topic: string, data: Uint8Array, options: { allowPublishToZeroTopicPeers: boolean; ignoreDuplicatePublishError: boolean },
  ): Promise<{ readonly recipients: readonly PeerId[] }>
}

/** The components that a libp2p service factory is given, with gossipsub under the name `pubsub`. */
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
  dial(target: DialTarget, options: { signal?: AbortSignal; onProgress?: (event: { type: string; detail?: unknown }) => void }): Promise<Connection>
  hangUp(peerId: PeerId): Promise<void>
  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions): Promise<void>
  unhandle(protocol: string): Promise<void>
}

/** Finds the parts. Gossipsub is looked for among the services by what it can do, so its name does not matter on a node. */
export function libp2pParts(source: Libp2pSource): Libp2pParts {
  if ('dialProtocol' in source) {
    return {
      peerId: source.peerId,
      contentRouting: source.contentRouting,
      events: source,
      pubsub: Object.values(source.services).find(isPubSub) ?? missing('gossipsub', "pubsub: gossipsub({ globalSignaturePolicy: 'StrictNoSign' })"),
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
    pubsub: componentPubSub(source),
    addresses: () => source.addressManager.getAddresses(),
    connections: (peerId) => source.connectionManager.getConnections(peerId),
    dial: (target, options) => source.connectionManager.openConnection(target, options),
    hangUp: (peerId) => source.connectionManager.closeConnections(peerId),
    handle: (protocol, handler, options) => source.registrar.handle(protocol, handler, options),
    unhandle: (protocol) => source.registrar.unhandle(protocol),
  }
}

/** libp2p's components throw when asked for one that is not there, and can't be listed: gossipsub has to be called `pubsub`. */
function componentPubSub(components: Libp2pComponents): PubSubPart {
  try {
    const found: unknown = Reflect.get(components, 'pubsub')
    if (isPubSub(found)) return found
  } catch {
    // Not there: named below.
  }
  return missing('gossipsub', "pubsub: gossipsub({ globalSignaturePolicy: 'StrictNoSign' })")
}

function isPubSub(service: unknown): service is PubSubPart {
  return (
    typeof service === 'object' && service !== null && 'topicValidators' in service && 'publish' in service && typeof service.publish === 'function'
  )
}

function missing(service: string, line: string): never {
  throw new HaggleError('E_SERVICE_MISSING', `The libp2p node lacks the ${service} service`, {
    details: { service },
    next: `Add to createLibp2p({ services }): ${line}`,
  })
}
