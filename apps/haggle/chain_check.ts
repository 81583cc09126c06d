// What haggle verify asks of a chain about a file that is good by itself, and how it says what could not be asked.

import { anchorOnChain, chainRpc, type ChainVerdict, headOnChain, openChain, type RegistryPlace } from '@haggle/chain'
import { nodeSuite } from '@haggle/identity/node'
import { systemClock, toHex } from '@haggle/wire'
import { chainAddresses } from './agent/chain_setting.ts'
import type { ChainBoot } from './boot.ts'
import type { OnChain } from './evidence.ts'
import { describe } from './failure.ts'
import { safe } from './term.ts'

/** Nobody waits longer for a chain that does not answer. */
const CHECK_MS = 20_000
const MS_PER_S = 1000

/** What the chain says. */
export interface ChainCheck {
  /** False: the file says that something is anchored, and the chain has nothing of it. */
  readonly ok: boolean
  readonly lines: readonly string[]
  /** As {@link ChainVerdict}, bytes in hex. */
  readonly json: object
}

/** Asks the chain of `boot`; null: none is set. What can't be asked is said, and is no failure. */
export async function chainCheck(claim: OnChain, boot: ChainBoot | null): Promise<ChainCheck> {
  const suite = nodeSuite()
  const signal = AbortSignal.timeout(CHECK_MS)
  let place: RegistryPlace | null = null
  let why: { code: string; message: string } | undefined
  try {
    place = boot === null ? null : await placeOf(boot)
  } catch (error) {
    why = describe(error)
  }
  const verdict =
    claim.kind === 'head' ? await headOnChain(claim.head, { place, suite, signal }) : await anchorOnChain(claim.proof, { place, signal })
  const unchecked = why === undefined ? verdict.unchecked : verdict.unchecked.map((one) => ({ ...one, code: why.code, why: why.message }))
  return {
    ok: verdict.state !== 'absent' || claim.kind === 'head',
    lines: linesOf({ ...verdict, unchecked }),
    json: { ...verdict, unchecked, account: verdict.account === null ? null : `0x${toHex(verdict.account)}` },
  }
}

function linesOf({ state, chainId, account, block, atS, transaction, unchecked }: ChainVerdict): string[] {
  if (state === 'anchored') {
    const when = atS === null ? '' : `, ${new Date(atS * MS_PER_S).toISOString().slice(0, 19).replace('T', ' ')} UTC`
    return [
      `anchored  on chain ${chainId} in block ${block}${when}`,
      `          by 0x${toHex(account ?? new Uint8Array())}, transaction ${transaction}`,
    ]
  }
  if (state === 'absent') return [`anchored  no: chain ${chainId} has nothing of this head by an account that signs for its owner`]
  const [first] = unchecked
  return [
    `anchored  not checked: ${safe(first?.why ?? 'no chain was asked', 200)} (${first?.code ?? 'E_CHAIN_NONE'})`,
    '          haggle verify FILE --rpc URL --chain-token 0x…',
  ]
}

async function placeOf(boot: ChainBoot): Promise<RegistryPlace> {
  const { registry, chainId: said } = await chainAddresses(boot)
  const clock = systemClock()
  const { chainIdOf } = await import('./agent/chain_id.ts')
  const chainId = boot.id ?? said ?? (await chainIdOf(boot.rpc[0] ?? ''))
  return { chain: openChain({ rpc: chainRpc({ urls: boot.rpc, chainId, clock }), chainId, clock }), contract: registry }
}
