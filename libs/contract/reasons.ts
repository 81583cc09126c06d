// The closed lists of reasons: why a provider refuses, why a side cancels, why a receipt stands alone.

/**
 * Why a provider says REJECTED.
 *
 * - `capacity`: nothing free that fits
 * - `price`: the price asked for is not this provider's price now
 * - `constraint`: a property of the demand or the terms can't be met; `path` names it
 * - `trust`: the provider does not serve this renter (yet)
 * - `policy`: the provider's own rules say no
 * - `funding`: the funding proof does not check
 * - `unsupported`: the runner, rail, unit or feature is not known here
 * - `expired`: too late, or nobody decided in time
 */
export type RejectReason = 'capacity' | 'price' | 'constraint' | 'trust' | 'policy' | 'funding' | 'unsupported' | 'expired'

/** Every {@link RejectReason}, in the order of the specification. */
export const REJECT_REASONS: readonly ['capacity', 'price', 'constraint', 'trust', 'policy', 'funding', 'unsupported', 'expired'] = [
  'capacity',
  'price',
  'constraint',
  'trust',
  'policy',
  'funding',
  'unsupported',
  'expired',
]

/**
 * Why a side says CANCEL.
 *
 * - `user`: the person or program on this side no longer wants it
 * - `elsewhere`: the renter took another provider's answer
 * - `lapsed`: the renter let its own turn pass
 * - `expired`: the other side's turn passed without an answer
 * - `unacked`: the provider ran a tick and the renter never acknowledged CONFIRM
 * - `staging`: READY did not come in the terms' `stagingMs`, or START did not
 * - `meter`: usage beyond what the renter's own time allows
 * - `silent`: the provider's METERs stopped
 * - `idle`: the renter has been gone for the terms' `idleMs`
 * - `unpaid`: no voucher within the terms' `graceMs` on a rail that pays ahead
 * - `reclaim`: the provider needs the machine and gave notice
 * - `lost`: the provider's host lost the job
 * - `shutdown`: the side's node goes down
 */
export type CancelReason =
  | 'user'
  | 'elsewhere'
  | 'lapsed'
  | 'expired'
  | 'unacked'
  | 'staging'
  | 'meter'
  | 'silent'
  | 'idle'
  | 'unpaid'
  | 'reclaim'
  | 'lost'
  | 'shutdown'

/** Every {@link CancelReason}, in the order of the specification. */
export const CANCEL_REASONS: readonly [
  'user',
  'elsewhere',
  'lapsed',
  'expired',
  'unacked',
  'staging',
  'meter',
  'silent',
  'idle',
  'unpaid',
  'reclaim',
  'lost',
  'shutdown',
] = ['user', 'elsewhere', 'lapsed', 'expired', 'unacked', 'staging', 'meter', 'silent', 'idle', 'unpaid', 'reclaim', 'lost', 'shutdown']

/**
 * Why a RECEIPT does not simply agree.
 *
 * - `silent`: the other side did not answer in time
 * - `meter`: the renter's own time does not allow this usage
 * - `output`: the result is not what RESULT says
 */
export type ReceiptReason = 'silent' | 'meter' | 'output'

/** Every {@link ReceiptReason}, in the order of the specification. */
export const RECEIPT_REASONS: readonly ['silent', 'meter', 'output'] = ['silent', 'meter', 'output']
