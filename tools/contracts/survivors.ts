// Mutants that no test can tell from the contract, and why: `<contract> <what>` as tools/contracts/mutants.ts says it.

/** Reasons by mutant. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  'PeerRegistry proveEquivocation: if (!(a.size [<= → <] b.size ? _contradict(a, b) : _contradict(b, a))) revert NoContradiction();':
    'of two heads of one size either may be the older',
  'PeerRegistry _contradict: return newer.prevSize [< → <=] older.size;': 'the line above has answered when they are equal',
  'StakeVault _least: return a [< → <=] b ? a : b;': 'of two equal amounts either is the least',
}
