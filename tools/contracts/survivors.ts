// Mutants that no test can tell from the contract, and why: `<contract> <what>` as tools/contracts/mutants.ts says it.

/** Reasons by mutant. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  'PeerRegistry proveEquivocation: if (!(a.size [<= → <] b.size ? _contradict(a, b) : _contradict(b, a))) revert NoContradiction();':
    'of two heads of one size either may be the older',
  'PeerRegistry _contradict: return newer.prevSize [< → <=] older.size;': 'the line above has answered when they are equal',
  'HaggleSystem constructor: without assert(address(vault) == _part(2));':
    'the address of a created contract follows from its maker and the maker’s count: no other can come',
  'HaggleSystem deployCourt: without assert(made == court);': 'the same, and the count is at four as long as no court is there',
  'StakeVault _least: return a [< → <=] b ? a : b;': 'of two equal amounts either is the least',
}
