// A relay that is a witness takes its seat: with what it lacks of the stake, once.

import type { StakeBook } from '@haggle/payment'
import { memoryCourts } from '@haggle/witness/testing'
import { expect, it } from 'vitest'
import { parseOptions } from './options.ts'
import { startWitness, takeSeat } from './witness.ts'

const ACCOUNT = new Uint8Array(20).fill(1)
const KEY = new Uint8Array(32).fill(2)
const parameters = {
  chain: 31_337,
  court: new Uint8Array(20).fill(9),
  witnessStake: 100n,
  claimS: 60,
  refuteS: 60,
  drawDelay: 2,
  commitReveal: false,
}

it('takeSeat() stakes what the seat needs and is not free yet, and takes one seat only', async () => {
  const chain = memoryCourts({ parameters, now: () => 0 })
  const { vault } = chain.model
  vault.stake(ACCOUNT, 130n)
  vault.lock(ACCOUNT, KEY, 50n)
  const put: bigint[] = []
  const stake = {
    stakeOf: async () => ({ staked: vault.stakedOf(ACCOUNT), locked: vault.lockedOf(ACCOUNT), unbonding: 0n, unbondsAtS: null }),
    stake: async (amount: bigint) => {
      put.push(amount)
      vault.stake(ACCOUNT, amount)
      return { hash: '0x', block: 1, gasUsed: 0n }
    },
  } as unknown as StakeBook
  const court = chain.court(ACCOUNT)
  await takeSeat({ court, stake, peerKey: KEY })
  await takeSeat({ court, stake, peerKey: KEY })
  expect(put).toEqual([20n])
  expect(await court.seatOf(ACCOUNT)).toMatchObject({ seat: 0, peerKey: KEY })
})

const CHAIN = ['--witness', '--chain-rpc', 'http://127.0.0.1:1', '--wallet-passphrase-file', '/tmp/none']

it('parseOptions() reads a witness, whose wallet is in the home unless it is named', () => {
  const options = parseOptions(['--home', '/h', ...CHAIN, '--chain-token', '0xaa'])
  expect(options).toMatchObject({
    witness: { rpc: ['http://127.0.0.1:1'], token: '0xaa', deployment: undefined, wallet: '/h/wallet', passphraseFile: '/tmp/none' },
  })
  expect(parseOptions([])).toMatchObject({ witness: undefined })
})

it.each([
  ['no chain', ['--witness', '--wallet-passphrase-file', 'p', '--chain-token', '0xaa'], '--chain-rpc'],
  ['no passphrase', ['--witness', '--chain-rpc', 'u', '--chain-token', '0xaa'], '--wallet-passphrase-file'],
  ['no contracts', CHAIN, '--chain-deployment'],
  ['contracts twice', [...CHAIN, '--chain-token', '0xaa', '--chain-deployment', 'f'], '--chain-deployment'],
])('parseOptions() refuses a witness with %s', (_, argv, named) => {
  expect(() => parseOptions(argv)).toThrow(expect.objectContaining({ code: 'E_USAGE', message: expect.stringContaining(named) as string }))
})

it('startWitness() fails before it begins when its passphrase can not be read', async () => {
  const witness = { rpc: ['http://127.0.0.1:1'], deployment: undefined, token: '0xaa', wallet: '/none', passphraseFile: '/none/passphrase' }
  await expect(startWitness(witness, {} as never)).rejects.toMatchObject({ code: 'E_WALLET_PASSPHRASE' })
})
