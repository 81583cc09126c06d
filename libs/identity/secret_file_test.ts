import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@haggle/wire/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownFolder, readSecretFile, writeSecretFile } from './secret_file.ts'
import { sealSecret, unsealSecret } from './secret_seal.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'haggle-secret-'))
})
afterEach(() => rm(root, { recursive: true }))

const kind = { name: 'ring', mode: 'E_RING_MODE', corrupt: 'E_RING_CORRUPT', next: 'look under the bed' }
const random = seededRandom('secret')

describe('writeSecretFile()', () => {
  it('writes once: whoever comes second is told so, and the first one stays', async () => {
    const path = join(root, 'ring')
    const made = await Promise.all(['one', 'two', 'three'].map((text) => writeSecretFile(path, text, { kind, random })))
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(['one', 'two', 'three'][made.indexOf(true)]).toBe(await readFile(path, 'utf8'))
    expect(await readdir(root)).toEqual(['ring'])
  })

  it('throws the kind’s own code when others can enter the folder', async () => {
    await chmod(root, 0o755)
    await expect(writeSecretFile(join(root, 'ring'), 'x', { kind, random })).rejects.toMatchObject({ code: 'E_RING_MODE' })
    await expect(ownFolder(join(root, 'ring'), kind)).rejects.toMatchObject({ code: 'E_RING_MODE', next: `chmod 700 ${root}` })
    expect(await readdir(root)).toEqual([])
  })
})

describe('readSecretFile()', () => {
  it('gives undefined for no file, and the kind’s own codes and words for a bad one', async () => {
    expect(await readSecretFile(join(root, 'ring'), kind)).toBe(undefined)
    await writeFile(join(root, 'ring'), ' '.repeat(5000), { mode: 0o600 })
    await expect(readSecretFile(join(root, 'ring'), kind)).rejects.toMatchObject({
      code: 'E_RING_CORRUPT',
      next: 'look under the bed',
      message: expect.stringContaining('the ring'),
    })
  })
})

describe('unsealSecret()', () => {
  it('opens what sealSecret() sealed under the same passphrase and context only', async () => {
    const secret = new Uint8Array(32).fill(7)
    const context = Uint8Array.of(1, 2)
    const sealed = await sealSecret(secret, { passphrase: 'pass\u00e9', context, random, logN: 14 })
    // Normal form: the same letters typed on another keyboard.
    expect(await unsealSecret(sealed, { passphrase: 'passe\u0301', context })).toEqual(secret)
    expect(await unsealSecret(sealed, { passphrase: 'pass', context })).toBe(undefined)
    expect(await unsealSecret(sealed, { passphrase: 'pass\u00e9', context: Uint8Array.of(1) })).toBe(undefined)
  })
})
