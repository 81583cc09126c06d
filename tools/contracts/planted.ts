// Bugs that the campaigns of invariants must find: each is a change of one contract that breaks one promise.

/** A bug of one contract: `find`, which stands in its source once, becomes `replace`. */
export interface Planted {
  readonly bug: string
  /** `Channels`; its campaign is `ChannelsInvariants`. */
  readonly contract: string
  readonly find: string
  readonly replace: string
}

const inChannels = (bug: string, find: string, replace: string): Planted => ({ bug, contract: 'Channels', find, replace })
const inVault = (bug: string, find: string, replace: string): Planted => ({ bug, contract: 'StakeVault', find, replace })
const inCourt = (bug: string, find: string, replace: string): Planted => ({ bug, contract: 'Court', find, replace })
const inRegistry = (bug: string, find: string, replace: string): Planted => ({ bug, contract: 'PeerRegistry', find, replace })

/** The contract's source with the bug in it. Throws when the place is not there, or there more than once. */
export function plant(source: string, { bug, find, replace }: Planted): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`"${bug}" has ${parts.length - 1} places, not one`)
  return parts.join(replace)
}

/** Every planted bug. */
export const PLANTED: readonly Planted[] = [
  inChannels('claims above the voucher', 'if (amount > cumulative) revert', 'if (false) revert'),
  inChannels(
    'claims above the deposit',
    'if (amount > channel.deposit) revert AmountAboveDeposit(amount, channel.deposit);\n        bytes32 digest',
    'bytes32 digest',
  ),
  inChannels('each claim pays everything again', 'return _net(amount) - _net(claimed);', 'return _net(amount);'),
  inChannels('a claim is not written down', 'channel.claimed = amount;\n        emit', 'emit'),
  inChannels('a claim may fall', 'channel.claimed = amount;\n        emit', 'channel.claimed = amount / 2;\n        emit'),
  inChannels('vouchers are not checked', 'if (ECDSA.recoverCalldata(digest, sig) != channel.signer)', 'if (false)'),
  inChannels(
    'vouchers fit every chain and contract',
    'bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, id, cumulative)));\n        if (ECDSA.recoverCalldata(digest, sig) != channel.signer)',
    'bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, id, cumulative)));\n        if (ECDSA.recoverCalldata(digest, sig) != channel.signer && sig[0] < 0x80)',
  ),
  inChannels('anybody claims', 'if (msg.sender != channel.payee) revert NotPayee();', ''),
  inChannels('a deposit leaves before the delay is over', 'if (block.timestamp < closesAt) revert ClosesLater(closesAt);', ''),
  inChannels('a closed channel stays open', 'channel.status = Status.Closed;', ''),
  inChannels(
    'an epoch is not counted',
    '[_pair(payer, channel.payee, address(token))] = channel.epoch + 1',
    '[_pair(payer, channel.payee, address(token))] = channel.epoch',
  ),
  inChannels(
    'what was asked for counts, not what arrives',
    'uint256 arrived = token.balanceOf(address(this)) - before;',
    'uint256 arrived = token.balanceOf(address(this)) - before == 0 ? 0 : amount;',
  ),
  inChannels('opening can be entered twice', 'address signer) external nonReentrant returns', 'address signer) external returns'),
  inChannels('a failed payment is forgotten', 'credits[address(token)][to] += amount;', ''),
  inChannels('a credit is paid again and again', 'credits[token][msg.sender] = 0;', ''),
  inChannels(
    'one side closes for both',
    'if (!SignatureChecker.isValidSignatureNowCalldata(channel.payee, digest, payeeSig)) revert SignatureInvalid();',
    '',
  ),
  inChannels('the burned share is another', 'BURN_PER_MILLE = 5', 'BURN_PER_MILLE = 4'),
  inChannels(
    'a closing channel is topped up',
    'if (channel.closesAt != 0) revert ChannelClosing(id);\n        uint256 deposit',
    'uint256 deposit',
  ),
  inVault('a lock takes what is not free', '_checkFree(holder, amount);', ''),
  inVault('what is locked unbonds', '_checkFree(account, amount);', ''),
  inVault('stake leaves before the delay is over', 'if (block.timestamp < account.unbondsAt) revert UnbondsLater(account.unbondsAt);', ''),
  inVault('a withdrawal is not written down', 'account.staked -= amount;\n        emit', 'emit'),
  inVault('a slash leaves its lock', '_locks[account][id] -= taken;', ''),
  inVault(
    'a slash is not bounded by its lock',
    'taken = _least(amount, _locks[account][id]);',
    'taken = _least(amount, _accounts[account].locked);',
  ),
  inVault('the victim comes last', '_share(account, victim, taken, _least(toVictim, taken));', '_share(account, victim, taken, 0);'),
  inVault('anybody slashes', 'if (msg.sender != court) revert NotCourt();', ''),
  inVault('anybody condemns', 'if (msg.sender != registry) revert NotRegistry();', ''),
  inVault('what unbonds escapes a condemnation', 'holder.unbonding = 0;', ''),
  inVault('what a condemned account has locked gets free', 'if (holder.condemned) {', 'if (false) {'),
  inVault('a condemned account stakes again', 'if (account.condemned) revert AccountCondemned();', ''),
  inRegistry('an anchor of the same size', 'if (size <= anchored) revert', 'if (size < anchored) revert'),
  inRegistry('an anchor that shrinks', 'if (size <= anchored) revert', 'if (size == anchored) revert'),
  inRegistry('somebody else forks in my name', 'if (signer != ECDSA.recoverCalldata(headDigest(b), sigB)) revert DifferentSigners();', ''),
  inRegistry('two logs are one', 'if (a.peerKey != b.peerKey || a.log != b.log) revert', 'if (a.peerKey != b.peerKey) revert'),
  inRegistry('a gap between heads is a fork', 'return newer.prevSize < older.size;', 'return true;'),
  inRegistry('a head that leaves one out is none', 'return newer.prevSize < older.size;', 'return false;'),
  inRegistry('a head that follows another root is none', 'return newer.prevRoot != older.root;', 'return false;'),
  inRegistry('judged twice', 'if (convicted[signer]) revert AlreadyConvicted();', ''),
  inCourt('a slot is claimed twice', 'if (claimedSlots[id][window] & mask != 0) revert SlotClaimed();', ''),
  inCourt('a bitmap counts for slots that it does not name', '|| bitmap.down & mask != mask) revert', ') revert'),
  inCourt('a verdict falls twice', 'if (one.finalized) revert WrongState();', ''),
  inCourt('a verdict falls before the time to refute is over', 'if (standing != 0 && block.timestamp <= one.until) revert TooEarly();', ''),
  inCourt('a slash is ten times what the rule allows', '_clamp(missed * its.factor)', '_clamp(missed * its.factor * 10)'),
  inCourt('a refuted bond is owed twice', '_count(one.refuted) * price;', '_count(one.refuted) * price * 2;'),
]
