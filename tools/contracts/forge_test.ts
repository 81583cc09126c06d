import { expect, it } from 'vitest'
import { forgeMissing, forgeTest } from './forge.ts'

// The tests are written in Solidity, beside the contracts; here they get their place in the list.
const missing = await forgeMissing()
// Not optimised, which compiles three times as fast: the bytes that are deployed are those of compile_test.ts and run on anvil.
const env = { FOUNDRY_OPTIMIZER: 'false', FOUNDRY_OUT: 'out/forge-test/artifacts', FOUNDRY_CACHE_PATH: 'out/forge-test/cache' }
// A few sequences of each campaign, the same every time; `npm run fuzz:contracts` makes more.
const campaigns = { FOUNDRY_INVARIANT_RUNS: '8', FOUNDRY_INVARIANT_DEPTH: '60', FOUNDRY_FUZZ_SEED: '0x1' }
const tests = missing ? [] : await forgeTest([], { env: { ...env, ...campaigns } })

it('forge runs the tests of the contracts', ({ skip }) => {
  skip(missing !== null, missing ?? '')
  expect(tests.length).toBeGreaterThan(50)
})

for (const { contract, name, ok, reason } of tests) {
  it(`${contract} ${name}`, () => {
    expect(ok, reason).toBe(true)
  })
}
