import { describe, expect, it } from 'vitest'
import { localAccount } from './account.ts'
import { memoryCourts } from './memory_court.ts'
import { testCourt } from './testing_court.ts'

const signers = Array.from({ length: 10 }, (_, i) => localAccount(new Uint8Array(32).fill(i + 1)))

describe('CourtModel', () => {
  testCourt('memoryCourts', {
    it: (title, run) => it(title, run),
    equal: (actual, expected) => expect(actual).toEqual(expected),
    make: async ({ commitReveal }) => {
      let nowMs = 1_800_000_000_000
      const parameters = {
        chain: 31_337,
        court: new Uint8Array(20).fill(7),
        witnessStake: 100_000n,
        claimS: 600,
        refuteS: 300,
        drawDelay: 2,
        commitReveal,
      }
      const chain = memoryCourts({ parameters, now: () => nowMs })
      for (const { account } of signers) chain.model.vault.stake(account, 1_000_000n)
      return {
        signers,
        court: (account) => chain.court(signers[account]!.account),
        pass: async (seconds) => void (nowMs += seconds * 1_000),
        mine: async (blocks) => chain.mine(blocks),
        staked: async (account) => chain.model.vault.stakedOf(signers[account]!.account),
      }
    },
  })
})
