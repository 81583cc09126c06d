// Gossipsub as the market needs it: unsigned (envelopes are signed), ids over the whole message, closed topics, every topic scored.

import { gossipsub } from '@libp2p/gossipsub'
import type { GossipSub, GossipSubComponents, GossipsubOpts } from '@libp2p/gossipsub'
import { concat, utf8 } from '@haggle/wire'
import { inRange, PRIVATE_RANGES } from './addresses.ts'
import type { MeshLimits } from './limits.ts'

/** Options of {@link meshGossip}. */
export interface GossipOptions {
  /** The topics that exist. Messages and subscriptions of any other are dropped before they are stored. */
  readonly topics: readonly string[]
  readonly limits: MeshLimits
  readonly sha256: (data: Uint8Array) => Uint8Array
  /** Ranges whose peers may share an address: loopback and private ranges when not given. */
  readonly sharedRanges?: readonly string[]
  /** True for IP addresses that many peers share right now, such as a relay's. */
  readonly isShared?: (ip: string) => boolean
}

/** Score below which a neighbour's messages are no longer asked for, sent to, and listened to at all. */
export const SCORE_THRESHOLDS = { gossip: -20, publish: -40, graylist: -80 } as const

/** Duplicates travel for seconds, and who reads the topic knows a replay by its seq: remembering longer only costs memory under a flood. */
const SEEN_MS = 30_000

/** One invalid message costs 10, two 40, three 90: an honest node passes on only what it has checked itself. */
const INVALID_WEIGHT = -10

/**
 * The gossipsub service with the market's settings.
 *
 * StrictNoSign: a second signature would be 30 % of a delivery. The id is sha256 of topic and data together, as fast id and as id: gossipsub marks a message as
 * seen before it validates, so with an id that leaves anything out, a broken copy would silence the honest message.
 */
export function meshGossip(options: GossipOptions): (components: GossipSubComponents) => GossipSub {
  const { limits } = options
  const id = (message: { readonly topic?: string; readonly data?: Uint8Array }): Uint8Array =>
    options.sha256(concat(utf8(`${message.topic ?? ''}\0`), message.data ?? new Uint8Array()))
  const weight = 1 / Math.max(1, Math.sqrt(options.topics.length))
  return gossipsub({
    allowedTopics: new Set(options.topics),
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: id,
    fastMsgIdFn: (message) => latin1(id(message)),
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    floodPublish: true,
    fallbackToFloodsub: false,
    doPX: false,
    seenTTL: SEEN_MS,
    runOnLimitedConnection: true,
    maxInboundDataLength: limits.maxGossipBytes * limits.maxGossipMessages,
    maxOutboundBufferSize: 4 * 1024 * 1024,
    maxTopicBytesPerPeer: 128 * 1024,
    decodeRpcLimits: {
      maxSubscriptions: 256,
      maxMessages: limits.maxGossipMessages,
      maxIhaveMessageIDs: 1_000,
      maxIwantMessageIDs: 1_000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 256,
      maxPeerInfos: 0,
    },
    scoreParams: {
      topics: Object.fromEntries(options.topics.map((topic) => [topic, topicScore(weight)])),
      topicScoreCap: 50,
      IPColocationFactorWeight: -5,
      IPColocationFactorThreshold: limits.maxPerIp,
      IPColocationFactorWhitelist: new SharedAddresses(options.sharedRanges ?? PRIVATE_RANGES, options.isShared ?? (() => false)),
      behaviourPenaltyWeight: -1,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.8,
      decayInterval: 1_000,
      retainScore: limits.banMs,
    },
    scoreThresholds: {
      gossipThreshold: SCORE_THRESHOLDS.gossip,
      publishThreshold: SCORE_THRESHOLDS.publish,
      graylistThreshold: SCORE_THRESHOLDS.graylist,
      acceptPXThreshold: Number.MAX_SAFE_INTEGER,
      opportunisticGraftThreshold: 1,
    },
  })
}

type TopicScore = NonNullable<GossipsubOpts['scoreParams']['topics']>[string]

/** Time in the mesh and new messages count for a neighbour, invalid ones against it. Adverts are too few to demand a rate (P3 is off). */
function topicScore(topicWeight: number): TopicScore {
  return {
    topicWeight,
    timeInMeshWeight: 0.01,
    timeInMeshQuantum: 1_000,
    timeInMeshCap: 300,
    firstMessageDeliveriesWeight: 0.5,
    firstMessageDeliveriesDecay: 0.95,
    firstMessageDeliveriesCap: 20,
    meshMessageDeliveriesWeight: 0,
    meshMessageDeliveriesDecay: 0.5,
    meshMessageDeliveriesCap: 100,
    meshMessageDeliveriesThreshold: 20,
    meshMessageDeliveriesWindow: 10,
    meshMessageDeliveriesActivation: 5_000,
    meshFailurePenaltyWeight: 0,
    meshFailurePenaltyDecay: 0.5,
    // 60 s until a tenth is left.
    invalidMessageDeliveriesWeight: INVALID_WEIGHT / topicWeight,
    invalidMessageDeliveriesDecay: 0.96,
  }
}

/** gossipsub asks only `has`. Its own default punishes every neighbour on a shared address (80-93 % delivered on loopback, 100 % without). */
class SharedAddresses extends Set<string> {
  readonly #ranges: readonly string[]
  readonly #isShared: (ip: string) => boolean

  constructor(ranges: readonly string[], isShared: (ip: string) => boolean) {
    super()
    this.#ranges = ranges
    this.#isShared = isShared
  }

  override has(ip: string): boolean {
    return this.#isShared(ip) || this.#ranges.some((range) => inRange(ip, range))
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
