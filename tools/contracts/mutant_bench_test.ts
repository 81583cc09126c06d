import { expect, it } from 'vitest'
import { forgeMissing } from './forge.ts'
import { mutantBench } from './mutant_bench.ts'
import { mutantsOf } from './mutants.ts'
import { schemata } from './schemata.ts'

const missing = await forgeMissing()
/** Three compilations, on a machine that may be busy. */
const LIMIT_MS = 600_000

it('mutantBench() tells a contract from its mutants', { timeout: LIMIT_MS }, async ({ skip }) => {
  skip(missing !== null, missing ?? '')
  await using bench = await mutantBench('StakeVault', 'tests')
  const mutants = mutantsOf(bench.source)
  const chosen = new Set([...mutants.keys()].filter((index) => /^lock: if|^withdraw: if/.test(mutants[index]?.what ?? '')))
  expect(chosen.size).toBeGreaterThan(3)
  const text = schemata(bench.source, mutants, chosen)
  expect(await bench.build(text)).toBe('')
  expect(await bench.try(text, [])).toEqual({ killed: false, by: '' })
  for (const index of chosen) {
    const beneficiary = `0x${(index + 1).toString(16).padStart(40, '0')}`
    expect(await bench.try(text, ['--block-coinbase', beneficiary]), mutants[index]?.what).toMatchObject({ killed: true })
  }
  expect(await bench.build(text.replace('contract StakeVault', 'contract'))).toContain('Compiler run failed')
})
