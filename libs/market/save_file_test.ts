import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { saveFile } from './save_file.ts'

const folder = (): { path: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), 'haggle-save-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Octets that tell where in a file they are, in chunks of many sizes. */
async function* numbered(size: number): AsyncGenerator<Uint8Array> {
  let step = 1
  for (let at = 0; at < size; at += step, step = (step * 7) % 300_007) {
    yield Uint8Array.from({ length: Math.min(step, size - at) }, (_, i) => ((at + i) * 31) % 251)
  }
}

describe('saveFile()', () => {
  it('writes what came, in order, over several blocks', async () => {
    using at = folder()
    const size = 3_500_000
    const path = await saveFile(at.path, 'out/deep/data.bin', numbered(size))
    const whole = readFileSync(path)
    expect(whole.length).toBe(size)
    expect(whole.every((octet, i) => octet === (i * 31) % 251)).toBe(true)
  })

  it('leaves an empty file when nothing came, whatever stood there', async () => {
    using at = folder()
    writeFileSync(join(at.path, 'x'), 'old')
    await saveFile(at.path, 'x', numbered(0))
    expect(readFileSync(join(at.path, 'x'), 'utf8')).toBe('')
  })

  it('rejects with what the content throws', async () => {
    using at = folder()
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield* numbered(2_000_000)
      throw new Error('cut')
    }
    await expect(saveFile(at.path, 'x', broken())).rejects.toThrow('cut')
    expect(readdirSync(at.path)).toEqual([])
  })

  it('leaves what was there until all of the new one is', async () => {
    using at = folder()
    writeFileSync(join(at.path, 'x'), 'old')
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield* numbered(10)
      throw new Error('cut')
    }
    await expect(saveFile(at.path, 'x', broken())).rejects.toThrow('cut')
    expect([readdirSync(at.path), readFileSync(join(at.path, 'x'), 'utf8')]).toEqual([['x'], 'old'])
  })

  it('says E_FILE_WRITE when the file system refuses, also one that has no end of folders that are none', async () => {
    using at = folder()
    writeFileSync(join(at.path, 'file'), '')
    await expect(saveFile(at.path, 'file/x', numbered(1))).rejects.toMatchObject({ code: 'E_FILE_WRITE' })
    if (process.platform === 'linux')
      await expect(saveFile('/proc/nope', 'out/x', numbered(1))).rejects.toMatchObject({ code: 'E_FILE_WRITE' })
  })

  it('refuses a path out of the folder', async () => {
    using at = folder()
    await expect(saveFile(at.path, '../x', numbered(1))).rejects.toMatchObject({ code: 'E_JOB_PATH' })
  })
})
