// JSON-RPC to a chain's nodes, which hang, refuse, rate-limit, die, or are another chain's: every call ends, and says which it was.

import { type Clock, HaggleError } from '@haggle/wire'

/** One call to a node. */
export interface ChainRpc {
  /**
   * The result of `method`. Tries every node it has, with back-off. Throws `E_CHAIN_UNREACHABLE` when none answers in the end, `E_CHAIN_WRONG` when
   * those that do are on another chain, `E_CHAIN_RPC` for an error that the node gives (its code in `details.code`), and the signal's reason.
   */
  request(method: string, params: readonly unknown[], options?: { readonly signal?: AbortSignal }): Promise<unknown>
}

/** What {@link chainRpc} needs. */
export interface RpcInit {
  /** Addresses of nodes, `http:` or `https:`, in order of preference; at least one. */
  readonly urls: readonly string[]
  /** The chain that they must be on. Asked of each before its first use, and again after it failed. */
  readonly chainId: number
  /** Deadlines and back-off. */
  readonly clock: Clock
  /** Default: the host's. */
  readonly fetch?: typeof fetch
  /** Milliseconds that one attempt may take. Default {@link ATTEMPT_MS}. */
  readonly attemptMs?: number
  /** Attempts over all nodes. Default {@link ATTEMPTS}. */
  readonly attempts?: number
}

/** One attempt: nodes answer in well under a second; one that needs longer than this is of no use. */
export const ATTEMPT_MS = 10_000

/** Attempts before a call fails. What must not fail (a transaction, a follower) calls again for as long as it takes. */
export const ATTEMPTS = 4

/** First wait between attempts; doubles each time. */
const BACK_OFF_MS = 250
/** Longest wait, also when a node asks for more with Retry-After. */
const MAX_BACK_OFF_MS = 30_000
/** Largest answer that is read: logs of a busy range of blocks stay far below. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024
/** JSON-RPC codes of nodes that limit the rate with a 200 (EIP-1474). */
const LIMIT_CODES: ReadonlySet<number> = new Set([-32005, 429])

/** Why an attempt failed, and how long the node asks to wait. */
class AttemptError extends Error {
  readonly waitMs: number | undefined
  readonly wrong: boolean
  constructor(message: string, options: { readonly waitMs?: number; readonly wrong?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.waitMs = options.waitMs
    this.wrong = options.wrong ?? false
  }
}

/** Talks JSON-RPC over HTTP. */
export function chainRpc(init: RpcInit): ChainRpc {
  if (init.urls.length === 0) throw new HaggleError('E_CHAIN_SETTING', 'Cannot reach a chain: no address of a node is set')
  const { clock, attempts = ATTEMPTS } = init
  const nodes = init.urls.map((url) => new Node(url, init))
  let first = 0
  return {
    async request(method, params, { signal } = {}) {
      let failed: AttemptError | undefined
      let wrong: AttemptError | undefined
      for (let attempt = 0; attempt < attempts; attempt++) {
        const at = (first + attempt) % nodes.length
        const node = nodes[at] as Node
        try {
          const result = await node.request(method, params, signal)
          // What answered is asked first from now on.
          first = at
          return result
        } catch (error) {
          if (!(error instanceof AttemptError)) throw error
          if (error.wrong) wrong = error
          else failed = error
          if (attempt + 1 < attempts && (attempt + 1) % nodes.length === 0) {
            const backOff = Math.min(BACK_OFF_MS * 2 ** Math.floor(attempt / nodes.length), MAX_BACK_OFF_MS)
            await pause(clock, Math.max(backOff, Math.min(error.waitMs ?? 0, MAX_BACK_OFF_MS)), signal)
          }
        }
      }
      if (failed === undefined && wrong !== undefined) {
        throw new HaggleError('E_CHAIN_WRONG', `Cannot use the chain: ${wrong.message}`, {
          next: 'set the address of a node of that chain',
        })
      }
      throw new HaggleError('E_CHAIN_UNREACHABLE', `Cannot reach the chain: ${failed?.message ?? 'no answer'}`, {
        cause: failed,
        details: { method },
        next: 'try again later, or set another node',
      })
    },
  }
}

/** One node: knows whether it was found to be on the right chain. */
class Node {
  readonly #url: string
  readonly #init: RpcInit
  #trusted = false
  #id = 0

