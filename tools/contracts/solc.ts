// The Solidity compiler from npm, in this process, with the one set of settings that all of the project's bytes come from.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

/** Root of the repository. */
export const ROOT: string = join(import.meta.dirname, '../..')

/** Folder of the contracts. */
export const CONTRACTS: string = join(ROOT, 'libs/chain/contracts')

/**
 * Settings of every build. No metadata hash, so that the bytes depend on nothing but the code; `cancun` for transient storage, which every chain that matters
 * has.
 */
export const SETTINGS = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10_000 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
} as const

/** One item of an ABI, as the compiler prints it. */
export type AbiItem = Readonly<Record<string, unknown>>

/** One compiled contract. */
export interface Compiled {
  readonly abi: readonly AbiItem[]
  /** Creation code, `0x…`. */
  readonly code: string
  /** Code that is deployed, with zeros for immutables, `0x…`. */
  readonly runtime: string
}

interface Output {
  readonly errors?: readonly {
    readonly severity: string
    readonly formattedMessage: string
    readonly sourceLocation?: { readonly file: string }
  }[]
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<Record<string, { abi: AbiItem[]; evm: { bytecode: { object: string }; deployedBytecode: { object: string } } }>>
    >
  >
}

const require = createRequire(import.meta.url)

/** Text of an import that is not a source of ours: from a package of npm. */
export function importedSource(path: string): string {
  return readFileSync(require.resolve(path), 'utf8')
}

/**
 * Compiles sources and returns every contract in them by name. Throws with the compiler's own words when it finds an error or has a warning about them;
 * what it says about a package's sources is the package's.
 */
export function compileSources(sources: Readonly<Record<string, string>>): ReadonlyMap<string, Compiled> {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: { ...SETTINGS, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } } },
  }
  const findImports = (path: string): { contents: string } | { error: string } => {
    try {
      return { contents: importedSource(path) }
    } catch (error) {
      return { error: String(error) }
    }
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImports })) as Output
  const ours = output.errors?.filter(({ severity, sourceLocation }) => severity === 'error' || !sourceLocation?.file.startsWith('@')) ?? []
  if (ours.length > 0) throw new Error(ours.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const contracts = new Map<string, Compiled>()
  for (const path of Object.keys(sources)) {
    for (const [name, { abi, evm }] of Object.entries(output.contracts?.[path] ?? {})) {
      contracts.set(name, { abi, code: `0x${evm.bytecode.object}`, runtime: `0x${evm.deployedBytecode.object}` })
    }
  }
  return contracts
}
