// One flipped bit, or one file cut short, anywhere in a closed home: every entry is there afterwards, healed, or the ledger says that it isn't.

import { existsSync } from 'node:fs'
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode, toHex } from '@haggle/wire'
import { chance, entryAt } from './ledger_entries.ts'
import { type Home, openHome, wrongEntries } from './ledger_home.ts'

/** Entries of the home that is damaged: several tables, a log that holds the last of them, a journal of a quarter of a megabyte. */
const ENTRIES = 500

/** After so many flips one file is cut short, at a place chosen alike. */
const CUT_EVERY = 20

/** Where Linux keeps files in memory: damage is done to files at rest, and a disk that syncs would only make it slow. */
const IN_MEMORY = '/dev/shm'

/** What the damages came to. */
export interface FlipFigures {
  /** Single bits flipped. */
  readonly flips: number
  /** Files cut short, besides. */
  readonly cuts: number
  readonly bytes: number
  /** Nothing was wrong and nothing was healed: the bit was in a place that no longer matters, or was put right by LevelDB. */
  readonly harmless: number
  readonly healed: number
  /** The ledger, or the store under it, said that something is missing. */
  readonly reported: number
  /** Entries missing or different while the ledger said that all is well. Must be 0. */
  readonly silent: number
  /** Roots at the size of the damaged home that weren't its root. Must be 0. */
  readonly secondRoots: number
  /** Damages by kind of file. */
  readonly files: Readonly<Record<string, number>>
  readonly errors: readonly string[]
}

export interface FlipOptions {
  readonly flips: number
  readonly seed: number
  readonly onProgress?: (done: number) => void
}

/** Damages copies of one home, each in one place chosen by length over all of its files: `flips` single bits, and a cut after every twentieth. */
export async function torturedByFlips({ flips, seed, onProgress }: FlipOptions): Promise<FlipFigures> {
  const random = chance(seed)
  const root = await mkdtemp(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), 'haggle-flip-'))
  const intact = join(root, 'intact')
  const expected = await build(intact)
  const files = await lengths(intact)
  const bytes = files.reduce((sum, file) => sum + file.length, 0)
  const sum = { flips: 0, cuts: 0, harmless: 0, healed: 0, reported: 0, silent: 0, secondRoots: 0 }
  const perFile: Record<string, number> = {}
  const errors: string[] = []
  for (let done = 0; sum.flips < flips; done++) {
    const copy = join(root, String(done))
    await cp(intact, copy, { recursive: true })
    const at = Math.floor(random() * bytes * 8)
    const place = locate(files, at)
    const cut = done % (CUT_EVERY + 1) === CUT_EVERY
    await (cut ? truncate(join(copy, place.name), place.bit >> 3) : flip(join(copy, place.name), place.bit))
    sum[cut ? 'cuts' : 'flips']++
    const kind = place.name.replace(/.*\//, '').replace(/\d+/, '#')
    perFile[kind] = (perFile[kind] ?? 0) + 1
    const { outcome, root: after } = await judge(copy)
    sum[outcome]++
    if (after !== undefined && after !== expected) {
      sum.secondRoots++
      errors.push(`second root after damage ${done} in ${place.name}`)
    }
    if (outcome === 'silent') errors.push(`silent loss after damage ${done} at bit ${place.bit} of ${place.name}`)
    await rm(copy, { recursive: true })
    if (!cut) onProgress?.(sum.flips)
  }
  await rm(root, { recursive: true })
  return { ...sum, bytes, files: perFile, errors }
}

/** Writes the home in several sittings, so that it has tables as well as a log. Returns its root. */
async function build(folder: string): Promise<string> {
  let root = ''
  for (let from = 0; from < ENTRIES; from += ENTRIES / 5) {
    await using home = await openHome(folder)
    for (let i = from; i < from + ENTRIES / 5; i += 10) await home.ledger.append(Array.from({ length: 10 }, (_, j) => entryAt(i + j)))
    root = toHex(home.ledger.head().root)
  }
  return root
}

async function judge(folder: string): Promise<{ outcome: 'harmless' | 'healed' | 'reported' | 'silent'; root?: string }> {
  let home: Home
  try {
    home = await openHome(folder)
  } catch (error) {
    if (errorCode(error) === 'E_UNKNOWN') throw error
    return { outcome: 'reported' }
  }
  await using _ = home
  const { ledger } = home
  const report = await ledger.check()
  const { state, healed } = ledger.status()
  const wrong = await wrongEntries(ledger, ENTRIES)
  const root = ledger.size >= ENTRIES ? toHex(await ledger.rootAt(ENTRIES).catch(() => new Uint8Array(0))) : ''
  const outcome = !report.ok || state !== 'ok' ? 'reported' : wrong.length > 0 ? 'silent' : healed > 0 ? 'healed' : 'harmless'
  return root === '' ? { outcome } : { outcome, root }
}

interface File {
  readonly name: string
  readonly length: number
}

async function lengths(folder: string): Promise<File[]> {
  const files: File[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.push({ name: path.slice(folder.length + 1), length: (await stat(path)).size })
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function locate(files: readonly File[], at: number): { name: string; bit: number } {
  let bit = at
  for (const { name, length } of files) {
    if (bit < length * 8) return { name, bit }
    bit -= length * 8
  }
  throw new Error('the place is behind the last file')
}

async function flip(path: string, bit: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = new Uint8Array(1)
    await file.read(byte, 0, 1, bit >> 3)
    byte[0]! ^= 1 << (bit & 7)
    await file.write(byte, 0, 1, bit >> 3)
  } finally {
    await file.close()
  }
}
