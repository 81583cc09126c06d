// Reading LevelDB's tables by hand: sound files are found sound, and one flipped bit costs one block at most.

import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32c } from './_crc32c.ts'
import { liveTables } from './_manifest.ts'
import { decompress } from './_snappy.ts'
import { checkTable } from './_table.ts'
import { openLevelStore } from './level_store.ts'

const root = await mkdtemp(join(tmpdir(), 'haggle-table-'))
afterAll(async () => await rm(root, { recursive: true }))

const valueOf = (i: number): Uint8Array => new Uint8Array(createHash('sha512').update(String(i)).digest())
const KEYS = 600

it('crc32c() gives the check value of the catalogue of CRCs', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
})

it('decompress() reads literals and copies that overlap, and refuses what leads outside', () => {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
  expect(text(decompress(Uint8Array.of(5, 16, 97, 98, 99, 100, 101)))).toBe('abcde')
  expect(text(decompress(Uint8Array.of(10, 4, 97, 98, ((8 - 1) << 2) | 2, 2, 0)))).toBe('ababababab')
  expect(text(decompress(Uint8Array.of(6, 4, 97, 98, 1, 2)))).toBe('ababab')
  expect(() => decompress(Uint8Array.of(6, 4, 97, 98, 1, 3))).toThrow(RangeError)
  expect(() => decompress(Uint8Array.of(9, 4, 97, 98))).toThrow(RangeError)
  expect(() => decompress(Uint8Array.of(255, 255, 255, 255, 15))).toThrow(RangeError)
})

describe('a table of LevelDB', () => {
  const folder = join(root, 'intact')
  let name = ''
  let table: Uint8Array

  beforeAll(async () => {
    const store = await openLevelStore(folder)
    await store.write(Array.from({ length: KEYS }, (_, i) => ({ key: `key ${i}`, value: valueOf(i) })))
    await store.close()
    await (await openLevelStore(folder)).close() // opening moves the log into a table
    name = (await readdir(folder)).find((file) => file.endsWith('.ldb'))!
    table = await readFile(join(folder, name))
  })

  it('checkTable() finds the file sound as LevelDB wrote it, and unreadable when cut', () => {
    expect(checkTable(table).state).toBe('sound')
    expect(checkTable(table.subarray(0, table.length - 1)).state).toBe('unreadable')
    expect(checkTable(new Uint8Array(0)).state).toBe('unreadable')
  })

  it('checkTable() never takes a flipped bit for sound but in the padding of the footer', () => {
    fc.assert(
      fc.property(fc.nat({ max: table.length * 8 - 1 }), (bit) => {
        const flipped = Uint8Array.from(table)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        const { state } = checkTable(flipped)
        if (bit >> 3 < table.length - 48) expect(state).not.toBe('sound')
        if (bit >> 3 < table.length * 0.9) expect(state).toBe('mended')
      }),
      { numRuns: 300 },
    )
  })

  it('liveTables() names the tables in use, and says nothing when the manifest is damaged', async () => {
    const copy = join(root, 'manifest')
    await cp(folder, copy, { recursive: true })
    expect(await liveTables(copy)).toEqual(new Set([Number.parseInt(name, 10)]))
    const manifest = (await readdir(copy)).find((file) => file.startsWith('MANIFEST'))!
    const bytes = await readFile(join(copy, manifest))
    bytes[20]! ^= 1
    await writeFile(join(copy, manifest), bytes)
    expect(await liveTables(copy)).toBeUndefined()
    expect(await liveTables(root)).toBeUndefined()
  })

  it('liveTables() follows tables that come and go as LevelDB compacts', async () => {
    const busy = join(root, 'busy')
    for (let round = 0; round < 12; round++) {
      const store = await openLevelStore(busy)
      await store.write(Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, value: valueOf(i + round) })))
      await store.close()
      const files = (await readdir(busy)).filter((file) => file.endsWith('.ldb')).map((file) => Number.parseInt(file, 10))
      const live = await liveTables(busy)
      for (const number of live!) expect(files).toContain(number)
    }
    expect((await liveTables(busy))!.size).toBeLessThan(12)
  })

  it('openLevelStore() leaves a table alone that a crash left half written', async () => {
    const copy = join(root, 'half written')
    await cp(folder, copy, { recursive: true })
    await writeFile(join(copy, '000999.ldb'), table.subarray(0, 100))
    const store = await openLevelStore(copy)
    expect(store.repaired).toBe(false)
    expect(await store.get('key 7')).toEqual(valueOf(7))
    await store.close()
  })

  it('openLevelStore() loses one block and no more when a bit of a table is flipped, and says that it repaired', async () => {
    for (const place of [0.1, 0.4, 0.8]) {
      const copy = join(root, `flipped ${place}`)
      const store = await openLevelStore(copy)
      await store.write(Array.from({ length: KEYS }, (_, i) => ({ key: `key ${i}`, value: valueOf(i) })))
      await store.close()
      await (await openLevelStore(copy)).close()
      const file = (await readdir(copy)).find((each) => each.endsWith('.ldb'))!
      const bytes = await readFile(join(copy, file))
      bytes[Math.floor(bytes.length * place)]! ^= 16
      await writeFile(join(copy, file), bytes)
      const mended = await openLevelStore(copy)
      expect(mended.repaired).toBe(true)
      const values = await mended.getMany(Array.from({ length: KEYS }, (_, i) => `key ${i}`))
      const missing = values.filter((value) => value === undefined).length
      expect(missing).toBeGreaterThan(0)
      expect(missing).toBeLessThan(80)
      for (const [i, value] of values.entries()) if (value) expect(value).toEqual(valueOf(i))
      let ranged = 0
      for await (const [key] of mended.range()) if (key !== '') ranged++
      expect(ranged).toBe(KEYS - missing)
      await mended.close()
    }
  })
})
