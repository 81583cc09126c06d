// The secrets of a draw where blocks are not random: what both parties commit to before a case opens, and reveal once its block is there.

import { type Case, commitTo, type Court, drawSecret } from '@haggle/witness'
import { equalBytes, HaggleError } from '@haggle/wire'
import { ASK_MS } from './ask.ts'
import { refusedFor, type WatchAnswer } from './protocol.ts'
import type { RoleParts } from './_role.ts'

/** What both parties commit to; nulls where blocks are random. */
export type Commits = Pick<Case, 'renterCommit' | 'providerCommit'>

/** What both parties had committed to. */
type Secrets = NonNullable<Parameters<Court['drawWitnesses']>[1]>

/** See the file's first line. */
export class DrawSecrets {
  readonly #parts: RoleParts

  constructor(parts: RoleParts) {
    this.#parts = parts
  }

  async commit(id: Uint8Array): Promise<Uint8Array | null> {
    return this.#parts.court.parameters.commitReveal ? commitTo(await this.#own(id)) : null
  }

  async commits(id: Uint8Array, renterKey: Uint8Array): Promise<Commits> {
    const providerCommit = await this.commit(id)
    if (providerCommit === null) return { renterCommit: null, providerCommit }
    const answer = await this.#parts.ask(renterKey, { name: 'commit', body: { id } }, ASK_MS)
    if (answer.name !== 'commit') throw new HaggleError('E_WATCH_SECRET', 'The renter does not commit to a secret for the draw')
    return { renterCommit: answer.body.commit, providerCommit }
  }

  /** The answer to `commit`. The case is not there yet; and what is committed to tells nobody anything. */
  async sayCommit(id: Uint8Array): Promise<WatchAnswer> {
    const commit = await this.commit(id)
    return commit === null ? refusedFor('none') : { name: 'commit', body: { commit } }
  }

  /** The answer to `reveal`: once the draw's block is known to everybody. Before that it would let the other party choose, or whoever makes blocks. */
  async reveal({ id, provider, renter, providerCommit, renterCommit, drawBlock }: Case): Promise<WatchAnswer> {
    const { court, signer, signal } = this.#parts
    const committed = equalBytes(provider, signer.account) ? providerCommit : equalBytes(renter, signer.account) ? renterCommit : null
    const secret = await this.#own(id)
    if (committed === null || !equalBytes(commitTo(secret), committed)) return refusedFor('none')
    const { block } = await court.latestBlock({ signal })
    return block > drawBlock ? { name: 'secret', body: { secret } } : refusedFor('early')
  }

  /** What a party draws with; undefined where blocks are random. Throws `E_WATCH_SECRET` when the other keeps its own back. */
  async both({ id, provider, providerKey, renterKey, providerCommit, renterCommit }: Case): Promise<Secrets | undefined> {
    if (providerCommit === null || renterCommit === null) return undefined
    const isProvider = equalBytes(provider, this.#parts.signer.account)
    const own = await this.#own(id)
    const answer = await this.#parts.ask(isProvider ? renterKey : providerKey, { name: 'reveal', body: { id } }, ASK_MS)
    if (answer.name !== 'secret' || !equalBytes(commitTo(answer.body.secret), isProvider ? renterCommit : providerCommit))
      throw new HaggleError('E_WATCH_SECRET', 'The other party does not give the secret that it committed to')
    return isProvider ? { provider: own, renter: answer.body.secret } : { provider: answer.body.secret, renter: own }
  }

  async #own(id: Uint8Array): Promise<Uint8Array> {
    return await drawSecret(this.#parts.signer, this.#parts.court.parameters, id)
  }
}
