// The compliance suite of stake books.

import type { StakeBook } from './stake.ts'
import type { RailTestRunner } from './_test_rail.ts'

/** How the suite makes what it tests. */
export interface StakeTestInit extends RailTestRunner {
  /** A fresh vault with two accounts that have at least 1,000,000 base units, and what transactions cost. */
  readonly make: () => Promise<{
    readonly mine: StakeBook
    readonly other: StakeBook
    /** Moves the chain's time. */
    passS(seconds: number): Promise<void>
    /** Called when a test is over. */
    stop?(): Promise<void>
  }>
}

/** Holds a {@link StakeBook} to its interface. */
export function testStakeBook(name: string, { make, it, equal }: StakeTestInit): void {
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
  const test = (title: string, run: (made: Awaited<ReturnType<StakeTestInit['make']>>) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const made = await make()
      try {
        await run(made)
      } finally {
        await made.stop?.()
      }
    })
  const NONE = { staked: 0n, locked: 0n, unbonding: 0n, unbondsAtS: null }

  test('stake() adds, for everybody to see', async ({ mine, other }) => {
    equal(await mine.stakeOf(), NONE)
    await mine.stake(600n)
    await mine.stake(400n)
    equal(await mine.stakeOf(), { ...NONE, staked: 1_000n })
    equal(await other.stakeOf(mine.account), { ...NONE, staked: 1_000n })
    equal(await mine.stakeOf(other.account), NONE)
  })

  test('stake() rejects with E_FUNDS when the account has too little', async ({ mine }) => {
    equal(await mine.stake(1n << 100n).catch(codeOf), 'E_FUNDS')
  })

  test('withdraw() gives back what was asked for, after the delay and not before', async ({ mine, passS }) => {
    await mine.stake(1_000n)
    await mine.requestUnbond(300n)
    const asked = await mine.stakeOf()
    equal([asked.staked, asked.unbonding, typeof asked.unbondsAtS], [1_000n, 300n, 'number'])
    equal(await mine.withdraw().catch(codeOf), 'E_STAKE')
    await passS(mine.unbondingS + 1)
    await mine.withdraw()
    equal(await mine.stakeOf(), { ...NONE, staked: 700n })
    equal(await mine.withdraw().catch(codeOf), 'E_STAKE')
  })

  test('requestUnbond() rejects with E_STAKE what is not free', async ({ mine }) => {
    await mine.stake(1_000n)
    equal(await mine.requestUnbond(1_001n).catch(codeOf), 'E_STAKE')
    equal(await mine.requestUnbond(0n).catch(codeOf), 'E_STAKE')
    await mine.requestUnbond(800n)
    equal(await mine.requestUnbond(201n).catch(codeOf), 'E_STAKE')
    await mine.requestUnbond(200n)
    equal((await mine.stakeOf()).unbonding, 1_000n)
  })

  test('stake() rejects with the reason of a signal that is aborted', async ({ mine }) => {
    const signal = AbortSignal.abort(new Error('enough'))
    equal(await mine.stake(5n, { signal }).catch((error: Error) => error.message), 'enough')
    equal(await mine.stakeOf(), NONE)
  })
}
