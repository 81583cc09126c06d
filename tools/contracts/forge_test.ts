import { expect, it } from 'vitest'
import { forgeMissing, forgeTest } from './forge.ts'

// The tests are written in Solidity, beside the contracts; here they get their place in the list.
const missing = await forgeMissing()
const tests = missing ? [] : await forgeTest(['--no-match-contract', 'Invariants'])

it('forge runs the tests of the contracts', ({ skip }) => {
  skip(missing !== null, missing ?? '')
  expect(tests.length).toBeGreaterThan(50)
})

for (const { contract, name, ok, reason } of tests) {
  it(`${contract} ${name}`, () => {
    expect(ok, reason).toBe(true)
  })
}
