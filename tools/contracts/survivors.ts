// Mutants that no test can tell from the contract, and why: `<contract> <what>` as tools/contracts/mutants.ts says it.

/** Reasons by mutant. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  'StakeVault _least: return a [< → <=] b ? a : b;': 'of two equal amounts either is the least',
}
