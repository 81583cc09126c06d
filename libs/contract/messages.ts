// The message types of a negotiation and of the contract that comes of it, ready to be sealed and opened.

import { bytes, fields, type MessageType, type Schema, uint } from '@haggle/wire'
import {
  type AcceptBody,
  acceptSchema,
  type CancelBody,
  cancelSchema,
  type ConfirmBody,
  confirmSchema,
  type CounterBody,
  counterSchema,
  type GrantBody,
  grantSchema,
  type MeterBody,
  meterBodySchema,
  type QuoteBody,
  type QuoteReqBody,
  quoteReqSchema,
  quoteSchema,
  type ReadyBody,
  readySchema,
  type ReceiptBody,
  receiptSchema,
  type ReclaimBody,
  reclaimSchema,
  type RejectedBody,
  rejectedSchema,
  type ResultBody,
  resultSchema,
  type StartBody,
  startSchema,
  type VoucherBody,
  voucherSchema,
} from './bodies.ts'

/** The two parties of a thread. The renter opens it. */
export type Role = 'renter' | 'provider'

/** The body of each message type. */
export interface Bodies {
  /** Renter asks what it would cost. */
  'quote-req': QuoteReqBody
  /** Provider names terms. */
  quote: QuoteBody
  /** Renter names other terms. */
  counter: CounterBody
  /** Renter takes terms. */
  accept: AcceptBody
  /** Provider confirms the contract. */
  confirm: ConfirmBody
  /** Provider refuses. */
  rejected: RejectedBody
  /** Either side ends it. */
  cancel: CancelBody
  /** Renter says what to run. */
  start: StartBody
  /** Provider says that it runs. */
  ready: ReadyBody
  /** Provider says what was used. */
  meter: MeterBody
  /** Renter says what it owes. */
  voucher: VoucherBody
  /** Provider says how it ended. */
  result: ResultBody
  /** Either side closes. */
  receipt: ReceiptBody
  /** Provider will need the machine. */
  'reclaim-notice': ReclaimBody
  /** Renter lets someone else in. */
  grant: GrantBody
}

/** Names of the messages, as they stand in envelopes. */
export type ContractMessageName = keyof Bodies

function message<N extends ContractMessageName>(type: N, schema: Schema<Bodies[N]>, maxLifetimeS: number): MessageType<Bodies[N]> {
  return { type, schema, maxLifetimeS, thread: true, audience: true }
}

/** Longest `exp - iat` of each message, seconds. ACCEPT's is what CONFIRM has to beat. */
export const LIFETIME_S: Readonly<Record<ContractMessageName, number>> = {
  'quote-req': 30,
  quote: 600,
  counter: 30,
  accept: 5,
  confirm: 60,
  rejected: 600,
  cancel: 600,
  start: 60,
  ready: 60,
  meter: 60,
  voucher: 60,
  result: 600,
  receipt: 600,
  'reclaim-notice': 60,
  grant: 60,
}

/** The message types of this library by name, as `open` of `@haggle/wire` takes them. All have a thread and an audience. */
export const CONTRACT_MESSAGES: { readonly [N in ContractMessageName]: MessageType<Bodies[N]> } = {
  'quote-req': message('quote-req', quoteReqSchema, LIFETIME_S['quote-req']),
  quote: message('quote', quoteSchema, LIFETIME_S.quote),
  counter: message('counter', counterSchema, LIFETIME_S.counter),
  accept: message('accept', acceptSchema, LIFETIME_S.accept),
  confirm: message('confirm', confirmSchema, LIFETIME_S.confirm),
  rejected: message('rejected', rejectedSchema, LIFETIME_S.rejected),
  cancel: message('cancel', cancelSchema, LIFETIME_S.cancel),
  start: message('start', startSchema, LIFETIME_S.start),
  ready: message('ready', readySchema, LIFETIME_S.ready),
  meter: message('meter', meterBodySchema, LIFETIME_S.meter),
  voucher: message('voucher', voucherSchema, LIFETIME_S.voucher),
  result: message('result', resultSchema, LIFETIME_S.result),
  receipt: message('receipt', receiptSchema, LIFETIME_S.receipt),
  'reclaim-notice': message('reclaim-notice', reclaimSchema, LIFETIME_S['reclaim-notice']),
  grant: message('grant', grantSchema, LIFETIME_S.grant),
}

/** Who may sign each message. */
export const SIGNER_OF: Readonly<Record<ContractMessageName, Role | 'both'>> = {
  'quote-req': 'renter',
  quote: 'provider',
  counter: 'renter',
  accept: 'renter',
  confirm: 'provider',
  rejected: 'provider',
  cancel: 'both',
  start: 'renter',
  ready: 'provider',
  meter: 'provider',
  voucher: 'renter',
  result: 'provider',
  receipt: 'both',
  'reclaim-notice': 'provider',
  grant: 'renter',
}

/** The unsigned frame that starts every stream about a known thread: how much each side has. */
export interface Sync {
  /** 16 bytes. */
  readonly thread: Uint8Array
  /** How many messages the sender of this frame has signed in the thread. */
  readonly mine: number
  /** How many of the other side's messages it has, without a gap from 0. */
  readonly yours: number
}

/** Dialect form of {@link Sync}: `[thread, mine, yours]`. */
export const syncSchema: Schema<Sync> = fields({ thread: bytes({ length: 16 }), mine: uint(), yours: uint() })
