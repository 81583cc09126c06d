// Which contracts are meant: of a file, or of the token alone; a file that does not say it is refused.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemAddresses } from '@haggle/chain'
import { afterAll, expect, test } from 'vitest'
import type { ChainBoot } from '../boot.ts'
import { temporary } from '../testing/command.ts'
import { chainAddresses } from './chain_setting.ts'

const place = temporary()
afterAll(() => place[Symbol.dispose]())
const TOKEN = `0x${'aa'.repeat(20)}` as const
const boot = (some: Partial<ChainBoot>): ChainBoot => ({
  rpc: ['http://127.0.0.1:8545'],
  id: null,
  token: null,
  deployment: null,
  confirmations: null,
  claimAt: '1',
  ...some,
})
const file = (name: string, content: string): string => {
  writeFileSync(join(place.folder, name), content)
  return join(place.folder, name)
}

test('chainAddresses() follow from the token alone', async () => {
  expect(await chainAddresses(boot({ token: TOKEN }))).toEqual({
    ...systemAddresses({ stakeToken: TOKEN }),
    token: TOKEN,
    chainId: null,
    fromBlock: 0,
  })
})

test('chainAddresses() takes a deployment’s file, whose token a setting may replace', async () => {
  const said = { chainId: 31337, fromBlock: 9, token: `0x${'bb'.repeat(20)}`, ...systemAddresses({ stakeToken: TOKEN }) }
  const deployment = file('good.json', JSON.stringify(said))
  expect(await chainAddresses(boot({ deployment }))).toEqual(said)
  expect((await chainAddresses(boot({ deployment, token: TOKEN }))).token).toBe(TOKEN)
})

test.each([
  ['nothing at all', () => boot({}), 'Which token'],
  ['a missing file', () => boot({ deployment: join(place.folder, 'none.json') }), 'ENOENT'],
  ['no JSON', () => boot({ deployment: file('bad.json', '{') }), 'must give the address of "system"'],
  ['an address too short', () => boot({ deployment: file('short.json', '{"system":"0x12"}') }), 'must give the address of "system"'],
])('chainAddresses() refuses %s with E_CHAIN_SETTING', async (_, make, message) => {
  await expect(chainAddresses(make())).rejects.toMatchObject({
    code: 'E_CHAIN_SETTING',
    message: expect.stringContaining(message) as string,
  })
})
