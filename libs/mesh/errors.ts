// The errors of the network seam, each built in one place so that codes and sentences stay the same everywhere.

import { HaggleError } from '@haggle/wire'

/** The stream is closed: nothing can be written to it any more. Code `E_STREAM_CLOSED`. */
export function streamClosed(peerId: string, protocol: string, cause?: unknown): HaggleError {
  return new HaggleError('E_STREAM_CLOSED', `Cannot write to ${protocol} with ${peerId}: the stream is closed`, {
    cause,
    details: { peerId, protocol },
    next: 'Open a new stream and SYNC',
  })
}

/** The stream ended with an error on the other side or below. Code `E_STREAM_RESET`. */
export function streamReset(peerId: string, protocol: string, cause?: unknown): HaggleError {
  const why = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
  return new HaggleError('E_STREAM_RESET', `The stream ${protocol} with ${peerId} was dropped${why}`, {
    cause,
    details: { peerId, protocol },
  })
}

/** No address of the peer could be reached. `reasons` has one line per address. Code `E_DIAL`. */
export function dialFailed(peerId: string, reasons: readonly string[], cause?: unknown): HaggleError {
  const why = reasons.length > 0 ? reasons.join('; ') : 'no address is known'
  return new HaggleError('E_DIAL', `Cannot reach ${peerId}: ${why}`, {
    cause,
    details: { peerId, tried: reasons.length },
    next:
      reasons.length > 0
        ? 'Check that the peer is up and that its port is open, or use a relay'
        : 'Give an address with --peer or --bootstrap',
  })
}

/** The peer is there and does not serve the protocol. Code `E_PROTOCOL_UNSUPPORTED`. */
export function protocolUnsupported(peerId: string, protocol: string, cause?: unknown): HaggleError {
  return new HaggleError('E_PROTOCOL_UNSUPPORTED', `${peerId} does not serve ${protocol}`, { cause, details: { peerId, protocol } })
}

/** A protocol can have one handler. Code `E_PROTOCOL_TAKEN`. */
export function protocolTaken(protocol: string): HaggleError {
  return new HaggleError('E_PROTOCOL_TAKEN', `Cannot serve ${protocol}: this node serves it already`, { details: { protocol } })
}

/** The topic is not in this node's allow-list. Code `E_TOPIC_CLOSED`. */
export function topicClosed(topic: string): HaggleError {
  return new HaggleError('E_TOPIC_CLOSED', `Cannot use topic ${topic}: it is not in this node's allow-list`, {
    details: { topic },
    next: 'Name the topic in the `topics` option of createNode',
  })
}

/** The network was stopped. Code `E_NETWORK_STOPPED`. */
export function networkStopped(): HaggleError {
  return new HaggleError('E_NETWORK_STOPPED', 'The network is stopped')
}
