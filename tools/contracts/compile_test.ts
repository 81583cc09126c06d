import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { abiFiles } from './abi_files.ts'
import { compileSources, ROOT } from './solc.ts'

// Seconds of work, which a busy machine makes many of.
const COMPILE_MS = 300_000

it('libs/chain/abi holds what the compiler makes of the contracts, byte for byte', { timeout: COMPILE_MS }, () => {
  const folder = join(ROOT, 'libs/chain/abi')
  const made = abiFiles()
  expect(readdirSync(folder).toSorted()).toEqual([...made.keys()].toSorted())
  for (const [name, text] of made) expect(readFileSync(join(folder, name), 'utf8') === text, `${name} is out of date`).toBe(true)
})

it('compileSources() refuses a source with an error, and one with a warning', () => {
  const head = '// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n'
  expect(() => compileSources({ 'A.sol': `${head}contract A { uint256 x = y; }` })).toThrow(/Undeclared identifier/)
  expect(() => compileSources({ 'A.sol': `${head}contract A { function f() external pure { uint256 x; } }` })).toThrow(
    /Unused local variable/i,
  )
})
