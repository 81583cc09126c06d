// Mutants that no test can tell from the contract, and why: `<contract> <what>` as tools/contracts/mutants.ts says it.

/** Reasons by mutant. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  'PeerRegistry proveEquivocation: if (!(a.size [<= → <] b.size ? _contradict(a, b) : _contradict(b, a))) revert NoContradiction();':
    'of two heads of one size either may be the older',
  'PeerRegistry _contradict: return newer.prevSize [< → <=] older.size;': 'the line above has answered when they are equal',
  'Court openSla: if (commitReveal) always': 'where secrets do not count, nothing reads what is kept of them',
  'Court _draw: for (uint256 k = 0; k [< → <=] n * TRIES_PER_PLACE; ++k) {':
    'a draw that only the one try more completes has a chance of one in a hundred million in a pool of just four',
  'Court claimDowntime: end = one.startsAt + (end [< → <=] slots ? end : slots) * one.slotS;': 'of two equal numbers either is the least',
  'Court committeeOf: if (one.state != State.Drawn && one.state != State.Closed) never':
    'the line below answers for a case without a committee',
  'Court committeeOf: if (one.committee == 0 && n [> → >=] 1) return (seats, accounts, peerKeys);': 'no rule has fewer than four',
  'Court _clamp: return amount [> → >=] type(uint128).max ? type(uint128).max : uint128(amount);':
    'of two equal amounts either is the least',
  'HaggleSystem constructor: without assert(address(vault) == _part(2));':
    'the address of a created contract follows from its maker and the maker’s count: no other can come',
  'HaggleSystem deployCourt: without assert(made == court);': 'the same, and the count is at four as long as no court is there',
  'StakeVault _least: return a [< → <=] b ? a : b;': 'of two equal amounts either is the least',
}
