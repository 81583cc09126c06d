// The agent's local protocol on its socket: length-prefixed frames, one call a connection, a window per byte channel. spec/agent.md

/** What a frame carries. `json`: one control message; the byte channels carry raw bytes; `credit`: the reader has taken that many bytes; `end`: no more on that channel. */
export const KIND = { json: 0, stdin: 1, stdout: 2, stderr: 3, credit: 4, end: 5 } as const

/** A byte channel of a call. */
export type Channel = typeof KIND.stdin | typeof KIND.stdout | typeof KIND.stderr

/** One frame as read. */
export interface Frame {
  readonly kind: number
  readonly payload: Uint8Array
}

/** Bytes of the head: u32be length of the payload, u8 kind. */
export const HEAD_BYTES = 5
/** Longest payload of a byte channel's frame. */
export const DATA_BYTES: number = 65_536
/** Longest control message. Both ends are the same user on the same machine; the limit only stops nonsense. */
export const JSON_BYTES: number = 16 * 1024 * 1024
/** Bytes of a channel that may be on their way before the reader has taken any. */
export const WINDOW_BYTES: number = 1024 * 1024

/** One frame as bytes. */
export function frame(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length)
  new DataView(bytes.buffer).setUint32(0, payload.length)
  bytes[4] = kind
  bytes.set(payload, HEAD_BYTES)
  return bytes
}

/** A control message as a frame. */
export function jsonFrame(message: unknown): Uint8Array {
  return frame(KIND.json, new TextEncoder().encode(JSON.stringify(message)))
}

/** Says that `bytes` of `channel` were taken. */
export function creditFrame(channel: Channel, bytes: number): Uint8Array {
  const payload = new Uint8Array(5)
  payload[0] = channel
  new DataView(payload.buffer).setUint32(1, bytes)
  return frame(KIND.credit, payload)
}

/** The channel and count of a credit frame. */
export function readCredit(payload: Uint8Array): { channel: number; bytes: number } {
  if (payload.length !== 5) throw new RangeError(`credit frame must have 5 bytes, has ${payload.length}`)
  return { channel: payload[0] ?? 0, bytes: new DataView(payload.buffer, payload.byteOffset).getUint32(1) }
}

/** Cuts a stream of chunks into frames. Throws RangeError for a frame longer than its kind allows or of an unknown kind: the connection is then of no use. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #held = 0
  #wanted = HEAD_BYTES

  /** The frames completed by `chunk`. Payloads may be views on it. */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#wanted) return []
    const bytes = this.#joined()
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const frames: Frame[] = []
    let at = 0
    this.#wanted = HEAD_BYTES
    while (bytes.length - at >= HEAD_BYTES) {
      const length = view.getUint32(at)
      const kind = bytes[at + 4] ?? 255
      if (kind > KIND.end) throw new RangeError(`frame kind must be <= ${KIND.end}, is ${kind}`)
      const most = kind === KIND.json ? JSON_BYTES : kind >= KIND.credit ? 5 : DATA_BYTES
      if (length > most) throw new RangeError(`frame must have <= ${most} bytes, says ${length}`)
      this.#wanted = HEAD_BYTES + length
      if (bytes.length - at < this.#wanted) break
      frames.push({ kind, payload: bytes.subarray(at + HEAD_BYTES, at + this.#wanted) })
      at += this.#wanted
      this.#wanted = HEAD_BYTES
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : []
    this.#held = bytes.length - at
    return frames
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#held
  }

  #joined(): Uint8Array {
    const [only] = this.#chunks
    if (this.#chunks.length === 1 && only !== undefined) return only
    const bytes = new Uint8Array(this.#held)
    let at = 0
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    return bytes
  }
}
