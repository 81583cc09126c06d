// Where the contracts are: the deterministic-deployment proxy and the addresses that follow from it, the token and the parameters.

import {
  type Address,
  concatHex,
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  getCreate2Address,
  type Hex,
  keccak256,
} from 'viem'
import { COURT_CODE } from './abi/court.ts'
import { HAGGLE_SYSTEM_CODE, haggleSystemAbi } from './abi/haggle_system.ts'
import { TEST_TOKEN_CODE, testTokenAbi } from './abi/test_token.ts'

/**
 * The proxy that deploys by CREATE2: calldata is a 32-byte salt, then creation code. The same on most chains, and part of anvil.
 *
 * https://github.com/Arachnid/deterministic-deployment-proxy
 */
export const DEPLOYER: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

/** Salt of every deployment: a contract is found by its creation code alone. */
export const SALT: Hex = '0x0000000000000000000000000000000000000000000000000000000000000000'

/** Seconds that a payee has to claim after the payer asked to close: long enough to sleep over. */
export const CLOSE_DELAY_S: number = 24 * 60 * 60

/** Seconds from asking for stake back to getting it: longer than a claim of downtime and its dispute. */
export const UNBOND_DELAY_S: number = 14 * 24 * 60 * 60

/** Base units of the stake token that a seat among the witnesses locks: 100 units at 6 decimals. */
export const WITNESS_STAKE = 100_000_000n

/** Seconds after a window's end in which it can be claimed for: a renter may be away for a day. */
export const CLAIM_S: number = 24 * 60 * 60

/** Seconds after a claim in which it can be refuted: long enough for a provider whose chain access broke. */
export const REFUTE_S: number = 12 * 60 * 60

/** Blocks from a case's opening to the block whose hash draws its committee: nobody who opens can know it. */
export const DRAW_DELAY = 4

/** Constants of the court (spec/court.md). */
export interface CourtConstants {
  /** Default {@link WITNESS_STAKE}. */
  readonly witnessStake?: bigint
  /** Default {@link CLAIM_S}. */
  readonly claimS?: number
  /** Default {@link REFUTE_S}. */
  readonly refuteS?: number
  /** Default {@link DRAW_DELAY}; at least 2. */
  readonly drawDelay?: number
  /** True where a block's hash is constant or set by a sequencer. Default false. */
  readonly commitReveal?: boolean
}

/** What a deployment is made of. All of it is fixed for good, and another value is another deployment. */
export interface SystemParameters {
  /** The ERC-20 of stakes and bonds. Channels take any token. */
  readonly stakeToken: Address
  /** Default {@link CLOSE_DELAY_S}. */
  readonly closeDelayS?: number
  /** Default {@link UNBOND_DELAY_S}. */
  readonly unbondDelayS?: number
  /** Default: each as {@link CourtConstants} says. */
  readonly court?: CourtConstants
}

/** Addresses of one deployment. */
export interface SystemAddresses {
  /** `HaggleSystem`, which made the others. */
  readonly system: Address
  readonly registry: Address
  readonly vault: Address
  readonly channels: Address
  readonly court: Address
}

/**
 * Address that `creationCode` (with its constructor's arguments) gets through {@link DEPLOYER}, on every chain that has the proxy.
 *
 * @example
 * ```ts
 * import { deployedAddress } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * expect(deployedAddress("0x00")).toMatch(/^0x[0-9a-fA-F]{40}$/);
 * ```
 */
export function deployedAddress(creationCode: Hex): Address {
  return getCreate2Address({ from: DEPLOYER, salt: SALT, bytecodeHash: keccak256(creationCode) })
}

/** Calldata for {@link DEPLOYER} that deploys `creationCode`. */
export function deployCalldata(creationCode: Hex): Hex {
  return concatHex([SALT, creationCode])
}

/** Creation code of a whole system: `HaggleSystem` with its arguments. */
export function systemCode({
  stakeToken,
  closeDelayS = CLOSE_DELAY_S,
  unbondDelayS = UNBOND_DELAY_S,
  court: { witnessStake = WITNESS_STAKE, claimS = CLAIM_S, refuteS = REFUTE_S, drawDelay = DRAW_DELAY, commitReveal = false } = {},
}: SystemParameters): Hex {
  const parameters = {
    stakeToken,
    closeDelay: BigInt(closeDelayS),
    unbondDelay: BigInt(unbondDelayS),
    witnessStake,
    claimS: BigInt(claimS),
    refuteS: BigInt(refuteS),
    drawDelay,
    commitReveal,
    courtCodeHash: keccak256(COURT_CODE),
  }
  return encodeDeployData({ abi: haggleSystemAbi, bytecode: HAGGLE_SYSTEM_CODE, args: [parameters] })
}

/** Calldata for a deployed `HaggleSystem` that makes its court, whose code is too long to travel with the rest. Anybody may send it, once. */
export function courtCalldata(): Hex {
  return encodeFunctionData({ abi: haggleSystemAbi, functionName: 'deployCourt', args: [COURT_CODE] })
}

/**
 * Where a system with these parameters is, on every chain, whether somebody has deployed it yet or not.
 *
 * @example
 * ```ts
 * import { systemAddresses } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const stakeToken = "0x00000000000000000000000000000000000000aa";
 * const { channels } = systemAddresses({ stakeToken });
 * expect(systemAddresses({ stakeToken, closeDelayS: 60 }).channels).not.toBe(channels);
 * ```
 */
export function systemAddresses(parameters: SystemParameters): SystemAddresses {
  const system = deployedAddress(systemCode(parameters))
  // The order in which the constructor of HaggleSystem makes them; a contract's nonce begins at 1.
  const part = (nonce: bigint): Address => getContractAddress({ from: system, nonce })
  return { system, registry: part(1n), vault: part(2n), channels: part(3n), court: part(4n) }
}

/** A token for tests and devnets, worth nothing. */
export interface TestTokenParameters {
  readonly name: string
  readonly symbol: string
  readonly decimals: number
  /** Who gets all of it. */
  readonly holder: Address
  /** Base units. */
  readonly supply: bigint
}

/** Creation code of a {@link TestTokenParameters | test token}. */
export function testTokenCode({ name, symbol, decimals, holder, supply }: TestTokenParameters): Hex {
  return encodeDeployData({ abi: testTokenAbi, bytecode: TEST_TOKEN_CODE, args: [name, symbol, decimals, holder, supply] })
}
