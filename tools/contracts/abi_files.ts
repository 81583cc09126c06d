// What libs/chain/abi holds: one TypeScript file for each contract, with its ABI and its creation code.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Compiled, compileSources, CONTRACTS } from './solc.ts'

/** Sources of the contracts themselves, tests left out, by file name. */
export function contractSources(): Record<string, string> {
  const names = globSync('*.sol', { cwd: CONTRACTS }).toSorted()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(CONTRACTS, name), 'utf8')]))
}

const words = (name: string): string[] => name.split(/(?=[A-Z][a-z])/)
const camel = (name: string): string => name.replace(/^[A-Z]+(?=[A-Z]|$)|^[A-Z]/, (start) => start.toLowerCase())
const snake = (name: string): string => words(name).join('_').toLowerCase()

/** Text of one file: an item of the ABI a line, so that a change shows as what it is. */
function abiFile(name: string, { abi, code }: Compiled): string {
  const constant = `${snake(name).toUpperCase()}_CODE`
  return `// Made from contracts/${name}.sol by tools/contracts/compile.ts; not to be edited.

/** ABI of {@link ${constant} | ${name}}. */
export const ${camel(name)}Abi = [
${abi.map((item) => `  ${JSON.stringify(item)},`).join('\n')}
] as const

/** Creation code of ${name}; the constructor's arguments follow it. */
export const ${constant} =
  '${code}'
`
}

/** Every file of libs/chain/abi as text, by its name there. Compiles, which takes seconds. */
export function abiFiles(): ReadonlyMap<string, string> {
  const sources = contractSources()
  const compiled = compileSources(sources)
  const files = new Map<string, string>()
  // Interfaces and the helpers of a source have no file: what has a file is the contract that the source is named after.
  const names = Object.keys(sources)
    .map((source) => source.replace(/\.sol$/, ''))
    .filter((name) => compiled.get(name)?.code !== '0x')
  for (const name of names) {
    const contract = compiled.get(name)
    if (contract === undefined) throw new Error(`contracts/${name}.sol has no contract of that name`)
    files.set(`${snake(name)}.ts`, abiFile(name, contract))
  }
  const exports = names.map((name) => `export * from './${snake(name)}.ts'\n`).join('')
  return files.set(
    'mod.ts',
    `/**
 * ABI and creation code of every contract, made by \`tools/contracts/compile.ts\`.
 *
 * @example
 * \`\`\`ts
 * import { channelsAbi, CHANNELS_CODE } from "@haggle/chain/abi";
 * import { expect } from "vitest";
 *
 * expect(channelsAbi.some((item) => item.type === "function" && item.name === "open")).toBe(true);
 * expect(CHANNELS_CODE).toMatch(/^0x[0-9a-f]+$/);
 * \`\`\`
 *
 * @module
 */
${exports}`,
  )
}
