// Keeps one control stream to each peer and carries frames over it, whichever side opened it (spec/control.md).

import { byteReader } from '@haggle/job'
import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { type Clock, concat, HaggleError, toHex } from '@haggle/wire'
import { type ControlFrame, decodeFrame, encodeFrame, MAX_FRAME_BYTES, NEGOTIATE_PROTOCOL } from './control_frame.ts'
import { countOf, FrameBudget, type FrameRate } from './_frame_budget.ts'

/** Bounds of what one peer may cost. Tests give others, to see that each one holds. */
export interface ControlLimits {
  /** Frames of one peer that are read. Default 2,000 a second and 8,000 at once: 300 contracts a second with everything that belongs to them. */
  readonly rate: FrameRate
  /** Frames of one stream in work at once; it is not read further until one is done. Default 64. */
  readonly maxInWork: number
  /** Control streams with one peer. One is enough; another one replaces one that may be dead: beyond the limit the oldest is dropped. Default 4. */
  readonly maxStreams: number
  /** A stream that takes nothing for this long is dropped, and an opening that takes longer has failed. Default 10,000 ms. */
  readonly sendTimeoutMs: number
  /** Octets that wait for a peer before its stream is dropped. Default 4 MiB. */
  readonly maxWaitingBytes: number
}

/** The {@link ControlLimits} of a node. */
export const CONTROL_LIMITS: ControlLimits = {
  rate: { perSecond: 2_000, burst: 8_000 },
  maxInWork: 64,
  maxStreams: 4,
  sendTimeoutMs: 10_000,
  maxWaitingBytes: 4 * 1024 * 1024,
}

/** What a refused frame counts: whoever sends what can't be used is soon read slowly. */
const REFUSED_COUNT = 16
/** How long a stream whose peer owes frames is left alone at once. Ms. */
const MAX_PAUSE_MS = 1_000
/** Sends that wait for a stream to open. */
const MAX_WAITING = 1_024
/** Peers whose budgets are remembered after they left; full ones are forgotten first. */
const MAX_BUDGETS = 4_096
/** Threads that a stream remembers to have said SYNC about; beyond it, one SYNC more is said. */
const MAX_SAID = 4_096

/** Who is at the other end of a control stream. */
export interface ControlPeer {
  /** `12D3Koo…` */
  readonly peerId: string
  /** The key that the connection proved. */
  readonly key: Uint8Array
}

/** One control stream, as whoever takes its frames sees it. */
export interface ControlSource extends ControlPeer {
  /** True when a SYNC about `thread` was sent on this stream. */
  hasSaid(thread: Uint8Array): boolean
  /** Sends on this very stream. Rejects like {@link ControlLinks.send}. */
  reply(frames: readonly ControlFrame[]): Promise<void>
}

/** What {@link createControlLinks} needs. */
export interface ControlLinksInit {
  /** The network on which streams come and go. */
  readonly network: Network
  /** Time of the limits. */
  readonly clock: Clock
  /** Finds out what a frame is for, one frame of a stream after the other, and gives back the work on it, which goes on side by side. Neither may reject. */
  readonly onFrame: (frame: ControlFrame, source: ControlSource) => Promise<() => Promise<void>>
  /** A stream with that peer is gone, and frames with it perhaps; `left` others are there. */
  readonly onClosed: (peer: ControlPeer, left: number) => void
  /** A peer broke the framing; its stream is gone. */
  readonly onRefused?: (peer: ControlPeer, error: HaggleError) => void
  /** Default {@link CONTROL_LIMITS}. */
  readonly limits?: Partial<ControlLimits>
}

