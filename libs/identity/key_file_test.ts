// The key file on a real disk: modes, races, passphrases and damage.

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@haggle/wire/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIdentity } from './mod.ts'
import { openKeyFile } from './node.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'haggle-key-'))
})
afterEach(() => rm(root, { recursive: true }))

const fails = (code: string, more: object = {}): object => expect.objectContaining({ code, ...more })

describe('openKeyFile()', () => {
  it('makes folder 0700 and file 0600 and opens the same key again', async () => {
    const path = join(root, 'home', 'deep', 'key')
    const made = await openKeyFile(path, { create: true })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'home', 'deep'))).mode & 0o777).toBe(0o700)
    const again = await openKeyFile(path)
    expect(again.seed).toEqual(made.seed)
    expect(again.peerId).toBe(made.peerId)
    expect(await readdir(join(root, 'home', 'deep'))).toEqual(['key'])
  })

  it('takes the seed from the given randomness', async () => {
    const random = seededRandom('key file')
    const identity = await openKeyFile(join(root, 'key'), { create: true, random: seededRandom('key file') })
    expect(identity.peerId).toBe(createIdentity(random(32)).peerId)
  })

  it('throws E_KEY_MISSING when there is no file and create is not set', async () => {
    await expect(openKeyFile(join(root, 'key'))).rejects.toEqual(fails('E_KEY_MISSING'))
    await expect(openKeyFile(join(root, 'none', 'key'))).rejects.toEqual(fails('E_KEY_MISSING'))
    expect(await readdir(root)).toEqual([])
  })

  it.each([0o640, 0o604, 0o644, 0o660, 0o700, 0o620])('throws E_KEY_MODE with the chmod when the file has mode %o', async (mode) => {
    const path = join(root, 'key')
    await openKeyFile(path, { create: true })
    await chmod(path, mode)
    await expect(openKeyFile(path)).rejects.toEqual(fails('E_KEY_MODE', { next: `chmod 600 ${path}` }))
    await chmod(path, 0o400)
    await expect(openKeyFile(path)).resolves.toBeDefined()
  })

  it.each([0o750, 0o701, 0o777])('throws E_KEY_MODE with the chmod when the folder has mode %o', async (mode) => {
    const path = join(root, 'key')
    await openKeyFile(path, { create: true })
    await chmod(root, mode)
    await expect(openKeyFile(path)).rejects.toEqual(fails('E_KEY_MODE', { next: `chmod 700 ${root}` }))
  })

  it('throws E_KEY_MODE and writes nothing when the folder is open before there is a key', async () => {
    await chmod(root, 0o755)
    await expect(openKeyFile(join(root, 'key'), { create: true })).rejects.toEqual(fails('E_KEY_MODE'))
    expect(await readdir(root)).toEqual([])
  })

  it('quotes the path in the command when the shell would cut it', async () => {
    const folder = join(root, "my 'home'")
    await mkdir(folder, { mode: 0o755 })
    await chmod(folder, 0o755)
    await expect(openKeyFile(join(folder, 'key'), { create: true })).rejects.toEqual(
      fails('E_KEY_MODE', { next: `chmod 700 '${root}/my '\\''home'\\'''` }),
    )
  })

  it('judges the folder where the file really is when the path is a link', async () => {
    const open = join(root, 'open')
    await mkdir(open, { mode: 0o755 })
    await chmod(open, 0o755)
    await openKeyFile(join(root, 'key'), { create: true })
    await symlink(join(root, 'key'), join(open, 'key'))
    await expect(openKeyFile(join(open, 'key'))).resolves.toBeDefined()
    await chmod(root, 0o755)
    await expect(openKeyFile(join(open, 'key'))).rejects.toEqual(fails('E_KEY_MODE'))
  })

  it('throws E_KEY_FILE with the cause when the system refuses', async () => {
    await writeFile(join(root, 'file'), '')
    const error: unknown = await openKeyFile(join(root, 'file', 'key'), { create: true }).catch((thrown: unknown) => thrown)
    expect(error).toEqual(fails('E_KEY_FILE'))
    expect((error as Error).cause).toMatchObject({ code: 'ENOTDIR' })
  })

  it('gives one key to all who create at once', async () => {
    const path = join(root, 'key')
    const all = await Promise.all(Array.from({ length: 8 }, () => openKeyFile(path, { create: true })))
    expect(new Set(all.map((one) => one.peerId)).size).toBe(1)
    expect(await readdir(root)).toEqual(['key'])
  })

  it('does not replace a key when create is set', async () => {
    const path = join(root, 'key')
    const first = await openKeyFile(path, { create: true })
    expect((await openKeyFile(path, { create: true })).peerId).toBe(first.peerId)
  })

  it('encrypts with a passphrase and opens with that one only', async () => {
    const path = join(root, 'key')
    const made = await openKeyFile(path, { create: true, passphrase: 'correct horse', scryptLogN: 14 })
    expect(await readFile(path, 'utf8')).not.toContain(Buffer.from(made.seed).toString('hex'))
    expect((await openKeyFile(path, { passphrase: 'correct horse' })).seed).toEqual(made.seed)
    await expect(openKeyFile(path, { passphrase: 'correct hors' })).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
    await expect(openKeyFile(path)).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
    await expect(openKeyFile(path, { create: true })).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
  })

  it('throws E_KEY_PASSPHRASE when a passphrase is given for a key that has none', async () => {
    const path = join(root, 'key')
    await openKeyFile(path, { create: true })
    await expect(openKeyFile(path, { passphrase: 'x' })).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
  })

  it('does not open an encrypted key whose peer id was exchanged', async () => {
    const path = join(root, 'key')
    await openKeyFile(path, { create: true, passphrase: 'x', scryptLogN: 14 })
    const file = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...file, peerId: createIdentity(new Uint8Array(32)).peerId }))
    await expect(openKeyFile(path, { passphrase: 'x' })).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
  })

  it.each([
    ['empty', ''],
    ['not JSON', 'seed'],
    ['null', 'null'],
    ['another version', '{"haggleKey":2}'],
    ['no peer id', '{"haggleKey":1,"seed":"00"}'],
    ['a seed of another key', JSON.stringify({ haggleKey: 1, peerId: createIdentity(new Uint8Array(32)).peerId, seed: '01'.repeat(32) })],
    ['a short seed', JSON.stringify({ haggleKey: 1, peerId: createIdentity(new Uint8Array(32)).peerId, seed: '00' })],
    ['no seed', JSON.stringify({ haggleKey: 1, peerId: createIdentity(new Uint8Array(32)).peerId })],
    ['a sealed null', JSON.stringify({ haggleKey: 1, peerId: createIdentity(new Uint8Array(32)).peerId, sealed: null })],
    ['far too long', ' '.repeat(5000)],
  ])('throws E_KEY_CORRUPT when the file is %s', async (_, content) => {
    const path = join(root, 'key')
    await writeFile(path, content, { mode: 0o600 })
    const error: unknown = await openKeyFile(path).catch((thrown: unknown) => thrown)
    expect(error).toEqual(fails('E_KEY_CORRUPT'))
    expect(String(error)).not.toContain('0101')
  })

  it('throws E_KEY_CORRUPT when the path is a folder', async () => {
    await mkdir(join(root, 'key'), { mode: 0o700 })
    await expect(openKeyFile(join(root, 'key'))).rejects.toEqual(fails('E_KEY_CORRUPT'))
  })

  it.each([
    ['another kdf', { kdf: 'none' }],
    ['more memory than there is', { logN: 40 }],
    ['hardly any work', { logN: 1 }],
    ['another block size', { r: 1024 }],
    ['a short nonce', { nonce: '00' }],
    ['a cut tag', { data: '00'.repeat(40) }],
  ])('does not open a sealed key that asks for %s', async (_, change) => {
    const path = join(root, 'key')
    await openKeyFile(path, { create: true, passphrase: 'x', scryptLogN: 14 })
    const file = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...file, sealed: { ...file.sealed, ...change } }))
    await expect(openKeyFile(path, { passphrase: 'x' })).rejects.toEqual(fails('E_KEY_PASSPHRASE'))
  })
})
