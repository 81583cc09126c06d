// The wallet as typed, against the real agent: its secrets are in one encrypted file, and nowhere else.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { pathsOf } from './home.ts'
import type { WalletView } from './money_views.ts'
import { type Ended, haggle, temporary } from './testing/command.ts'

vi.setConfig({ testTimeout: 60_000 })

const place = temporary()
const home = join(place.folder, 'home')
const PASSPHRASE = 'correct horse battery staple'
const KEY = '4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d'
/** The account of that key, as every EVM library derives it. */
const ADDRESS = '0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1'
const passphraseFile = join(place.folder, 'passphrase')
const wrongFile = join(place.folder, 'wrong')
const keyFile = join(place.folder, 'key.txt')
/** Everything that any command printed. */
const printed: string[] = []

async function run(argv: readonly string[], options: Parameters<typeof haggle>[1] = {}): Promise<Ended> {
  const found = await haggle([...argv, '--home', home, '--mdns', 'off'], options)
  printed.push(found.stdout.toString(), found.stderr)
  return found
}

beforeAll(() => {
  writeFileSync(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 })
  writeFileSync(wrongFile, 'another horse\n', { mode: 0o600 })
  writeFileSync(keyFile, `0x${KEY}\n`, { mode: 0o600 })
})
afterAll(async () => {
  await haggle(['down', '--home', home])
  place[Symbol.dispose]()
})

test('haggle wallet says what to type when there is none, and nothing is made by looking', async () => {
  expect((await run(['wallet'])).stdout.toString()).toContain('none yet: haggle wallet new')
  const found = await run(['wallet', 'qr'])
  expect(found.code).toBe(3)
  expect(found.stderr).toMatch(/\(E_WALLET_NONE\)\n {2}next: haggle wallet new/)
  expect(existsSync(pathsOf(home).wallet)).toBe(false)
})

test.each([
  ['no terminal', [], 'E_WALLET_PASSPHRASE'],
  ['a short passphrase', ['--wallet-passphrase-file', join(place.folder, 'short')], 'E_WALLET_PASSPHRASE'],
  ['a passphrase that others can read', ['--wallet-passphrase-file', join(place.folder, 'lax')], 'E_CONFIG_SECRET'],
  ['a missing file', ['--wallet-passphrase-file', join(place.folder, 'nowhere')], 'E_CONFIG_SECRET'],
])('haggle wallet new refuses %s', async (_, flags, code) => {
  writeFileSync(join(place.folder, 'short'), 'short', { mode: 0o600 })
  writeFileSync(join(place.folder, 'lax'), PASSPHRASE)
  chmodSync(join(place.folder, 'lax'), 0o644)
  const found = await run(['wallet', 'new', ...flags])
  expect(found.code).toBe(3)
  expect(found.stderr).toContain(`(${code})`)
  expect(existsSync(pathsOf(home).wallet)).toBe(false)
})

test('haggle wallet import makes an encrypted file that only its owner reads, once', async () => {
  const found = await run(['wallet', 'import', '--from', keyFile, '--wallet-passphrase-file', passphraseFile, '--json'])
  expect(JSON.parse(found.stdout.toString())).toMatchObject({ address: ADDRESS, state: 'open', chain: null } satisfies Partial<WalletView>)
  expect(statSync(pathsOf(home).wallet).mode & 0o777).toBe(0o600)
  const again = await run(['wallet', 'new', '--wallet-passphrase-file', passphraseFile])
  expect(again.code).toBe(3)
  expect(again.stderr).toContain('(E_WALLET_EXISTS)')
})

test('haggle wallet locks and unlocks; a wrong passphrase does not fit', async () => {
  expect((await run(['wallet', 'lock'])).stdout.toString()).toContain('locked')
  const wrong = await run(['wallet', 'unlock', '--wallet-passphrase-file', wrongFile])
  expect(wrong.code).toBe(3)
  expect(wrong.stderr).toContain('(E_WALLET_PASSPHRASE)')
  expect((await run(['wallet', 'show'])).stdout.toString()).toContain('haggle wallet unlock')
  const right = await run(['wallet', 'unlock', '--wallet-passphrase-file', passphraseFile, '--json'])
  expect(JSON.parse(right.stdout.toString())).toMatchObject({ state: 'open' })
})

test('a wallet’s agent opens it alone with a passphrase file, and stays locked without', async () => {
  await haggle(['down', '--home', home])
  expect(JSON.parse((await run(['wallet', '--json'])).stdout.toString())).toMatchObject({ address: ADDRESS, state: 'locked' })
  await haggle(['down', '--home', home])
  const found = await run(['wallet', '--json', '--wallet-passphrase-file', passphraseFile])
  expect(JSON.parse(found.stdout.toString())).toMatchObject({ address: ADDRESS, state: 'open' })
})

test('haggle refuses a wallet that others can read', async () => {
  await haggle(['down', '--home', home])
  chmodSync(pathsOf(home).wallet, 0o640)
  const found = await run(['wallet'])
  expect(found.code).toBe(3)
  expect(found.stderr).toContain('(E_WALLET_MODE)')
  expect(found.stderr).toContain('chmod 600')
  chmodSync(pathsOf(home).wallet, 0o600)
})

test('haggle wallet qr prints the address under its code', async () => {
  const found = (await run(['wallet', 'qr'])).stdout.toString()
  expect(found).toContain(`ethereum:${ADDRESS}`)
  expect(found.split('\n').length).toBeGreaterThan(15)
})

test('no secret is in an argument, the environment, the log, the file or anything printed', async () => {
  const { stdout } = await run(['status', '--json', '--wallet-passphrase-file', passphraseFile])
  const { pid } = JSON.parse(stdout.toString()) as { pid: number }
  const paths = pathsOf(home)
  const places = [
    ...printed,
    readFileSync(paths.log, 'utf8'),
    readFileSync(paths.wallet, 'utf8'),
    ...['cmdline', 'environ'].map((name) => (existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/${name}`, 'latin1') : '')),
  ]
  expect(places.filter((text) => text.includes(PASSPHRASE) || text.toLowerCase().includes(KEY))).toEqual([])
  // The search can find what it looks for.
  expect(readFileSync(keyFile, 'utf8')).toContain(KEY)
})
