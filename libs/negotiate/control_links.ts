// Keeps one control stream to each peer and carries frames over it, whichever side opened it.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { byteReader } from '@haggle/job'
import { concat, type HaggleError } from '@haggle/wire'
import { type ControlFrame, decodeFrame, encodeFrame, MAX_FRAME_BYTES, NEGOTIATE_PROTOCOL } from './control_frame.ts'

/** Frames of one peer that may be in work at once; the stream is not read further until one is done. */
const MAX_FRAMES_IN_WORK = 64
/** Control streams that one peer may hold open: one each way, and one that replaces a dead one. */
const MAX_STREAMS_PER_PEER = 4

/** Who is at the other end of a control stream. */
export interface ControlPeer {
  readonly peerId: string
  /** The key that the connection proved. */
  readonly key: Uint8Array
}

/** What {@link createControlLinks} needs. */
export interface ControlLinksInit {
  readonly network: Network
  /** Takes one frame. Frames of a stream are given in their order, without waiting for each other. Must not reject. */
  readonly onFrame: (frame: ControlFrame, peer: ControlPeer) => Promise<void>
  /** The last stream with that peer is gone. */
  readonly onClosed: (peer: ControlPeer) => void
  /** A peer broke the framing; its stream is gone. */
  readonly onRefused?: (peer: ControlPeer, error: HaggleError) => void
}

/** The control streams of one node. */
export interface ControlLinks {
  /**
   * Sends frames in one write, opening a stream when there is none.
   *
   * @throws HaggleError `E_DIAL`, `E_PROTOCOL_UNSUPPORTED` or `E_STREAM_CLOSED`.
   */
  send(target: PeerTarget, frames: readonly ControlFrame[], options?: { signal?: AbortSignal }): Promise<void>
  /** Opens the stream ahead of need, so that the first message pays no round trip for it. */
  open(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<void>
  isOpen(peerId: string): boolean
  close(): Promise<void>
}

/** Serves and keeps control streams until closed. */
export async function createControlLinks(init: ControlLinksInit): Promise<ControlLinks> {
  const streams = new Map<string, ByteStream[]>()
  const opening = new Map<string, Promise<ByteStream>>()

  function adopt(stream: ByteStream): void {
    const peer = { peerId: stream.remotePeerId, key: stream.remoteKey }
    streams.set(peer.peerId, [...(streams.get(peer.peerId) ?? []), stream])
    void stream.closed.then(() => {
      const left = (streams.get(peer.peerId) ?? []).filter((other) => other !== stream)
      if (left.length > 0) return void streams.set(peer.peerId, left)
      streams.delete(peer.peerId)
      init.onClosed(peer)
    })
  }

  async function read(stream: ByteStream): Promise<void> {
    const peer = { peerId: stream.remotePeerId, key: stream.remoteKey }
    const reader = byteReader(stream)
    const inWork = new Set<Promise<void>>()
    try {
      for (;;) {
        const data = await reader.frame(MAX_FRAME_BYTES)
        if (data === null) break
        const work = init.onFrame(decodeFrame(data), peer).finally(() => inWork.delete(work))
        inWork.add(work)
        if (inWork.size >= MAX_FRAMES_IN_WORK) await Promise.race(inWork)
      }
      await stream.close()
    } catch (error) {
      if (error instanceof Error && 'code' in error) init.onRefused?.(peer, error as HaggleError)
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  function current(peerId: string): ByteStream | undefined {
    return streams.get(peerId)?.at(-1)
  }

  function openStream(target: PeerTarget, signal: AbortSignal | undefined): Promise<ByteStream> {
    const pending = opening.get(target.peerId)
    if (pending !== undefined) return pending
    const started = init.network.open(target, NEGOTIATE_PROTOCOL, signal === undefined ? {} : { signal }).then((stream) => {
      adopt(stream)
      void read(stream)
      return stream
    })
    opening.set(target.peerId, started)
    const forget = (): void => void opening.delete(target.peerId)
    started.then(forget, forget)
    return started
  }

  const unhandle = await init.network.handle(
    NEGOTIATE_PROTOCOL,
    (stream) => {
      adopt(stream)
      return read(stream)
    },
    { maxInboundStreams: MAX_STREAMS_PER_PEER },
  )

  return {
    async send(target, frames, options = {}) {
      const stream = current(target.peerId) ?? (await openStream(target, options.signal))
      await stream.send(concat(...frames.map(encodeFrame)))
    },
    async open(target, options = {}) {
      if (current(target.peerId) === undefined) await openStream(target, options.signal)
    },
    isOpen: (peerId) => streams.has(peerId),
    async close() {
      await unhandle()
      await Promise.all([...streams.values()].flat().map((stream) => stream.close()))
    },
  }
}
