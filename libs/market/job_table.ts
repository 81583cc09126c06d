// The jobs of a renter by thread and by contract: every octet of output is looked up here, however many jobs there are.

import { toHex } from '@haggle/wire'

/** Jobs by thread; by contract as soon as it has one. A thread has several when more than one looks at it. */
export class JobTable<J> {
  readonly #contractOf: (job: J) => Uint8Array | null
  readonly #threads = new Map<string, J[]>()
  readonly #contracts = new Map<string, string>()
  /** Threads whose contract is not in the table yet. */
  readonly #open = new Set<string>()

  /** @param contractOf The contract's id, 32 bytes; null before there is one. It never changes after that. */
  constructor(contractOf: (job: J) => Uint8Array | null) {
    this.#contractOf = contractOf
  }

  add(thread: string, job: J): void {
    const jobs = this.#threads.get(thread)
    if (jobs !== undefined) return void jobs.push(job)
    this.#threads.set(thread, [job])
    this.#open.add(thread)
  }

  /** The jobs of a thread (32 hex digits), the first one first. */
  ofThread(thread: string): readonly J[] {
    return this.#threads.get(thread) ?? []
  }

  /** The jobs of a contract (64 hex digits), the first one first. */
  ofContract(contract: string): readonly J[] {
    if (!this.#contracts.has(contract)) this.#fill()
    return this.ofThread(this.#contracts.get(contract) ?? '')
  }

  /** Forgets the jobs of a thread. */
  delete(thread: string): void {
    for (const job of this.ofThread(thread)) {
      const contract = this.#contractOf(job)
      if (contract !== null) this.#contracts.delete(toHex(contract))
    }
    this.#threads.delete(thread)
    this.#open.delete(thread)
  }

  /** Enters the contracts that have come about since. */
  #fill(): void {
    for (const thread of this.#open) {
      const [job] = this.ofThread(thread)
      const contract = job === undefined ? null : this.#contractOf(job)
      if (contract === null) continue
      this.#contracts.set(toHex(contract), thread)
      this.#open.delete(thread)
    }
  }
}
