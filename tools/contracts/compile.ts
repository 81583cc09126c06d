// Makes libs/chain/abi from the contracts: `node tools/contracts/compile.ts [--check]`. With --check it only says whether they are what the compiler makes.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { flag, namedCommand } from '../named_command.ts'
import { abiFiles } from './abi_files.ts'
import { ROOT } from './solc.ts'

const OUTPUT = join(ROOT, 'libs/chain/abi')

function compile(isCheck: boolean) {
  mkdirSync(OUTPUT, { recursive: true })
  const files = abiFiles()
  const here = new Map(readdirSync(OUTPUT).map((name) => [name, readFileSync(join(OUTPUT, name), 'utf8')]))
  const changed = [...new Set([...files.keys(), ...here.keys()])].filter((name) => files.get(name) !== here.get(name)).toSorted()
  for (const name of changed) {
    console.error(`${isCheck ? 'out of date' : 'written'}: libs/chain/abi/${name}`)
    if (isCheck) continue
    const text = files.get(name)
    if (text === undefined) rmSync(join(OUTPUT, name))
    else writeFileSync(join(OUTPUT, name), text)
  }
  const ok = !isCheck || changed.length === 0
  if (!ok) console.error('run: node tools/contracts/compile.ts')
  return { ok, files: [...files.keys()], changed }
}

await namedCommand({
  name: 'compile:contracts',
  what: 'makes libs/chain/abi from the contracts',
  options: { check: flag('only say whether it is what the compiler makes') },
  run: ({ check }) => compile(check),
})