  constructor(url: string, init: RpcInit) {
    this.#url = url
    this.#init = init
  }

  async request(method: string, params: readonly unknown[], signal: AbortSignal | undefined): Promise<unknown> {
    if (!this.#trusted) {
      const id = await this.#call('eth_chainId', [], signal)
      if (typeof id !== 'string' || Number(id) !== this.#init.chainId) {
        throw new AttemptError(`a node is on chain ${String(id).slice(0, 20)}, not on ${this.#init.chainId}`, { wrong: true })
      }
      this.#trusted = true
    }
    try {
      return await this.#call(method, params, signal)
    } catch (error) {
      // Behind the same address there may be another chain when it comes back.
      if (error instanceof AttemptError) this.#trusted = false
      throw error
    }
  }

  async #call(method: string, params: readonly unknown[], signal: AbortSignal | undefined): Promise<unknown> {
    const { clock, fetch: send = fetch, attemptMs = ATTEMPT_MS } = this.#init
    // Its own: others are asked before this one is answered.
    const id = ++this.#id
    signal?.throwIfAborted()
    const stop = new AbortController()
    const cancel = clock.after(attemptMs, () => stop.abort(new AttemptError(`a node did not answer within ${attemptMs / 1000} s`)))
    const onAbort = (): void => stop.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const response = await send(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        signal: stop.signal,
      })
      if (response.status === 429) throw new AttemptError('a node limits the rate of calls', { waitMs: retryAfterMs(response) })
      const text = await readText(response)
      return resultOf(text, response.status, id)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof AttemptError || error instanceof HaggleError) throw error
      if (stop.signal.aborted) throw stop.signal.reason
      throw new AttemptError('a node could not be reached', { cause: error })
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0)
  void response.body?.cancel().catch(() => undefined)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 1000
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new AttemptError('a node sent too long an answer')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function resultOf(text: string, status: number, id: number): unknown {
  let answer: { id?: unknown; result?: unknown; error?: { code?: unknown; message?: unknown; data?: unknown } }
  try {
    answer = JSON.parse(text) as typeof answer
  } catch (error) {
    throw new AttemptError(`a node answered ${status} and no JSON`, { cause: error })
  }
  if (typeof answer !== 'object' || answer === null) throw new AttemptError(`a node answered ${status} and no JSON-RPC`)
  if (answer.error !== undefined && answer.error !== null) {
    const code = Number(answer.error.code)
    if (LIMIT_CODES.has(code)) throw new AttemptError('a node limits the rate of calls', { waitMs: 1000 })
    throw new RpcError(code, printable(String(answer.error.message)), answer.error.data)
  }
  if (status >= 400 || answer.id !== id || answer.result === undefined) throw new AttemptError(`a node answered ${status} and no result`)
  return answer.result
}

/** An error that a node gave as its answer: code `E_CHAIN_RPC`. */
export class RpcError extends HaggleError {
  /** JSON-RPC code, such as 3 for a revert. */
  readonly rpcCode: number
  /** What the node adds, such as a revert's data. From the network: never printed. */
  readonly data: unknown

  /** `message` must be printable already. */
  constructor(rpcCode: number, message: string, data: unknown) {
    super('E_CHAIN_RPC', `The chain's node answers: ${message}`, { details: { code: rpcCode } })
    this.rpcCode = rpcCode
    this.data = data
  }
}

/** A node's text, short and without control characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
}

/** Waits `ms` under `clock`, or until the signal aborts: then throws its reason. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
