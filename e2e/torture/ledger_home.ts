// A ledger on disk as a home has it: LevelDB and journal in one folder.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { encodeEntry, type Journal, type Ledger, openLedger, type StoredEntry } from '@haggle/reputation'
import { openJournal } from '@haggle/reputation/node'
import type { Store } from '@haggle/store'
import { openLevelStore } from '@haggle/store/level'
import { equalBytes, systemClock } from '@haggle/wire'
import { entryAt } from './ledger_entries.ts'

/** An open ledger and what has to be closed with it. */
export interface Home extends AsyncDisposable {
  readonly ledger: Ledger
  readonly store: Store
  readonly journal: Journal
}

/** The owner of every tortured ledger. */
const OWNER = createIdentity(new Uint8Array(32).fill(42))

export async function openHome(folder: string): Promise<Home> {
  const store = await openLevelStore(join(folder, 'db'))
  try {
    const journal = await openJournal(join(folder, 'ledger.journal'))
    try {
      const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
      const ledger = await openLedger({
        store: store.sub('ledger'),
        journal,
        signer: OWNER.signer,
        suite: nodeSuite(),
        clock: systemClock(),
        random,
        suspect: store.repaired,
      })
      const close = async (): Promise<void> => {
        await ledger.close()
        await journal.close()
        await store.close()
      }
      return { ledger, store, journal, [Symbol.asyncDispose]: close }
    } catch (error) {
      await journal.close()
      throw error
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Entries from 0 to `size` that are gone or aren't what {@link entryAt} says, and peers (as -1, -2 …) whose index doesn't name all of theirs. */
export async function wrongEntries(ledger: Ledger, size: number): Promise<number[]> {
  const wrong: number[] = []
  const byPeer = new Map<number, number>()
  for (let index = 0; index < size; index++) {
    const peer = entryAt(index).peer![0]!
    byPeer.set(peer, (byPeer.get(peer) ?? 0) + 1)
  }
  let next = 0
  const check = ({ index, bytes }: StoredEntry): void => {
    if (index !== next || !equalBytes(bytes, encodeEntry(entryAt(index)))) wrong.push(index)
    next = index + 1
  }
  try {
    for await (const entry of ledger.entries({ to: Math.min(size, ledger.size) })) check(entry)
    for (; next < size; next++) wrong.push(next)
  } catch {
    // One that can't be read ends the scan: take the rest one by one.
    for (let index = next; index < size; index++) await ledger.get(index).then(check, () => wrong.push(index))
  }
  for (const [peer, count] of byPeer) {
    let found = 0
    for await (const { index } of ledger.bySubject(new Uint8Array(32).fill(peer))) if (index < size) found++
    if (found !== count) wrong.push(-1 - peer)
  }
  return wrong
}
