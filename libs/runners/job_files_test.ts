import { createHash } from 'node:crypto'
import {
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  linkSync,
  writeFileSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileRef } from '@haggle/job'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBeneath } from './beneath.ts'
import { folderJobFiles, listOutputs, openOutput, stageFile } from './job_files.ts'

const SECRET = 'the key of the node'
let root = ''
let folder = ''
let outside = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'haggle-files-'))
  folder = join(root, 'work')
  outside = join(root, 'outside')
  mkdirSync(join(folder, 'out'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), SECRET)
})
afterEach(() => rmSync(root, { recursive: true }))

const sha256 = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest())
const refOf = (path: string, text: string, executable = false): FileRef => ({
  path,
  size: Buffer.byteLength(text),
  sha256: sha256(text),
  executable,
})
const globs = ['**']

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text)
}

async function read(path: string): Promise<string> {
  const { content, close } = await openOutput(folder, path, { globs, offset: 0 })
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part.slice())
  await close()
  return Buffer.concat(parts).toString()
}

describe('openOutput()', () => {
  it('openOutput() gives a result from any offset', async () => {
    writeFileSync(join(folder, 'out/a'), '0123456789')
    expect(await read('out/a')).toBe('0123456789')
    const { size, content, close } = await openOutput(folder, 'out/a', { globs, offset: 7 })
    let text = ''
    for await (const part of content) text += Buffer.from(part).toString()
    await close()
    expect([size, text]).toEqual([10, '789'])
  })

  it('openOutput() gives a large result in chunks that stay as they are until the next is asked for', async () => {
    const whole = Buffer.alloc(2_500_003)
    for (let at = 0; at < whole.length; at++) whole[at] = (at * 31) % 251
    writeFileSync(join(folder, 'out/a'), whole)
    for (const offset of [0, 700_001]) {
      const { content, close } = await openOutput(folder, 'out/a', { globs, offset })
      let at = offset
      for await (const part of content) {
        // The block after this one has been read by then.
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        expect(whole.subarray(at, at + part.length).equals(part)).toBe(true)
        at += part.length
      }
      expect(at).toBe(whole.length)
      await close()
    }
  })

  it('close() lets go of a result of which nothing was read, or not all', async () => {
    writeFileSync(join(folder, 'out/a'), Buffer.alloc(2_000_000))
    const held = (): number => readdirSync('/proc/self/fd').length
    const before = held()
    for (let i = 0; i < 5; i++) {
      const unread = await openOutput(folder, 'out/a', { globs, offset: 0 })
      await unread.close()
      const some = await openOutput(folder, 'out/a', { globs, offset: 0 })
      for await (const part of some.content) if (part.length > 0) break
      await some.close()
      await some.close()
    }
    expect(held()).toBe(before)
  })

  it('openOutput() follows no link, on no part of the way, where a plain read does', async () => {
    symlinkSync(join(outside, 'secret'), join(folder, 'out/leak'))
    symlinkSync(outside, join(folder, 'away'))
    symlinkSync('../../outside', join(folder, 'out/up'))
    for (const path of ['out/leak', 'away/secret', 'out/up/secret']) {
      expect(readFileSync(join(folder, path), 'utf8')).toBe(SECRET)
      await expect(read(path)).rejects.toMatchObject({ code: 'E_JOB_PATH' })
    }
  })

  it('openOutput() gives no file with a second name, no pipe, no folder and nothing out of the folder', async () => {
    linkSync(join(outside, 'secret'), join(folder, 'out/hard'))
    execFileSync('mkfifo', [join(folder, 'out/pipe')])
    for (const path of ['out/hard', 'out/pipe', 'out', '../outside/secret', '/etc/passwd', 'out//hard', 'out/../../outside/secret']) {
      await expect(read(path), path).rejects.toMatchObject({ code: 'E_JOB_PATH' })
    }
    await expect(read('out/none')).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  })

  it('openOutput() never leaks while a job swaps a folder for a link as fast as it can', async () => {
    writeFileSync(join(folder, 'out/secret'), 'harmless')
    symlinkSync(outside, join(folder, 'link'))
    let going = true
    const swap = (async () => {
      while (going) {
        renameSync(join(folder, 'out'), join(folder, 'kept'))
        renameSync(join(folder, 'link'), join(folder, 'out'))
        await new Promise((resolve) => setImmediate(resolve))
        renameSync(join(folder, 'out'), join(folder, 'link'))
        renameSync(join(folder, 'kept'), join(folder, 'out'))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const seen = new Set<string>()
    for (let round = 0; round < 300; round++) seen.add(await read('out/secret').catch((error: { code: string }) => error.code))
    going = false
    await swap
    expect(seen.has(SECRET)).toBe(false)
    expect(seen.has('harmless')).toBe(true)
  })
})

describe('openBeneath()', () => {
  it('openBeneath() makes the folders on the way when it may, and goes through no link for it', async () => {
    const flags = constants.O_WRONLY | constants.O_CREAT
    await (await openBeneath(folder, 'a/b/c', { flags, makeFolders: true })).close()
    expect(statSync(join(folder, 'a/b/c')).isFile()).toBe(true)
    symlinkSync(outside, join(folder, 'away'))
    await expect(openBeneath(folder, 'away/d/e', { flags, makeFolders: true })).rejects.toMatchObject({ code: 'E_JOB_PATH' })
    await expect(openBeneath(folder, 'x/y', { flags })).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  })
})

/** Octets that are listed at most where that is not what is tried. */
const MOST = 2 ** 20

describe('listOutputs()', () => {
  it('listOutputs() names regular files that match, with hash and mode, sorted', async () => {
    writeFileSync(join(folder, 'out/b'), 'b')
    writeFileSync(join(folder, 'out/a'), 'a', { mode: 0o755 })
    writeFileSync(join(folder, 'top'), 'top')
    expect(await listOutputs(folder, ['out/*'], 2)).toEqual({ files: [refOf('out/a', 'a', true), refOf('out/b', 'b')], leftOut: 0 })
    expect((await listOutputs(folder, globs, MOST)).files.map(({ path }) => path)).toEqual(['out/a', 'out/b', 'top'])
  })

  it('listOutputs() hashes no more octets than it may, however long files with holes are, and says what it left out', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, `out/${name}`), name)
    truncateSync(join(folder, 'out/b'), 2 ** 40)
    expect(await listOutputs(folder, ['out/*'], 2)).toEqual({ files: [refOf('out/a', 'a'), refOf('out/c', 'c')], leftOut: 1 })
    expect(await listOutputs(folder, ['out/*'], 1)).toEqual({ files: [refOf('out/a', 'a')], leftOut: 2 })
  })

  it('listOutputs() leaves out links, pipes, files with a second name and names that do not travel', async () => {
    symlinkSync(join(outside, 'secret'), join(folder, 'out/leak'))
    symlinkSync(outside, join(folder, 'away'))
    linkSync(join(outside, 'secret'), join(folder, 'out/hard'))
    execFileSync('mkfifo', [join(folder, 'out/pipe')])
    writeFileSync(join(folder, 'out/bad\u0001name'), 'x')
    writeFileSync(join(folder, 'out/good'), 'x')
    expect((await listOutputs(folder, globs, MOST)).files.map(({ path }) => path)).toEqual(['out/good'])
  })

  it('listOutputs() ends on a folder that goes deeper than anyone reads', async () => {
    let path = folder
    for (let depth = 0; depth < 60; depth++) mkdirSync((path = join(path, 'd')))
    writeFileSync(join(path, 'deep'), 'x')
    expect(await listOutputs(folder, globs, MOST)).toEqual({ files: [], leftOut: 0 })
  })
})

