// Names that both sides must derive alike: gossip topics, DHT keys, protocol ids (spec/advert.md, spec/dht.md).

import { concat, networkTag, utf8 } from '@haggle/wire'
import type { Suite } from '@haggle/wire'
import { CLASSES } from '@haggle/offer'
import type { ClassKey, ClassName } from '@haggle/offer'

/** Asks a node for a sample of its book. */
export const SNAPSHOT_PROTOCOL = '/haggle/snapshot/1'
/** Asks a provider for its full offer. */
export const OFFER_PROTOCOL = '/haggle/offer/1'

/** The gossip topic of a class: `haggle/<first 8 bytes of the network id in hex>/advert/1/<class>`. */
export function advertTopic(networkId: Uint8Array, className: ClassName): string {
  return `haggle/${networkTag(networkId)}/advert/1/${className}`
}

/** All advert topics of a network: what `createNode({ topics })` of `@haggle/mesh/node` wants. */
export function advertTopics(networkId: Uint8Array): string[] {
  return CLASSES.map(({ name }) => advertTopic(networkId, name))
}

/** sha256("haggle-dht/1\0" ‖ network ‖ kind ‖ "\0" ‖ value): under this key a provider is found in the DHT. 32 bytes. */
export function dhtKey(networkId: Uint8Array, key: ClassKey, suite: Pick<Suite, 'sha256'>): Uint8Array {
  return suite.sha256(concat(utf8('haggle-dht/1\0'), networkId, utf8(`${key.kind}\0${key.value}`)))
}
