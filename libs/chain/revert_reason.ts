// Names the error in a revert's data, from every contract that is called here.

import { type Abi, decodeErrorResult, type Hex } from 'viem'
import { channelsAbi, courtAbi, peerRegistryAbi, stakeVaultAbi, testTokenAbi } from './abi/mod.ts'

/** Errors of all contracts; those of the token are the ones that OpenZeppelin's ERC-20 has (ERC-6093). */
const ERRORS: Abi = /* @__PURE__ */ [channelsAbi, courtAbi, peerRegistryAbi, stakeVaultAbi, testTokenAbi]
  .flat()
  .filter(({ type }) => type === 'error')

/**
 * The error in `data` by name, such as `NothingToClaim(500)` or `Error(transfer failed)`; undefined when it is none that is known.
 *
 * @example
 * ```ts
 * import { revertReason } from "@haggle/chain";
 * import { channelsAbi } from "@haggle/chain/abi";
 * import { encodeErrorResult } from "viem";
 * import { expect } from "vitest";
 *
 * const data = encodeErrorResult({ abi: channelsAbi, errorName: "NothingToClaim", args: [500n] });
 * expect(revertReason(data)).toBe("NothingToClaim(500)");
 * expect(revertReason("0x12345678")).toBe(undefined);
 * ```
 */
export function revertReason(data: Hex): string | undefined {
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi: ERRORS, data }) as { errorName: string; args?: readonly unknown[] }
    // A token may put anything into its error: it is shown, so it has to be short and printable.
    const shown = args.map((one) =>
      String(one)
        .replace(/[^\x20-\x7e]+/g, ' ')
        .slice(0, 80),
    )
    return `${errorName}(${shown.join(', ')})`
  } catch {
    // Data of a contract that is not ours.
    return undefined
  }
}