describe('stageFile()', () => {
  it('stageFile() brings back no folder of a job that was removed, and leaves a whole file in one place only', async () => {
    const parts = join(root, 'job/parts')
    const files = folderJobFiles({ folderOf: () => folder, partsOf: () => parts })
    const ref = refOf('in/data', 'hello')
    const stage = (): Promise<void> => files.stage('a', ref, { offset: 0, content: chunks('hello') })
    await expect(stage()).rejects.toMatchObject({ code: 'E_JOB_FILE' })
    expect(existsSync(join(root, 'job'))).toBe(false)
    mkdirSync(join(root, 'job'))
    await stage()
    expect([readFileSync(join(folder, 'in/data'), 'utf8'), readdirSync(parts)]).toEqual(['hello', []])
  })

  it('stageFile() goes on where it was cut, and checks the whole', async () => {
    const files = folderJobFiles({ folderOf: () => folder, partsOf: () => join(root, 'parts') })
    const ref = refOf('in/data', 'hello world', true)
    await expect(files.stage('', ref, { offset: 0, content: chunks('hel', 'lo') })).rejects.toMatchObject({ code: 'E_JOB_FILE' })
    expect(await files.missing('', [ref])).toEqual([{ file: 0, offset: 5 }])
    await files.stage('', ref, { offset: 5, content: chunks(' world') })
    expect(await files.missing('', [ref])).toEqual([])
    expect([await read('in/data'), statSync(join(folder, 'in/data')).mode & 0o777]).toEqual(['hello world', 0o755])
  })

  it('stageFile() keeps nothing of a file with another hash', async () => {
    const ref = refOf('data', 'hello')
    const options = { parts: join(root, 'parts'), offset: 0 }
    await expect(stageFile(folder, ref, { ...options, content: chunks('jello') })).rejects.toMatchObject({ code: 'E_JOB_FILE' })
    await expect(stageFile(folder, ref, { ...options, offset: 3, content: chunks('lo') })).rejects.toMatchObject({ code: 'E_JOB_FILE' })
    await expect(read('data')).rejects.toMatchObject({ code: 'E_JOB_FILE' })
  })

  it('stageFile() writes through no link', async () => {
    symlinkSync(outside, join(folder, 'away'))
    symlinkSync(join(outside, 'secret'), join(folder, 'leak'))
    for (const path of ['away/planted', 'leak']) {
      const content = chunks('x')
      await expect(stageFile(folder, refOf(path, 'x'), { parts: join(root, 'parts'), offset: 0, content })).rejects.toMatchObject({
        code: 'E_JOB_PATH',
      })
    }
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe(SECRET)
  })
})
