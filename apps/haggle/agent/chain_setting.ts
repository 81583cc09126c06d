// Which contracts on which chain the settings mean: a deployment's file, or the addresses that follow from the token alone.

import { readFile } from 'node:fs/promises'
import { type SystemAddresses, systemAddresses } from '@haggle/chain'
import type { ChainBoot } from '../boot.ts'
import { Failure } from '../failure.ts'

/** A deployment's file is a few hundred bytes. */
const MAX_FILE_BYTES = 16_384
const PARTS = ['system', 'registry', 'vault', 'channels', 'court'] as const

/** Text of an address. */
export type Address = `0x${string}`

/** Where everything is. */
export interface ChainAddresses extends SystemAddresses {
  readonly token: Address
  /** The chain that a deployment's file is of, or null: it is the same on every chain. */
  readonly chainId: number | null
  /** Block that no contract is older than; 0 where nobody says. */
  readonly fromBlock: number
}

/** The addresses that `boot` means. Throws E_CHAIN_SETTING. */
export async function chainAddresses({ token, deployment }: ChainBoot): Promise<ChainAddresses> {
  if (deployment !== null) return await deploymentOf(deployment, token)
  if (token === null) throw setting('Which token is paid in?', 'haggle config set chain-token 0x…, or chain-deployment FILE')
  return { ...systemAddresses({ stakeToken: token as Address }), token: token as Address, chainId: null, fromBlock: 0 }
}

async function deploymentOf(path: string, token: string | null): Promise<ChainAddresses> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw setting(`Cannot read ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, 'check chain-deployment', cause)
  }
  const said = text.length > MAX_FILE_BYTES ? undefined : parsed(text)
  const address = (name: string): Address => {
    const value = said?.[name]
    if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value))
      throw setting(`${path} must give the address of "${name}"`, 'haggle devnet --json shows such a file')
    return value as Address
  }
  const [system, registry, vault, channels, court] = PARTS.map(address) as [Address, Address, Address, Address, Address]
  const chainId = said?.['chainId']
  const fromBlock = said?.['fromBlock']
  return {
    system,
    registry,
    vault,
    channels,
    court,
    token: (token as Address | null) ?? address('token'),
    chainId: typeof chainId === 'number' ? chainId : null,
    fromBlock: typeof fromBlock === 'number' ? fromBlock : 0,
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // No JSON: every address is missing, which says it.
    return undefined
  }
}

function setting(message: string, next: string, cause?: unknown): Failure {
  return new Failure('E_CHAIN_SETTING', message, { next, cause })
}
