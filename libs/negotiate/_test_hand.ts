// A peer played by hand: it opens control streams, seals whatever a test wants and sees every frame that comes back.

import { type Bodies, CONTRACT_MESSAGES, type ContractMessageName, encodeTerms, LIFETIME_S, type Terms, termsHash } from '@haggle/contract'
import { createIdentity, type Identity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { byteReader } from '@haggle/job'
import type { ByteStream, MemoryNode } from '@haggle/mesh'
import { concat, type Draft, type Message, type MessageType, open, seal, type Signer } from '@haggle/wire'
import { type ControlFrame, decodeFrame, encodeFrame, MAX_FRAME_BYTES, NEGOTIATE_PROTOCOL } from './control_frame.ts'
import { NETWORK, type Side, termsOf, type World } from './_test_sides.ts'

const suite = nodeSuite()

/** What a hand may change about the next message that it seals. */
export type Change = Partial<Omit<Draft<unknown>, 'body'>> & { readonly signer?: Signer }

export class Hand {
  readonly identity: Identity
  readonly node: MemoryNode
  readonly heard: ControlFrame[] = []
  readonly own: Message[] = []
  thread: Uint8Array = new Uint8Array(16).fill(0xaa)
  readonly #world: World
  readonly #to: Side
  #stream: ByteStream | undefined

  /** Joins the network of `world` under its own key, to talk to `to`. */
  constructor(world: World, to: Side, seed = 1) {
    this.#world = world
    this.#to = to
    this.identity = createIdentity(new Uint8Array(32).fill(seed), nodeEd25519())
    this.node = world.network.join(this.identity)
  }

  /** Sends frames on its stream, opening one when there is none. */
  async say(...frames: readonly ControlFrame[]): Promise<void> {
    this.#stream ??= await this.#open()
    await this.#stream.send(concat(...frames.map(encodeFrame)))
    await this.#world.settle()
  }

  /** Ends its stream as a lost connection does. */
  async lose(): Promise<void> {
    this.#stream?.abort(new Error('the connection was lost'))
    this.#stream = undefined
    await this.#world.settle()
  }

  /** The envelopes that came, opened. */
  messages(): Message[] {
    return this.heard.flatMap((frame) =>
      frame.kind === 'envelope' ? [open(frame.bytes, CONTRACT_MESSAGES as never, { network: NETWORK, suite }) as Message] : [],
    )
  }

  /** The next message of its chain, unless `change` says otherwise. */
  seal<N extends ContractMessageName>(type: N, body: Bodies[N], change: Change = {}): Message {
    const iat = Math.floor(this.#world.clock.now() / 1000)
    const { signer = this.identity.signer, ...header } = change
    const draft = {
      network: NETWORK,
      audience: this.#to.identity.publicKey,
      thread: this.thread,
      seq: this.own.length,
      prev: this.own.at(-1)?.id ?? null,
      ack: this.messages().at(-1)?.id ?? null,
      iat,
      exp: iat + LIFETIME_S[type],
      body,
      ...header,
    }
    return seal(CONTRACT_MESSAGES[type] as MessageType<unknown>, draft, signer, suite)
  }

  /** Seals the next message, adds it to the chain and sends it. */
  async tell<N extends ContractMessageName>(type: N, body: Bodies[N], change: Change = {}): Promise<Message> {
    const message = this.seal(type, body, change)
    this.own.push(message)
    await this.say({ kind: 'envelope', bytes: message.bytes })
    return message
  }

  /** The body of an ACCEPT of terms between this hand as renter and its peer. */
  acceptOf(change: Partial<Terms> = {}): Bodies['accept'] {
    const terms = encodeTerms(termsOf(this.#world, { renter: this.identity.publicKey, provider: this.#to.identity.publicKey, ...change }))
    return { terms, termsHash: termsHash(terms), specHash: new Uint8Array(32).fill(8), number: 0, funding: null }
  }

  async #open(): Promise<ByteStream> {
    const stream = await this.node.open({ peerId: this.#to.identity.peerId }, NEGOTIATE_PROTOCOL)
    void this.#read(stream)
    return stream
  }

  async #read(stream: ByteStream): Promise<void> {
    const reader = byteReader(stream)
    try {
      for (let data = await reader.frame(MAX_FRAME_BYTES); data !== null; data = await reader.frame(MAX_FRAME_BYTES)) {
        this.heard.push(decodeFrame(data))
      }
    } catch {
      // The other side dropped the stream: what came before is what a test looks at.
    }
  }
}