/** The control streams of one node. */
export interface ControlLinks {
  /**
   * Sends frames in one write, opening a stream when there is none. Frames to one peer leave in the order of the calls. Resolves when the stream has
   * taken them.
   *
   * @throws HaggleError `E_DIAL`, `E_PROTOCOL_UNSUPPORTED`, `E_STREAM_CLOSED`, or `E_CONTROL_STALLED` when the peer takes nothing any more.
   */
  send(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void>
  /** Opens the stream ahead of need, so that the first message pays no round trip for it. Rejects like {@link ControlLinks.send}, or with the signal. */
  open(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<void>
  /** True while a stream with that peer is there. */
  isOpen(peerId: string): boolean
  /** Counts what frames of a peer have cost beyond themselves: resent messages, a refusal (`null`). */
  charge(peerId: string, frames: number | null): void
  /** Ends every stream, and takes no more. */
  close(): Promise<void>
}

/** Writes that wait until a stream is there. */
interface Waiting {
  readonly frames: readonly ControlFrame[]
  readonly done: PromiseWithResolvers<void>
}

/** Everything about one peer. */
interface Link {
  /** Newest last: it is written to. */
  readonly streams: OpenStream[]
  opening: Promise<void> | undefined
  waiting: Waiting[]
  waitingBytes: number
}

interface OpenStream {
  readonly stream: ByteStream
  /** Threads, in hex, about which a SYNC was sent here. */
  readonly said: Set<string>
  isGone: boolean
}

/** Serves and keeps control streams until closed. */
export async function createControlLinks(init: ControlLinksInit): Promise<ControlLinks> {
  const links = new Links(init)
  await links.start()
  return links
}

class Links implements ControlLinks {
  readonly #init: ControlLinksInit
  readonly #limits: ControlLimits
  readonly #links = new Map<string, Link>()
  readonly #budgets = new Map<string, FrameBudget>()
  #unhandle: () => Promise<void> = async () => undefined

  constructor(init: ControlLinksInit) {
    this.#init = init
    this.#limits = { ...CONTROL_LIMITS, ...init.limits }
  }

  async start(): Promise<void> {
    const serve = (stream: ByteStream): Promise<void> => this.#read(this.#adopt(stream))
    this.#unhandle = await this.#init.network.handle(NEGOTIATE_PROTOCOL, serve, { maxInboundStreams: 2 * this.#limits.maxStreams })
  }

  send(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void> {
    const link = this.#link(target.peerId)
    const newest = link.streams.at(-1)
    if (newest !== undefined) return this.#write(link, newest, frames)
    if (link.waiting.length >= MAX_WAITING) return Promise.reject(stalledBy(target.peerId))
    const done = Promise.withResolvers<void>()
    link.waiting.push({ frames, done })
    this.#open(link, target).catch(() => undefined)
    return done.promise
  }

  async open(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<void> {
    const link = this.#link(target.peerId)
    if (link.streams.length > 0) return
    await orAborted(this.#open(link, target), options.signal)
  }

  isOpen(peerId: string): boolean {
    return (this.#links.get(peerId)?.streams.length ?? 0) > 0
  }

  charge(peerId: string, frames: number | null): void {
    this.#budget(peerId).spend(frames ?? REFUSED_COUNT, this.#init.clock.monotonicMs())
  }

  async close(): Promise<void> {
    await this.#unhandle()
    const streams = [...this.#links.values()].flatMap((link) => link.streams)
    await Promise.all(streams.map(({ stream }) => stream.close()))
  }

  #link(peerId: string): Link {
    const known = this.#links.get(peerId)
    if (known !== undefined) return known
    const link: Link = { streams: [], opening: undefined, waiting: [], waitingBytes: 0 }
    this.#links.set(peerId, link)
    return link
  }

  #forget(peerId: string, link: Link): void {
    if (link.streams.length === 0 && link.opening === undefined && link.waiting.length === 0) this.#links.delete(peerId)
  }

  /** Opens one stream, whoever asks meanwhile; what waits is sent on it, or on one that the peer opens first. */
  #open(link: Link, target: PeerTarget): Promise<void> {
    link.opening ??= this.#dial(target)
      .then(
        (stream) => void this.#read(this.#adopt(stream)),
        (error: unknown) => {
          for (const { done } of link.waiting.splice(0)) done.reject(error)
          throw error
        },
      )
      .finally(() => {
        link.opening = undefined
        this.#forget(target.peerId, link)
      })
    return link.opening
  }

  async #dial(target: PeerTarget): Promise<ByteStream> {
    const { network, clock } = this.#init
    const timeout = new AbortController()
    const late = new HaggleError('E_CONTROL_STALLED', `${target.peerId} does not answer`, { next: 'ask another provider' })
    const cancel = clock.after(this.#limits.sendTimeoutMs, () => timeout.abort(late))
    // Whoever shows an offer speaks this protocol: a first ACCEPT does not wait for its word.
    const opened = network.open(target, NEGOTIATE_PROTOCOL, { signal: timeout.signal, optimistic: true })
    try {
      return await orAborted(opened, timeout.signal)
    } catch (error) {
      // A stream that opens after all is not wanted any more.
      opened.then(
        (stream) => stream.abort(late),
        () => undefined,
      )
      throw error
    } finally {
      cancel()
    }
  }

  #adopt(stream: ByteStream): OpenStream {
    const peer = { peerId: stream.remotePeerId, key: stream.remoteKey }
    const link = this.#link(peer.peerId)
    const open: OpenStream = { stream, said: new Set(), isGone: false }
    link.streams.push(open)
    void stream.closed.then(() => {
      open.isGone = true
      link.streams.splice(link.streams.indexOf(open), 1)
      this.#forget(peer.peerId, link)
      this.#init.onClosed(peer, link.streams.length)
    })
    const [oldest] = link.streams
    if (link.streams.length > this.#limits.maxStreams) oldest?.stream.abort(new Error('a newer stream takes the place of this one'))
    for (const { frames, done } of link.waiting.splice(0)) this.#write(link, open, frames).then(done.resolve, done.reject)
    return open
  }

  /** Hands frames to a stream at once. A stream that takes nothing for too long, or lets too much pile up, is dropped: what is lost comes again by SYNC. */
  async #write(link: Link, open: OpenStream, frames: readonly ControlFrame[]): Promise<void> {
    const { stream, said } = open
    const { sendTimeoutMs, maxWaitingBytes } = this.#limits
    const bytes = concat(...frames.map(encodeFrame))
    let stalled: HaggleError | undefined
    const drop = (): void => {
      stalled = stalledBy(stream.remotePeerId)
      stream.abort(stalled)
    }
    link.waitingBytes += bytes.length
    const cancel = this.#init.clock.after(sendTimeoutMs, drop)
    try {
      if (link.waitingBytes > maxWaitingBytes) drop()
      for (const frame of frames) {
        if (frame.kind !== 'sync') continue
        if (said.size >= MAX_SAID) said.clear()
        said.add(toHex(frame.thread))
      }
      await stream.send(bytes)
    } catch (error) {
      throw stalled ?? error
    } finally {
      cancel()
      link.waitingBytes -= bytes.length
    }
  }

  async #read(open: OpenStream): Promise<void> {
    const { stream } = open
    const { clock, onFrame, onRefused } = this.#init
    const peer = { peerId: stream.remotePeerId, key: stream.remoteKey }
    const source: ControlSource = {
      ...peer,
      hasSaid: (thread) => open.said.has(toHex(thread)),
      reply: (frames) => this.#write(this.#link(peer.peerId), open, frames),
    }
    const reader = byteReader(stream)
    const inWork = new Set<Promise<void>>()
    try {
      for (;;) {
        const data = await reader.frame(MAX_FRAME_BYTES)
        if (data === null) break
        const frame = decodeFrame(data)
        const budget = this.#budget(peer.peerId)
        budget.spend(countOf(data.length), clock.monotonicMs())
        const work = (await onFrame(frame, source))().finally(() => inWork.delete(work))
        inWork.add(work)
        if (inWork.size >= this.#limits.maxInWork) await Promise.race(inWork)
        await this.#untilAffordable(budget, open)
      }
      await stream.close()
    } catch (error) {
      if (error instanceof HaggleError) onRefused?.(peer, error)
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Waits while the peer owes frames; work that goes on meanwhile may add to what it owes. */
  async #untilAffordable(budget: FrameBudget, open: OpenStream): Promise<void> {
    const { clock } = this.#init
    for (let ms = budget.waitMs(clock.monotonicMs()); ms > 0 && !open.isGone; ms = budget.waitMs(clock.monotonicMs())) {
      // In short parts, for the stream may go meanwhile.
      await new Promise<void>((resolve) => void clock.after(Math.min(ms, MAX_PAUSE_MS), resolve))
    }
  }

  #budget(peerId: string): FrameBudget {
    const known = this.#budgets.get(peerId)
    if (known !== undefined) return known
    const nowMs = this.#init.clock.monotonicMs()
    if (this.#budgets.size >= MAX_BUDGETS) {
      for (const [other, budget] of this.#budgets) if (budget.isFull(nowMs)) this.#budgets.delete(other)
      const oldest = this.#budgets.keys().next()
      if (this.#budgets.size >= MAX_BUDGETS && oldest.done !== true) this.#budgets.delete(oldest.value)
    }
    const budget = new FrameBudget(this.#limits.rate, nowMs)
    this.#budgets.set(peerId, budget)
    return budget
  }
}

function stalledBy(peerId: string): HaggleError {
  return new HaggleError('E_CONTROL_STALLED', `${peerId} takes no frames any more`, { next: 'ask another provider' })
}

/** `work`, unless `signal` is aborted first: then the signal's reason. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
