import { expect, it } from 'vitest'
import { mutantsOf } from './mutants.ts'
import { beneficiary, complainedOf, refused, schemata } from './schemata.ts'
import { compileSources } from './solc.ts'

const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract A {
    uint256 public x;

    function set(uint256 to) external {
        if (to < 3) revert();
        x = double(to);
    }

    function double(uint256 of_) public pure returns (uint256) {
        return of_ + of_;
    }
}
`

it('schemata() makes one source of all mutants that compiles', () => {
  const mutants = mutantsOf(SOURCE)
  const text = schemata(SOURCE, mutants, new Set(mutants.keys()))
  for (const index of mutants.keys()) expect(text).toContain(`== address(${index + 1}))`)
  expect(text).toContain('if (to <= 3) revert();')
  expect(text).toContain('return of_ - of_;')
  // It warns of code that is never reached; an error would say so.
  expect(() => compileSources({ 'A.sol': text })).not.toThrow(/^\w*Error/m)
})

it('schemata() leaves out what is not included', () => {
  const mutants = mutantsOf(SOURCE)
  expect(schemata(SOURCE, mutants, new Set())).toBe(SOURCE.replace('public pure', 'public view'))
})

it('refused() names the mutants that the compiler complains of', () => {
  const text = 'a\nif (block.coinbase == address(8)) /* mutant 7 */ {\n  bad;\n}\n'
  expect(refused(text, 'A.sol', 'Error: no\n --> x/A.sol:3:1:\n --> x/B.sol:3:1:')).toEqual(new Set([7]))
})

it('beneficiary() is never the zero of the contract as it is', () => {
  expect(beneficiary(0)).toBe(`0x${'0'.repeat(39)}1`)
})

it('complainedOf() names a function whose head the compiler complains of, and refused() blames no mutant above it for that', () => {
  const text =
    'if (block.coinbase == address(8)) /* mutant 7 */ {\n}\n    function own() {\n  if (block.coinbase == address(9)) /* mutant 8 */ {\n'
  expect([...complainedOf(text, 'A.sol', 'Error: no\n --> x/A.sol:3:5:')]).toEqual(['own'])
  expect(refused(text, 'A.sol', 'Error: no\n --> x/A.sol:3:5:')).toEqual(new Set())
})
